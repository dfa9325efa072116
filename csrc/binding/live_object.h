/* The Python side of live states, shared by live_type.c and live_states.c. */
#ifndef ZA_BINDING_LIVE_OBJECT_H
#define ZA_BINDING_LIVE_OBJECT_H

#include "binding/plan_object.h"
#include "binding/types.h"
#include "live/live.h"
#include "live/read.h"

typedef struct za_live_object {
    PyObject_HEAD
    za_live *live;        /* the only owner; never changes */
    za_plan_object *plan; /* what the states point into: */
    za_store_object *store;
    int *columns;
    PyObject *zone;
    PyObject *values;     /* the view of `board` that was given out last; NULL */
    za_live_board *board; /* which that view keeps; both guarded by the GIL or the object's critical section */
} za_live_object;

#endif
