#ifndef ZA_BINDING_PLAN_ARRAYS_H
#define ZA_BINDING_PLAN_ARRAYS_H

#include "binding/state.h"

/* Method of a Plan: arrays(*columns) -> an array, or a tuple of arrays, of the columns' shape. */
PyObject *za_plan_arrays(PyObject *self, PyObject *const *arguments, Py_ssize_t count);

#endif
