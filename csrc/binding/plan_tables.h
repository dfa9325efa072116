/* Methods of a Plan: over columns that the caller gives. */
#ifndef ZA_BINDING_PLAN_TABLES_H
#define ZA_BINDING_PLAN_TABLES_H

#include "binding/plan_object.h"

/* over(columns, offsets, times, zone, *, lanes=0, block=0, pieces=True, groups=(), labels=()) and tails(...) ->
 * values. */
PyObject *za_plan_over(PyObject *self, PyObject *arguments, PyObject *keywords);
PyObject *za_plan_tails(PyObject *self, PyObject *arguments, PyObject *keywords);

/* The arrays as the groups of a table, each row of a matrix one. `type`: of the results, NPY_INT32 of a plan of one
 * that is whole. */
PyObject *za_plan_arrays_as_table(za_plan_object *self, PyObject *const *arguments, Py_ssize_t count, int type);

#endif
