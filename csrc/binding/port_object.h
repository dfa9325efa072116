/* The Python side of a port, under port_type.c (its life, and the way back) and those who make its requests. */
#ifndef ZA_BINDING_PORT_OBJECT_H
#define ZA_BINDING_PORT_OBJECT_H

#include "binding/batch.h"
#include "binding/wake_fd.h"

/* One event loop's way in and back. Touched by its loop's thread only, but for close and stats; a strong reference to
 * the loop would keep a closed one alive, so each call brings it along. */
typedef struct za_port_object {
    PyObject_HEAD
    za_state *state; /* of the module, which its type keeps alive */
    za_port *port;
    PyObject *loop;                 /* weak reference */
    int plain_futures;              /* the loop's create_future is asyncio's own, which is but a call of Future */
    za_wake_fd wake_fd;             /* both -1 unless the wake is "eventfd" */
    za_batch *open;                 /* batches that take on single requests until the loop's next iteration */
    za_delivery *completed, **last; /* what has results to hand out, oldest first */
    int resuming;                   /* an iteration to go on handing out is scheduled */
    int closed;
    long long requests, batches, wakes, iterations;
    PyObject *weak_references;
    /* Used by the notifier's thread alone, for a loop that refuses to be woken. */
    struct za_port_object *next_refused; /* in the notifier's list, which holds a reference */
    int64_t retry_ns;                    /* when the loop is to be asked again; 0: not in that list */
    int refusals, told;                  /* since it was last woken; whether that was said */
} za_port_object;

/* loop.name(self.method), with an optional first argument; 0, or -1 with the loop's exception. */
int za_port_call_loop(PyObject *loop, PyObject *name, PyObject *first, za_port_object *self, PyObject *method);
/* Returns whether the loop makes its futures as asyncio does; -1 with an exception raised. */
int za_port_has_plain_futures(za_state *state, PyObject *loop);

/* loop.create_future(), or what asyncio's own does, without the frame for it. */
PyObject *za_port_new_future(za_port_object *self, PyObject *loop);
/* 0, or -1 with a RuntimeError when the port is closed. */
int za_port_check_open(za_port_object *self);

#endif
