#ifndef ZA_BINDING_STORE_LABELS_H
#define ZA_BINDING_STORE_LABELS_H

#include "binding/state.h"

/* Methods of a BarStore: set_labels(name, {symbol: label}), and labels() -> {name: {symbol: label}}. */
PyObject *za_store_set_labels_method(PyObject *self, PyObject *const *arguments, Py_ssize_t count);
PyObject *za_store_labels_method(PyObject *self, PyObject *unused);

#endif
