/* The objects that the module holds: declared once, in the lists below; module.c makes the struct, its traverse and its
 * clear of them. */
#ifndef ZA_BINDING_STATE_H
#define ZA_BINDING_STATE_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "pool/pool.h"

/* Types of this module, and what the Python package registers. */
#define ZA_STATE_OBJECTS(X)                                                                                            \
    X(store_type)                                                                                                      \
    X(universe_type)                                                                                                   \
    X(port_type)                                                                                                       \
    X(batch_type)                                                                                                      \
    X(plan_type)                                                                                                       \
    X(query_type)                                                                                                      \
    X(live_type)                                                                                                       \
    X(histogram_type)                                                                                                  \
    X(tally_type)                                                                                                      \
    X(callable_type)                                                                                                   \
    X(Features)       /* class of a market-brain result */                                                             \
    X(MarketFeatures) /* class of a paper result */                                                                    \
    X(Signal)         /* class of a signal */                                                                          \
    X(directions)     /* (short, long) as a Signal has them */                                                         \
    X(signal_types)   /* (mean reversion, momentum, combined) */                                                       \
    X(horizons)       /* of mean reversion, of momentum */                                                             \
    X(regime_names)   /* panic, risk off, chop, risk on */                                                             \
    X(to_ns)          /* function that reads the rarer timestamps */                                                   \
    X(Future)         /* asyncio's */                                                                                  \
    X(create_future)  /* the function by which asyncio's loops make futures */                                         \
    X(loop_keyword)   /* ("loop",) */                                                                                  \
    X(no_arguments)   /* () */                                                                                         \
    X(feature_names)  /* tuple of interned names, in row order */                                                      \
    X(level_names)    /* ((low, normal, high), (down, sideways, up)) */                                                \
    X(as_of)          /* NULL, or the text of the time `as_of_ns` */                                                   \
    X(timestamp)      /* NULL, or the datetime of the time `timestamp_ns` */                                           \
    X(zero)           /* 0.0 */

#if PY_VERSION_HEX < 0x030D0000 /* there is a GIL */
#define Py_BEGIN_CRITICAL_SECTION(object) {
#define Py_END_CRITICAL_SECTION()         }
#endif

typedef struct za_state {
#define MEMBER(name) PyObject *name;
    ZA_STATE_OBJECTS(MEMBER)
#undef MEMBER
#define NAME(name) PyObject *str_##name;
#include "binding/names.def"
#undef NAME
    za_scratch scratch; /* guarded by the GIL */
    int64_t as_of_ns, timestamp_ns;
    bool timestamp_naive;
} za_state;

extern struct PyModuleDef za_module;

/* The state of the module that made `type` or a base of it. */
static inline za_state *za_state_of_type(PyTypeObject *type)
{
    return PyModule_GetState(PyType_GetModuleByDef(type, &za_module));
}

static inline za_state *za_state_of_module(PyObject *module)
{
    return PyModule_GetState(module);
}

#endif
