#ifndef ZA_BINDING_STORE_LABELS_H
#define ZA_BINDING_STORE_LABELS_H

#include "binding/state.h"

/* Methods of a BarStore: set_labels(name, {symbol: label}), labels() -> {name: {symbol: label}}, and _label_names() ->
 * the names alone. */
PyObject *za_store_set_labels_method(PyObject *self, PyObject *const *arguments, Py_ssize_t count);
PyObject *za_store_labels_method(PyObject *self, PyObject *unused);
PyObject *za_store_label_names_method(PyObject *self, PyObject *unused);

#endif
