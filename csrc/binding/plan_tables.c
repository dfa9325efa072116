/* Plans over columns that the caller gives: groups of a table, and arrays. */
#include "binding/plan_tables.h"

#include "binding/arguments.h"
#include "binding/arrays.h"

#include "base/memory.h"
#include "binding/convert.h"
#include "binding/plan_others.h"
#include "binding/waiting.h"
#include "plan/run.h"
#include "pool/shared_pool.h"

/* A call's columns, contiguous float64. */
typedef struct za_columns {
    PyObject **arrays; /* owned, `count` of them */
    const double **values;
    int count;
} za_columns;

static void release_columns(za_columns *columns)
{
    for (int i = 0; columns->arrays != NULL && i < columns->count; i++) {
        Py_XDECREF(columns->arrays[i]);
    }
    za_free(columns->arrays);
    za_free(columns->values);
}

/* An array of `type` with 1 to `most_dimensions` dimensions, contiguous: the object itself if it is one. */
static PyArrayObject *array_of(PyObject *object, int type, int most_dimensions, const char *name)
{
    PyArrayObject *array = (PyArrayObject *)PyArray_FROM_OTF(object, type, NPY_ARRAY_IN_ARRAY);
    if (array == NULL) {
        if (PyErr_ExceptionMatches(PyExc_TypeError) || PyErr_ExceptionMatches(PyExc_ValueError)) {
            PyErr_Format(PyExc_TypeError, "%s must be an array of %s, or one that NumPy casts safely", name,
                         type == NPY_DOUBLE ? "float64" : "int64");
        }
        return NULL;
    }
    if (PyArray_NDIM(array) < 1 || PyArray_NDIM(array) > most_dimensions) {
        PyErr_Format(PyExc_ValueError, "%s must have %s", name,
                     most_dimensions == 1 ? "the shape (rows,)" : "the shape (bars,) or (series, bars)");
        Py_CLEAR(array);
    }
    return array;
}

static const char *name_of_column(const za_plan_object *self, int column)
{
    const char *name = PyUnicode_AsUTF8(PyTuple_GET_ITEM(self->columns, column));
    return name != NULL ? name : "a column";
}

/* `count` columns of one shape; each is the plan's column of its place. */
static int take_columns(za_plan_object *self, PyObject *const *objects, Py_ssize_t count, int most_dimensions,
                        za_columns *columns)
{
    *columns = (za_columns){.count = (int)count};
    if (count != za_plan_column_count(self->plan)) {
        PyErr_Format(PyExc_TypeError, "the plan reads %d columns, not %zd", za_plan_column_count(self->plan), count);
        return -1;
    }
    columns->arrays = za_alloc_zeroed((size_t)count, sizeof *columns->arrays);
    columns->values = za_alloc_zeroed((size_t)count, sizeof *columns->values);
    if (columns->arrays == NULL || columns->values == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    for (int i = 0; i < count; i++) {
        PyArrayObject *array = array_of(objects[i], NPY_DOUBLE, most_dimensions, name_of_column(self, i));
        if (array == NULL) {
            return -1;
        }
        columns->arrays[i] = (PyObject *)array;
        columns->values[i] = PyArray_DATA(array);
        PyArrayObject *first = (PyArrayObject *)columns->arrays[0];
        if (PyArray_NDIM(array) != PyArray_NDIM(first) ||
            !PyArray_CompareLists(PyArray_DIMS(array), PyArray_DIMS(first), PyArray_NDIM(array))) {
            PyErr_Format(PyExc_ValueError, "%s has another shape than %s", name_of_column(self, i),
                         name_of_column(self, 0));
            return -1;
        }
    }
    return 0;
}

/* The groups of a table: [offsets[i], offsets[i + 1]) of `rows`. */
static PyArrayObject *take_offsets(PyObject *object, npy_intp rows)
{
    PyArrayObject *array = array_of(object, NPY_INT64, 1, "offsets");
    if (array == NULL) {
        return NULL;
    }
    const int64_t *offsets = PyArray_DATA(array);
    npy_intp count = PyArray_SIZE(array);
    int good = count > 0 && offsets[0] == 0 && offsets[count - 1] == rows;
    for (npy_intp i = 1; good && i < count; i++) {
        good = offsets[i] >= offsets[i - 1];
    }
    if (!good) {
        PyErr_SetString(PyExc_ValueError, "offsets must ascend from 0 to the number of rows");
        Py_CLEAR(array);
    }
    return array;
}

/* Times of the rows, or NULL without an exception when there are none. */
static int take_times(const za_plan_object *self, PyObject *object, npy_intp rows, PyArrayObject **times)
{
    *times = NULL;
    if (object == Py_None) {
        if (za_plan_reads_times(self->plan)) {
            PyErr_SetString(PyExc_ValueError, "a formula reads the bars' times, and there are none");
            return -1;
        }
        return 0;
    }
    *times = array_of(object, NPY_INT64, 1, "times");
    if (*times != NULL && PyArray_SIZE(*times) != rows) {
        PyErr_SetString(PyExc_ValueError, "there must be a time for each row");
        Py_CLEAR(*times);
    }
    return *times == NULL ? -1 : 0;
}

/* All stages, the last of which is initialised. Without the GIL. */
static za_code run_stages(za_run *run, const za_others *others, za_error *error)
{
    za_stages *stages = NULL;
    za_code code = za_stages_new(run, others, &stages, error);
    code = code == ZA_OK ? za_stages_wait(stages, za_pool_shared(), error) : code;
    za_stages_free(stages);
    return code;
}

/* Runs it while the calling thread waits without the GIL. `others` is NULL for a plan without sources, `look` if nobody
 * is to be asked meanwhile. */
static int run_table(za_run *run, const za_others *others, PyObject *look)
{
    za_error error;
    za_code code = za_run_init(run, &error);
    if (code == ZA_OK) {
        za_waiting waiting;
        za_waiting_begin(&waiting, run, look);
        code = others != NULL ? run_stages(run, others, &error) : za_run_wait(run, za_pool_shared(), &error);
        if (za_waiting_end(&waiting) < 0) {
            return -1;
        }
    }
    if (code != ZA_OK) {
        (void)za_raise(&error);
        return -1;
    }
    return 0;
}

static PyObject *new_values(npy_intp rows, int results)
{
    npy_intp shape[] = {rows, results};
    return PyArray_EMPTY(2, shape, NPY_DOUBLE, 1);
}

/* The arguments of over and tails. */
typedef struct za_table_call {
    PyObject *columns, *offsets, *times, *zone, *groups, *labels, *look;
    int lanes, block, pieces;
} za_table_call;

static PyObject *run_groups(za_plan_object *self, const za_table_call *call, bool last)
{
    za_columns columns = {0};
    za_plan_others others = {0};
    PyArrayObject *offsets = NULL, *times = NULL;
    PyObject *values = NULL;
    za_run run = {.plan = self->plan, .last = last, .cut = {call->lanes, call->block, !call->pieces}};
    if (take_columns(self, &PyTuple_GET_ITEM(call->columns, 0), PyTuple_GET_SIZE(call->columns), 1, &columns) < 0 ||
        za_zone_of(call->zone, &run.zone) < 0) {
        goto done;
    }
    npy_intp rows = columns.count > 0 ? PyArray_SIZE((PyArrayObject *)columns.arrays[0]) : -1;
    if (rows < 0) { /* formulas of no column: the offsets say how many rows there are */
        PyObject *array = PyArray_FROM_OTF(call->offsets, NPY_INT64, NPY_ARRAY_IN_ARRAY);
        npy_intp count = array == NULL ? 0 : PyArray_SIZE((PyArrayObject *)array);
        rows = count > 0 ? (npy_intp)((const int64_t *)PyArray_DATA((PyArrayObject *)array))[count - 1] : 0;
        Py_XDECREF(array);
    }
    offsets = PyErr_Occurred() ? NULL : take_offsets(call->offsets, rows);
    if (offsets == NULL || take_times(self, call->times, rows, &times) < 0) {
        goto done;
    }
    run.count = (size_t)(PyArray_SIZE(offsets) - 1);
    run.rows = last ? (int64_t)run.count : rows;
    values = new_values((npy_intp)run.rows, za_plan_output_count(self->plan));
    if (values == NULL) {
        goto done;
    }
    run.values = PyArray_DATA((PyArrayObject *)values);
    run.table = &(za_table){.columns = columns.values,
                            .times = times == NULL ? NULL : PyArray_DATA(times),
                            .offsets = PyArray_DATA(offsets),
                            .figures = self->figures};
    bool staged = za_plan_has_sources(self->plan);
    za_table_others given = {call->groups, call->labels, rows, (Py_ssize_t)run.count};
    if ((staged && za_others_of_table(self, &given, &others) < 0) ||
        run_table(&run, staged ? &others.others : NULL, call->look == Py_None ? NULL : call->look) < 0) {
        Py_CLEAR(values);
    }
done:
    za_others_release(&others);
    release_columns(&columns);
    Py_XDECREF((PyObject *)offsets);
    Py_XDECREF((PyObject *)times);
    return values;
}

static PyObject *over(PyObject *self, PyObject *arguments, PyObject *keywords, bool last)
{
    static char *names[] = {"columns", "offsets", "times",  "zone", "lanes", "block",
                            "pieces",  "groups",  "labels", "look", NULL};
    PyObject *none = za_state_of_type(Py_TYPE(self))->no_arguments;
    za_table_call call = {
        .times = Py_None, .zone = Py_None, .groups = none, .labels = none, .look = Py_None, .pieces = 1};
    if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "O!O|OO$iipO!O!O", names, &PyTuple_Type, &call.columns,
                                     &call.offsets, &call.times, &call.zone, &call.lanes, &call.block, &call.pieces,
                                     &PyTuple_Type, &call.groups, &PyTuple_Type, &call.labels, &call.look)) {
        return NULL;
    }
    if (call.block < 0) {
        return PyErr_Format(PyExc_ValueError, "block must be a number of bars, not %d", call.block);
    }
    return run_groups((za_plan_object *)self, &call, last);
}

PyObject *za_plan_over(PyObject *self, PyObject *arguments, PyObject *keywords)
{
    return over(self, arguments, keywords, false);
}

PyObject *za_plan_tails(PyObject *self, PyObject *arguments, PyObject *keywords)
{
    return over(self, arguments, keywords, true);
}

/* Offsets of `count` groups of `bars` rows. */
static int64_t *equal_groups(npy_intp count, npy_intp bars)
{
    int64_t *offsets = za_alloc((size_t)count + 1, sizeof *offsets);
    for (npy_intp i = 0; offsets != NULL && i <= count; i++) {
        offsets[i] = (int64_t)(i * bars);
    }
    return offsets;
}

PyObject *za_plan_arrays_as_table(za_plan_object *self, PyObject *const *arguments, Py_ssize_t count, int type)
{
    za_columns columns = {0};
    PyArrayObject *whole = NULL;
    PyObject *results = NULL;
    int64_t *offsets = NULL;
    if (za_plan_reads_times(self->plan) || za_plan_column_count(self->plan) == 0) {
        return PyErr_Format(PyExc_ValueError, "arrays have no times, and say by their shape what to compute");
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        if (!PyArray_Check(arguments[i])) {
            return PyErr_Format(PyExc_TypeError, "argument %zd is not an array but of type %s", i + 1,
                                Py_TYPE(arguments[i])->tp_name);
        }
    }
    if (take_columns(self, arguments, count, 2, &columns) < 0) {
        goto done;
    }
    PyArrayObject *first = (PyArrayObject *)columns.arrays[0];
    int dimensions = PyArray_NDIM(first);
    npy_intp shape[3] = {za_plan_output_count(self->plan), PyArray_DIM(first, 0),
                         dimensions == 2 ? PyArray_DIM(first, 1) : 1};
    npy_intp series = dimensions == 2 ? shape[1] : 1;
    offsets = equal_groups(series, PyArray_DIM(first, dimensions - 1));
    whole = (PyArrayObject *)za_aligned_values(type, dimensions + 1, shape);
    if (offsets == NULL || whole == NULL) {
        PyErr_NoMemory();
        goto done;
    }
    za_run run = {.plan = self->plan,
                  .table = &(za_table){.columns = columns.values, .offsets = offsets},
                  .count = (size_t)series,
                  .values = type == NPY_DOUBLE ? PyArray_DATA(whole) : NULL,
                  .integers = type == NPY_DOUBLE ? NULL : PyArray_DATA(whole),
                  .rows = PyArray_SIZE(first)};
    results = run_table(&run, NULL, NULL) < 0 ? NULL : za_results_of((PyObject *)whole);
done:
    release_columns(&columns);
    za_free(offsets);
    Py_XDECREF((PyObject *)whole);
    return results;
}
