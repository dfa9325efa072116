/* A delivery comes back to a loop: the head of everything that is computed for futures. It travels through the pool,
 * waits in its port until the loop takes it, and then hands out its results. */
#ifndef ZA_BINDING_DELIVERY_H
#define ZA_BINDING_DELIVERY_H

#include "binding/state.h"
#include "pool/port.h"

/* The share of one iteration of the loop that handing out results may take. */
typedef struct za_budget {
    int results;
    int64_t until_ns; /* on za_clock_ns */
} za_budget;

typedef struct za_delivery za_delivery;

typedef struct za_delivery_kind {
    /* Hands out results while the budget lasts; 1 when all are out, 0 when some are left, -1 with an exception that is
     * none of the results' own (KeyboardInterrupt, SystemExit): the future at which it came has it too, and
     * delivery->unfinished says whether some are left. */
    int (*deliver)(za_state *state, za_delivery *delivery, za_budget *budget);
    /* Lets go of the futures of a closed loop, whose callback it is: they would keep it and the loop alive. */
    void (*abandon)(za_delivery *delivery);
} za_delivery_kind;

/* Touched with the GIL held only, but for `completion`, which belongs to the pool between submission and the port's
 * take. */
struct za_delivery {
    PyObject_HEAD
    const za_delivery_kind *kind;
    za_completion completion;
    za_delivery *next;     /* in its port's list of those with results to hand out */
    za_port *port;         /* a reference, from submission on */
    PyObject *port_object; /* keeps the Python side of the port alive while it is under way */
    int unfinished;        /* there are results that were not handed out */
};

/* The delivery of a completion that a port gave back, with the pool's reference. */
za_delivery *za_delivery_of(za_completion *completion);
/* It is about to be submitted, and keeps the port from now on. */
void za_delivery_attach(za_delivery *delivery, za_port *port, PyObject *port_object);
/* Releases the head's part. */
void za_delivery_clear(za_delivery *delivery);
/* Drops the futures and the reference. */
void za_delivery_abandon(za_delivery *delivery);

/* Returns whether nobody waits for the future any more; -1 with an exception. */
int za_future_is_done(za_state *state, PyObject *future);
/* Sets result or exception (the one raised now, if `value` is NULL); takes over `value`. A future done meanwhile is let
 * be. -1 only with an exception that is to go on: a KeyboardInterrupt and the like, which the future gets too, since
 * whoever waits for it must not wait for ever. */
int za_future_resolve(za_state *state, PyObject *future, PyObject *value);
/* Adds `delivery` as the future's callback; 0 or -1. */
int za_future_call_back(za_state *state, PyObject *future, za_delivery *delivery);
/* Looks at a callback's arguments: 1 if the future was cancelled, 0 if not, -1 with an exception. */
int za_future_was_cancelled(za_state *state, PyObject *arguments);

#endif
