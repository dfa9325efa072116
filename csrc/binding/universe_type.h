#ifndef ZA_BINDING_UNIVERSE_TYPE_H
#define ZA_BINDING_UNIVERSE_TYPE_H

#include "binding/types.h"
#include "store/universe.h"

/* The Python side of a universe. It never changes. */
typedef struct za_universe_object {
    PyObject_HEAD
    za_store_object *store; /* a reference */
    za_universe *universe;
} za_universe_object;

/* A method of a BarStore: universe(symbols). */
PyObject *za_store_universe_method(PyObject *self, PyObject *symbols);

#endif
