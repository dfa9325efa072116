#include "binding/store_load.h"

#include "binding/arguments.h"
#include "binding/convert.h"
#include "binding/numpy.h"
#include "binding/types.h"

#include "base/memory.h"
#include "store/load.h"

enum { COLUMN_COUNT = 1 + ZA_FIGURE_COUNT };

/* A column of a table: `arrays` is a tuple of NumPy arrays, one behind the other. `array` and `row`: how far the table
 * has been cut into chunks. */
typedef struct za_table_column {
    PyObject *arrays;
    Py_ssize_t array;
    npy_intp row;
} za_table_column;

/* A table held while the engine reads it with the GIL released. */
typedef struct za_table_columns {
    za_table_column column[COLUMN_COUNT]; /* the times, then the figures */
    PyArrayObject *further;               /* [column][row] */
    za_chunk only, *many;                 /* one of the two is used */
    za_chunks chunks;
} za_table_columns;

/* A one-dimensional contiguous array of that type. It may be the caller's own, which another thread goes on writing
 * while the engine reads it: the engine checks what it has copied. `flags`: more that it has to be. */
static PyArrayObject *array_of(PyObject *object, int type, int flags)
{
    PyArrayObject *array = (PyArrayObject *)object;
    if (flags == 0 && PyArray_CheckExact(object) && PyArray_TYPE(array) == type && PyArray_ISCARRAY_RO(array)) {
        Py_INCREF(object); /* NumPy takes longer to find out */
    } else {
        array = (PyArrayObject *)PyArray_FROM_OTF(object, type, NPY_ARRAY_IN_ARRAY | flags);
    }
    if (array != NULL && PyArray_NDIM(array) != 1) {
        PyErr_SetString(PyExc_ValueError, "columns must be one-dimensional");
        Py_CLEAR(array);
    }
    return array;
}

/* The arrays that a column consists of, each as `array_of` has it: an array is one, Python's `Chunked` has `arrays`. A
 * new tuple. */
static PyObject *arrays_of(PyObject *column, int type)
{
    PyObject *given = PyArray_Check(column) ? NULL : PyObject_GetAttrString(column, "arrays");
    if (given == NULL && PyErr_Occurred()) {
        return NULL;
    }
    PyObject *arrays = PyTuple_New(given == NULL ? 1 : PyTuple_GET_SIZE(given));
    for (Py_ssize_t i = 0; arrays != NULL && i < PyTuple_GET_SIZE(arrays); i++) {
        PyArrayObject *array = array_of(given == NULL ? column : PyTuple_GET_ITEM(given, i), type, 0);
        if (array == NULL) {
            Py_CLEAR(arrays);
        } else {
            PyTuple_SET_ITEM(arrays, i, (PyObject *)array);
        }
    }
    Py_XDECREF(given);
    return arrays;
}

static int64_t rows_of(PyObject *arrays)
{
    int64_t rows = 0;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(arrays); i++) {
        rows += PyArray_DIM((PyArrayObject *)PyTuple_GET_ITEM(arrays, i), 0);
    }
    return rows;
}

static void release_columns(za_table_columns *columns)
{
    for (int i = 0; i < COLUMN_COUNT; i++) {
        Py_XDECREF(columns->column[i].arrays);
    }
    Py_XDECREF(columns->further);
    za_free(columns->many);
}

/* The values of a column from where it has been cut, and how many of them lie together. There are some left. */
static const void *rest_of(za_table_column *column, npy_intp *count)
{
    PyArrayObject *array = (PyArrayObject *)PyTuple_GET_ITEM(column->arrays, column->array);
    while (column->row == PyArray_DIM(array, 0)) {
        array = (PyArrayObject *)PyTuple_GET_ITEM(column->arrays, ++column->array);
        column->row = 0;
    }
    npy_intp left = PyArray_DIM(array, 0) - column->row;
    *count = left < *count ? left : *count;
    return PyArray_BYTES(array) + (size_t)column->row * sizeof(double);
}

/* The rows from `first` on that lie together in every column. */
static za_chunk cut_chunk(za_table_columns *columns, int64_t first)
{
    za_chunk chunk = {.first = first};
    npy_intp count = (npy_intp)(columns->chunks.rows - first);
    chunk.rows.time = rest_of(&columns->column[0], &count);
    for (int i = 0; i < ZA_FIGURE_COUNT; i++) {
        chunk.rows.figure[i] = rest_of(&columns->column[1 + i], &count);
    }
    chunk.rows.further = (const double *)PyArray_DATA(columns->further) + first;
    chunk.rows.stride = columns->chunks.rows;
    chunk.rows.count = count;
    for (int i = 0; i < COLUMN_COUNT; i++) {
        columns->column[i].row += count;
    }
    return chunk;
}

static int cut_chunks(za_table_columns *columns)
{
    Py_ssize_t most = 0;
    for (int i = 0; i < COLUMN_COUNT; i++) {
        most += PyTuple_GET_SIZE(columns->column[i].arrays);
    }
    za_chunk *chunks = &columns->only;
    if (most > COLUMN_COUNT) {
        chunks = columns->many = za_alloc((size_t)most, sizeof *chunks);
    }
    if (chunks == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    columns->chunks.at = chunks;
    for (int64_t row = 0; row < columns->chunks.rows; row += chunks[columns->chunks.count++].rows.count) {
        chunks[columns->chunks.count] = cut_chunk(columns, row);
    }
    return 0;
}

/* The further columns of the store, one array of all of them. */
static int take_further(PyObject *object, Py_ssize_t count, za_table_columns *columns)
{
    npy_intp rows = (npy_intp)columns->chunks.rows;
    columns->further = (PyArrayObject *)PyArray_FROM_OTF(object, NPY_DOUBLE, NPY_ARRAY_IN_ARRAY);
    if (columns->further == NULL) {
        return -1;
    }
    if (PyArray_NDIM(columns->further) != 2 || PyArray_DIM(columns->further, 0) != count ||
        PyArray_DIM(columns->further, 1) != rows) {
        PyErr_Format(PyExc_ValueError, "the further columns must have the shape (%zd, %zd)", count, (Py_ssize_t)rows);
        return -1;
    }
    return 0;
}

/* objects: timestamps, the five figures, and the further columns as one array. On failure still to be released. */
static int take_columns(PyObject *self, PyObject *const *objects, za_table_columns *columns)
{
    *columns = (za_table_columns){0};
    for (int i = 0; i < COLUMN_COUNT; i++) {
        PyObject *arrays = columns->column[i].arrays = arrays_of(objects[i], i == 0 ? NPY_INT64 : NPY_DOUBLE);
        if (arrays == NULL) {
            return -1;
        }
        if (i > 0 && rows_of(arrays) != columns->chunks.rows) {
            PyErr_SetString(PyExc_ValueError, "columns must be of equal length");
            return -1;
        }
        columns->chunks.rows = rows_of(arrays);
    }
    if (take_further(objects[COLUMN_COUNT], PyTuple_GET_SIZE(((za_store_object *)self)->columns), columns) < 0) {
        return -1;
    }
    return cut_chunks(columns);
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
    za_table_columns columns;
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
    code = za_store_load(store, symbol, columns.chunks, skip ? &skipped : NULL, &error);
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
    za_table_columns columns = {0};
    int skip = PyObject_IsTrue(arguments[9]);
    if (skip < 0 || (tuple = za_symbol_tuple(arguments[0])) == NULL || (names = za_symbols_of(tuple)) == NULL ||
        take_columns(self, arguments + 2, &columns) < 0 ||
        (codes = array_of(arguments[1], NPY_INT32, NPY_ARRAY_ENSURECOPY)) == NULL) {
        goto done;
    }
    if (PyArray_DIM(codes, 0) != columns.chunks.rows) {
        PyErr_SetString(PyExc_ValueError, "there must be as many symbol codes as rows");
        goto done;
    }
    za_store *store = ((za_store_object *)self)->store;
    za_long_table table = {.chunks = columns.chunks,
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
