/* The Python types of the module, and the functions that are its methods. */
#ifndef ZA_BINDING_TYPES_H
#define ZA_BINDING_TYPES_H

#include "base/histogram.h"
#include "binding/state.h"
#include "store/store.h"

typedef struct za_store_object {
    PyObject_HEAD
    za_store *store; /* the only owner; never NULL, never changes */
} za_store_object;

extern PyType_Spec za_store_spec, za_port_spec, za_batch_spec, za_histogram_spec, za_plan_type_spec, za_query_spec,
    za_tally_spec;

/* The one behind a Histogram, which owns it. */
za_histogram *za_histogram_of(PyObject *object);

/* The store behind an argument; NULL with a TypeError. */
za_store_object *za_store_argument(za_state *state, PyObject *object);

/* store_load.c: methods of the store */
PyObject *za_store_load_rows_method(PyObject *self, PyObject *const *arguments, Py_ssize_t count);
PyObject *za_store_load_groups_method(PyObject *self, PyObject *const *arguments, Py_ssize_t count);

/* Functions of the module, each in the file named. */
PyObject *za_read_arrow(PyObject *module, PyObject *data);                             /* arrow_columns.c */
PyObject *za_arrow_stream(PyObject *module, PyObject *arguments);                      /* arrow_stream.c */
PyObject *za_features(PyObject *module, PyObject *const *arguments, Py_ssize_t count); /* requests.c */
PyObject *za_features_many(PyObject *module, PyObject *const *arguments, Py_ssize_t count);
PyObject *za_paper_features(PyObject *module, PyObject *const *arguments, Py_ssize_t count);
PyObject *za_signals(PyObject *module, PyObject *const *arguments, Py_ssize_t count);
PyObject *za_catalog(PyObject *module, PyObject *unused);                            /* catalog.c */
PyObject *za_series(PyObject *module, PyObject *const *arguments, Py_ssize_t count); /* indicators.c */
PyObject *za_snapshot(PyObject *module, PyObject *const *arguments, Py_ssize_t count);
PyObject *za_lookback_of(PyObject *module, PyObject *const *arguments, Py_ssize_t count);
PyObject *za_notifier_run(PyObject *module, PyObject *unused); /* port_type.c */

/* -1 with a TypeError unless `count` is what `name` takes. */
int za_check_count(const char *name, Py_ssize_t count, Py_ssize_t expected);

#endif
