/* Methods of a Plan: over columns that the caller gives. */
#ifndef ZA_BINDING_PLAN_TABLES_H
#define ZA_BINDING_PLAN_TABLES_H

#include "binding/state.h"

/* over(columns, offsets, times, zone, *, lanes=0, block=0, pieces=True) and tails(...) -> values, and
 * arrays(*columns) -> an array, or a tuple of arrays, of the columns' shape. */
PyObject *za_plan_over(PyObject *self, PyObject *arguments, PyObject *keywords);
PyObject *za_plan_tails(PyObject *self, PyObject *arguments, PyObject *keywords);
PyObject *za_plan_arrays(PyObject *self, PyObject *const *arguments, Py_ssize_t count);

#endif
