#ifndef ZA_BINDING_PLAN_ARRAYS_H
#define ZA_BINDING_PLAN_ARRAYS_H

#include "binding/state.h"

/* Method of a Plan: arrays(*columns) -> an array, or a tuple of arrays, of the columns' shape. */
PyObject *za_plan_arrays(PyObject *self, PyObject *const *arguments, Py_ssize_t count);
/* The same of a plan whose only result is whole, as int32: 0 where it has no value. */
PyObject *za_plan_integers(PyObject *self, PyObject *const *arguments, Py_ssize_t count);

#endif
