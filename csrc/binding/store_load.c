#include "binding/store_load.h"

#include "binding/arguments.h"
#include "binding/convert.h"
#include "binding/numpy.h"
#include "binding/types.h"

#include "base/memory.h"
#include "store/load.h"

/* Columns held while the engine reads them with the GIL released. */
typedef struct za_columns {
    PyArrayObject *time, *figure[ZA_FIGURE_COUNT], *further; /* the last one [column][row] */
    za_rows rows;
} za_columns;

/* A one-dimensional contiguous array of that type and length (any length if negative). It may be the caller's own,
 * which another thread goes on writing while the engine reads it: the engine checks what it has copied. `flags`: more
 * that it has to be. */
static PyArrayObject *column_of(PyObject *object, int type, npy_intp length, int flags)
{
    PyArrayObject *array = (PyArrayObject *)PyArray_FROM_OTF(object, type, NPY_ARRAY_IN_ARRAY | flags);
    if (array != NULL && (PyArray_NDIM(array) != 1 || (length >= 0 && PyArray_DIM(array, 0) != length))) {
        PyErr_SetString(PyExc_ValueError, "columns must be one-dimensional and of equal length");
        Py_CLEAR(array);
    }
    return array;
}

static void release_columns(za_columns *columns)
{
    Py_XDECREF(columns->time);
    for (int i = 0; i < ZA_FIGURE_COUNT; i++) {
        Py_XDECREF(columns->figure[i]);
    }
    Py_XDECREF(columns->further);
}

/* The further columns of the store, `length` values each. */
static int take_further(PyObject *object, Py_ssize_t count, npy_intp length, za_columns *columns)
{
    columns->further = (PyArrayObject *)PyArray_FROM_OTF(object, NPY_DOUBLE, NPY_ARRAY_IN_ARRAY);
    if (columns->further == NULL) {
        return -1;
    }
    if (PyArray_NDIM(columns->further) != 2 || PyArray_DIM(columns->further, 0) != count ||
        PyArray_DIM(columns->further, 1) != length) {
        PyErr_Format(PyExc_ValueError, "the further columns must have the shape (%zd, %zd)", count, (Py_ssize_t)length);
        return -1;
    }
    columns->rows.further = PyArray_DATA(columns->further);
    columns->rows.stride = length;
    return 0;
}

/* objects: timestamps, the five figures, and the further columns as one array. On failure still to be released. */
static int take_columns(PyObject *self, PyObject *const *objects, za_columns *columns)
{
    *columns = (za_columns){0};
    columns->time = column_of(objects[0], NPY_INT64, -1, 0);
    if (columns->time == NULL) {
        return -1;
    }
    npy_intp length = PyArray_DIM(columns->time, 0);
    columns->rows.time = PyArray_DATA(columns->time);
    columns->rows.count = length;
    for (int i = 0; i < ZA_FIGURE_COUNT; i++) {
        columns->figure[i] = column_of(objects[i + 1], NPY_DOUBLE, length, 0);
        if (columns->figure[i] == NULL) {
            return -1;
        }
        columns->rows.figure[i] = PyArray_DATA(columns->figure[i]);
    }
    return take_further(objects[ZA_FIGURE_COUNT + 1], PyTuple_GET_SIZE(((za_store_object *)self)->columns), length,
                        columns);
}

/* {reason: rows} of those that were left out. */
static PyObject *reasons_of(const za_skipped *skipped)
{
    PyObject *reasons = PyDict_New();
    for (int at = 0; reasons != NULL && at < ZA_FAULT_COUNT * ZA_FIGURE_COUNT; at++) {
        za_fault fault = {.kind = (za_fault_kind)(at / ZA_FIGURE_COUNT), .figure = (za_figure)(at % ZA_FIGURE_COUNT)};
        int64_t rows = skipped->by_fault[fault.kind][fault.figure];
        if (rows == 0) {
            continue;
        }
        char text[ZA_REASON_TEXT];
        za_fault_reason(fault, text);
        PyObject *count = PyLong_FromLongLong(rows);
        if (count == NULL || PyDict_SetItemString(reasons, text, count) < 0) {
            Py_CLEAR(reasons);
        }
        Py_XDECREF(count);
    }
    return reasons;
}

PyObject *za_store_load_rows_method(PyObject *self, PyObject *const *arguments, Py_ssize_t count)
{
    za_symbol symbol;
    za_columns columns;
    if (za_check_count("_load_rows", count, 9) < 0 || za_symbol_of(arguments[0], &symbol) < 0) {
        return NULL;
    }
    int skip = PyObject_IsTrue(arguments[8]);
    if (skip < 0) {
        return NULL;
    }
    if (take_columns(self, arguments + 1, &columns) < 0) {
        release_columns(&columns);
        return NULL;
    }
    za_store *store = ((za_store_object *)self)->store;
    za_skipped skipped = {0};
    za_error error;
    za_code code;
    Py_BEGIN_ALLOW_THREADS
    code = za_store_load(store, symbol, &columns.rows, skip ? &skipped : NULL, &error);
    Py_END_ALLOW_THREADS
    release_columns(&columns);
    return code == ZA_OK ? reasons_of(&skipped) : za_raise(&error);
}

PyObject *za_store_load_groups_method(PyObject *self, PyObject *const *arguments, Py_ssize_t count)
{
    if (za_check_count("_load_groups", count, 10) < 0) {
        return NULL;
    }
    PyObject *tuple = NULL, *result = NULL;
    PyArrayObject *codes = NULL;
    za_symbol *names = NULL;
    za_columns columns = {0};
    int skip = PyObject_IsTrue(arguments[9]);
    if (skip < 0 || (tuple = za_symbol_tuple(arguments[0])) == NULL || (names = za_symbols_of(tuple)) == NULL ||
        take_columns(self, arguments + 2, &columns) < 0 ||
        (codes = column_of(arguments[1], NPY_INT32, (npy_intp)columns.rows.count, NPY_ARRAY_ENSURECOPY)) == NULL) {
        goto done;
    }
    za_store *store = ((za_store_object *)self)->store;
    za_long_table table = {.rows = columns.rows,
                           .codes = PyArray_DATA(codes),
                           .names = names,
                           .name_count = (int32_t)PyTuple_GET_SIZE(tuple)};
    za_skipped skipped = {0};
    za_error error;
    za_code code;
    Py_BEGIN_ALLOW_THREADS
    code = za_store_load_groups(store, &table, skip ? &skipped : NULL, &error);
    Py_END_ALLOW_THREADS
    result = code == ZA_OK ? reasons_of(&skipped) : za_raise(&error);
done:
    release_columns(&columns);
    Py_XDECREF(codes);
    za_free(names);
    Py_XDECREF(tuple);
    return result;
}
