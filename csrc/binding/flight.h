/* A flight: one request under way, with the Python objects that it carries. It is made on the loop's thread, works
 * in the pool without Python, and lands on the loop's thread again. */
#ifndef ZA_BINDING_FLIGHT_H
#define ZA_BINDING_FLIGHT_H

#include "binding/types.h"
#include "engine/port.h"
#include "engine/request.h"

/* What one turn of the loop may spend on handing out results. */
typedef struct za_budget {
    int results;
    int64_t until_ns; /* on za_clock_ns */
} za_budget;

/* Everything but `request`, `code`, `error` and `completion` is touched with the GIL held only; those four belong to
 * the pool between za_flight_depart and the port's take. */
typedef struct za_flight {
    PyObject_HEAD za_request request;
    za_code code;
    za_error error;
    za_completion completion;
    struct za_flight *next; /* in its port's list of open flights, or of landed ones */
    za_port *port;          /* a reference, from departure on */
    PyObject *port_object;  /* keeps the Python side of the port alive while it is under way */
    za_store_object *store;
    PyObject *tickers; /* a list of str: its strings are what request.symbols point into */
    za_symbol *symbols;
    Py_ssize_t count, room;
    PyObject *futures; /* a list with one for each ticker; NULL if `future` waits for the whole dict */
    PyObject *future;
    PyObject *result; /* that dict, as far as it is built */
    Py_ssize_t built; /* results handed out so far */
} za_flight;

/* An empty flight of single requests, filled by za_flight_board. NULL with an exception raised, as below. */
za_flight *za_flight_new(za_state *state, za_request_kind kind, za_store_object *store);
/* One more ticker, for which `future` waits. */
int za_flight_board(za_flight *flight, PyObject *ticker, PyObject *future);
/* A flight of a whole list, for which `future` waits; cancelling the future cancels the job. */
za_flight *za_flight_of_list(za_state *state, za_request_kind kind, za_store_object *store, PyObject *tickers,
                             PyObject *future);

/* Into the pool. From then on the pool holds a reference of its own, which za_flight_of hands back. On failure the
 * flight has landed with that error. */
int za_flight_depart(za_flight *flight, za_port *port, PyObject *port_object);
/* The flight of a completion that a port gave back, with the pool's reference. */
za_flight *za_flight_of(za_completion *completion);

/* Hands out results while the budget lasts; 1 when all are out, 0 when some are left, -1 with an exception that is
 * none of the requests' own (KeyboardInterrupt, SystemExit). */
int za_flight_unload(za_state *state, za_flight *flight, za_budget *budget);
/* Every future still waiting gets this error. */
void za_flight_fail(za_state *state, za_flight *flight, const za_error *error);

#endif
