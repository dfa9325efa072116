#ifndef ZA_BINDING_INDICATORS_H
#define ZA_BINDING_INDICATORS_H

#include "binding/state.h"

PyObject *za_series(PyObject *module, PyObject *const *arguments, Py_ssize_t count);
PyObject *za_snapshot(PyObject *module, PyObject *const *arguments, Py_ssize_t count);
PyObject *za_lookback_of(PyObject *module, PyObject *const *arguments, Py_ssize_t count);

#endif
