/* A batch: one request under way, with the Python objects that it carries. It is filled on the loop's thread, computed
 * in the pool without Python, and delivered on the loop's thread again. */
#ifndef ZA_BINDING_BATCH_H
#define ZA_BINDING_BATCH_H

#include "binding/delivery.h"
#include "binding/requests.h"

/* Everything but `request`, `code` and `error` is touched with the GIL held only; those three belong to the pool
 * between za_batch_submit and the port's take. */
typedef struct za_batch {
    za_delivery delivery; /* first */
    za_request request;
    za_code code;
    za_error error;
    struct za_batch *next; /* in its port's list of open batches */
    za_store_object *store;
    za_plan_object *plan;
    PyObject *tickers; /* a list of str: its strings are what request.symbols point into */
    za_symbol *symbols;
    Py_ssize_t count, room;
    PyObject *futures; /* a list with one for each ticker; NULL if `future` waits for the whole dict */
    PyObject *future;
    PyObject *result; /* that dict, as far as it is built */
    Py_ssize_t built; /* results handed out so far */
    za_tally *tally;  /* where single requests are counted; may be NULL */
    int64_t opened_ns;
    za_terms terms;
} za_batch;

/* An empty batch of single requests, filled by za_batch_add. NULL with an exception raised, as below. */
za_batch *za_batch_new(za_state *state, const za_asked *asked);
/* One more ticker and its symbol, for which `future` waits. Runs no Python. */
int za_batch_add(za_batch *batch, PyObject *ticker, za_symbol symbol, PyObject *future);
/* A batch of a whole list, for which `future` waits; cancelling the future cancels the job. */
za_batch *za_batch_of_list(za_state *state, const za_asked *asked, PyObject *future);

/* Into the pool, which holds a reference of its own from then on. On failure the batch is complete with that error. */
int za_batch_submit(za_batch *batch, za_port *port, PyObject *port_object);

/* Every future still waiting gets this error; -1 as above, when all of them have it. */
int za_batch_fail(za_state *state, za_batch *batch, const za_error *error);

#endif
