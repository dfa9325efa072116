/* The Python types of the module. */
#ifndef ZA_BINDING_TYPES_H
#define ZA_BINDING_TYPES_H

#include "binding/state.h"
#include "store/options.h"

typedef struct za_store_object {
    PyObject_HEAD
    za_store *store;   /* the only owner; never NULL, never changes */
    PyObject *columns; /* tuple of the further columns' names */
} za_store_object;

extern PyType_Spec za_store_spec, za_universe_spec, za_port_spec, za_batch_spec, za_histogram_spec, za_plan_type_spec,
    za_query_spec, za_live_type_spec, za_tally_spec;

#endif
