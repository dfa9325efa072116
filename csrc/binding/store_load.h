#ifndef ZA_BINDING_STORE_LOAD_H
#define ZA_BINDING_STORE_LOAD_H

#include "binding/state.h"

/* Methods of a BarStore. */
PyObject *za_store_load_rows_method(PyObject *self, PyObject *const *arguments, Py_ssize_t count);
PyObject *za_store_load_groups_method(PyObject *self, PyObject *const *arguments, Py_ssize_t count);

#endif
