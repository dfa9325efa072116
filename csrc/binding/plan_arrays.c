/* Plans over arrays, as a function of NumPy's is called: the shortest way from Python to the kernels and back. */
#include "binding/plan_arrays.h"

#include "binding/arrays.h"
#include "binding/plan_object.h"
#include "binding/plan_tables.h"
#include "binding/state.h"
#include "kernels/lanes.h"
#include "plan/series.h"

enum {
    MOST_COLUMNS = 8,      /* of the short way */
    MOST_BARS = 4096,      /* some 10 microseconds, for which no other thread has to be let in */
    MOST_SCRATCH = 1 << 20 /* bytes that are kept from call to call */
};

static bool is_plain(PyObject *object)
{
    PyArrayObject *array = (PyArrayObject *)object;
    return PyArray_Check(object) && PyArray_TYPE(array) == NPY_DOUBLE && PyArray_NDIM(array) == 1 &&
           PyArray_ISCARRAY_RO(array);
}

/* The data of one short contiguous array for each of the plan's columns; -1 if the arguments are anything else, else
 * the number of bars. */
static npy_intp take_plain(const za_plan_object *self, PyObject *const *arguments, Py_ssize_t count,
                           const double **columns)
{
    if (count < 1 || count > MOST_COLUMNS || count != za_plan_column_count(self->plan) ||
        za_plan_reads_times(self->plan)) {
        return -1;
    }
    npy_intp bars = -1;
    for (int i = 0; i < count; i++) {
        if (!is_plain(arguments[i]) || (i > 0 && PyArray_DIM((PyArrayObject *)arguments[i], 0) != bars)) {
            return -1;
        }
        bars = PyArray_DIM((PyArrayObject *)arguments[i], 0);
        columns[i] = PyArray_DATA((PyArrayObject *)arguments[i]);
    }
    return bars <= MOST_BARS && za_series_bytes(self->plan, bars) <= MOST_SCRATCH ? bars : -1;
}

/* The caller holds the GIL all the time, which guards the scratch memory. */
static PyObject *compute_plain(const za_plan_object *self, const double *const *columns, npy_intp bars)
{
    npy_intp shape[] = {za_plan_output_count(self->plan), bars};
    bool single = shape[0] == 1;
    PyObject *whole = single ? PyArray_EMPTY(1, shape + 1, NPY_DOUBLE, 0) : PyArray_EMPTY(2, shape, NPY_DOUBLE, 0);
    if (whole == NULL) {
        return NULL;
    }
    za_state *state = za_state_of_type(Py_TYPE(self));
    if (!za_series_run(self->plan, columns, bars, PyArray_DATA((PyArrayObject *)whole), &state->scratch)) {
        Py_DECREF(whole);
        return PyErr_NoMemory();
    }
    if (single) {
        return whole;
    }
    PyObject *results = za_results_of(whole);
    Py_DECREF(whole);
    return results;
}

PyObject *za_plan_arrays(PyObject *object, PyObject *const *arguments, Py_ssize_t count)
{
    za_plan_object *self = (za_plan_object *)object;
    const double *columns[MOST_COLUMNS];
    npy_intp bars = take_plain(self, arguments, count, columns);
    return bars >= 0 ? compute_plain(self, columns, bars) : za_plan_arrays_as_table(self, arguments, count, NPY_DOUBLE);
}

/* Takes over the reference to an array of doubles, which may be NULL with an exception raised. */
static PyObject *integers_of(PyObject *found)
{
    npy_intp bars = found == NULL ? 0 : PyArray_SIZE((PyArrayObject *)found);
    PyObject *integers = found == NULL ? NULL : PyArray_EMPTY(1, &bars, NPY_INT32, 0);
    if (integers != NULL) {
        za_lane_set_widest()->to_integers(PyArray_DATA((PyArrayObject *)found), bars,
                                          PyArray_DATA((PyArrayObject *)integers));
    }
    Py_XDECREF(found);
    return integers;
}

PyObject *za_plan_integers(PyObject *object, PyObject *const *arguments, Py_ssize_t count)
{
    za_plan_object *self = (za_plan_object *)object;
    const double *columns[MOST_COLUMNS];
    if (za_plan_output_count(self->plan) != 1) {
        PyErr_SetString(PyExc_ValueError, "whole numbers are of a plan with one result");
        return NULL;
    }
    npy_intp bars = take_plain(self, arguments, count, columns);
    return bars >= 0 ? integers_of(compute_plain(self, columns, bars))
                     : za_plan_arrays_as_table(self, arguments, count, NPY_INT32);
}
