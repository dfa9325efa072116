/* A batch: one request under way, with the Python objects that it carries. It is filled on the loop's thread, computed
 * in the pool without Python, and delivered on the loop's thread again. */
#ifndef ZA_BINDING_BATCH_H
#define ZA_BINDING_BATCH_H

#include "binding/tally.h"
#include "binding/types.h"
#include "market/request.h"
#include "pool/port.h"

/* What one turn of the loop may spend on handing out results. */
typedef struct za_budget {
    int results;
    int64_t until_ns; /* on za_clock_ns */
} za_budget;

/* Everything but `request`, `code`, `error` and `completion` is touched with the GIL held only; those four belong to
 * the pool between za_batch_submit and the port's take. */
typedef struct za_batch {
    PyObject_HEAD
    za_request request;
    za_code code;
    za_error error;
    za_completion completion;
    struct za_batch *next; /* in its port's list of open batches, or of completed ones */
    za_port *port;         /* a reference, from submission on */
    PyObject *port_object; /* keeps the Python side of the port alive while it is under way */
    za_store_object *store;
    PyObject *tickers; /* a list of str: its strings are what request.symbols point into */
    za_symbol *symbols;
    Py_ssize_t count, room;
    PyObject *futures; /* a list with one for each ticker; NULL if `future` waits for the whole dict */
    PyObject *future;
    PyObject *result; /* that dict, as far as it is built */
    Py_ssize_t built; /* results handed out so far */
    za_tally *tally;  /* where single requests are counted; may be NULL */
    int64_t opened_ns;
} za_batch;

/* An empty batch of single requests, filled by za_batch_add, each of which is counted in `tally`. NULL with an
 * exception raised, as below. */
za_batch *za_batch_new(za_state *state, za_request_kind kind, za_store_object *store, za_tally *tally);
/* One more ticker and its symbol, for which `future` waits. Runs no Python. */
int za_batch_add(za_batch *batch, PyObject *ticker, za_symbol symbol, PyObject *future);
/* A batch of a whole list, for which `future` waits; cancelling the future cancels the job. */
za_batch *za_batch_of_list(za_state *state, za_request_kind kind, za_store_object *store, PyObject *tickers,
                           PyObject *future);

/* Into the pool. From then on the pool holds a reference of its own, which za_batch_of hands back. On failure the
 * batch is complete with that error. */
int za_batch_submit(za_batch *batch, za_port *port, PyObject *port_object);
/* The batch of a completion that a port gave back, with the pool's reference. */
za_batch *za_batch_of(za_completion *completion);

/* Hands out results while the budget lasts; 1 when all are out, 0 when some are left, -1 with an exception that is
 * none of the requests' own (KeyboardInterrupt, SystemExit): the future at which it came has it too, and what follows
 * is left to be handed out. */
int za_batch_deliver(za_state *state, za_batch *batch, za_budget *budget);
/* Every future still waiting gets this error; -1 as above, when all of them have it. */
int za_batch_fail(za_state *state, za_batch *batch, const za_error *error);
/* Lets go of a batch whose loop is closed: its future, whose callback it is, would keep it and the loop alive. */
void za_batch_abandon(za_batch *batch);

#endif
