/* The Python types of the module. */
#ifndef ZA_BINDING_TYPES_H
#define ZA_BINDING_TYPES_H

#include "binding/state.h"
#include "store/options.h"
#include "store/store.h"

/* Tickers, and what they are called below; touched with the GIL held only, but for the symbols. */
typedef struct za_named {
    PyObject *tickers;        /* tuple of plain str */
    const za_symbol *symbols; /* which may point into the tickers, */
    PyObject *owner;          /* and belong to this one */
} za_named;

typedef struct za_store_object {
    PyObject_HEAD
    za_store *store;          /* the only owner; never NULL, never changes */
    PyObject *columns;        /* tuple of the further columns' names */
    za_named sorted;          /* all symbols in order, as they were when somebody last asked, */
    za_membership membership; /* and these were there; guarded by the GIL */
} za_store_object;

extern PyType_Spec za_store_spec, za_universe_spec, za_port_spec, za_batch_spec, za_histogram_spec, za_plan_type_spec,
    za_query_spec, za_live_type_spec, za_tally_spec, za_callable_spec;

#endif
