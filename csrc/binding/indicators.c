/* The indicators over NumPy arrays. */
#include "binding/indicators.h"

#include "binding/arguments.h"
#include "binding/convert.h"
#include "binding/numpy.h"
#include "binding/types.h"

#include <math.h>

#include "base/memory.h"
#include "kernels/lanes.h"

/* The name and parameters of a call. */
typedef struct za_call {
    za_indicator indicator;
    const za_indicator_info *info;
    za_params params;
} za_call;

/* Which parameter has that name; -1 with a TypeError. */
static int parameter_index(const za_indicator_info *info, PyObject *name)
{
    for (int i = 0; i < info->param_count; i++) {
        if (PyUnicode_Check(name) && PyUnicode_CompareWithASCIIString(name, info->params[i].name) == 0) {
            return i;
        }
    }
    PyErr_Format(PyExc_TypeError, "%s has no parameter %R", info->name, name);
    return -1;
}

static int take_parameter(za_call *call, int index, PyObject *value)
{
    Py_INCREF(value); /* its __float__ could change the dict that it came from */
    call->params.value[index] = PyFloat_AsDouble(value);
    if (PyErr_Occurred() && PyErr_ExceptionMatches(PyExc_TypeError)) {
        PyErr_Format(PyExc_TypeError, "%s: %s must be a number, not %.200s", call->info->name,
                     call->info->params[index].name, Py_TYPE(value)->tp_name);
    }
    Py_DECREF(value);
    return PyErr_Occurred() ? -1 : 0;
}

static int call_of(PyObject *name, PyObject *parameters, za_call *call)
{
    const char *text = PyUnicode_AsUTF8(name); /* TypeError unless it is a str */
    if (text == NULL) {
        return -1;
    }
    call->indicator = za_indicator_find(text);
    if (call->indicator == ZA_INDICATOR_COUNT) {
        PyErr_Format(PyExc_ValueError, "there is no indicator %R; catalog() lists them", name);
        return -1;
    }
    if (!PyDict_Check(parameters)) {
        PyErr_SetString(PyExc_TypeError, "parameters must be a dict");
        return -1;
    }
    call->info = za_indicator_info_of(call->indicator);
    call->params = za_params_default(call->indicator);
    PyObject *key, *value;
    for (Py_ssize_t at = 0; PyDict_Next(parameters, &at, &key, &value);) {
        int index = parameter_index(call->info, key);
        if (index < 0) {
            return -1;
        }
        if (take_parameter(call, index, value) < 0) {
            return -1;
        }
    }
    za_error error;
    if (za_params_check(call->indicator, &call->params, &error) != ZA_OK) {
        (void)za_raise(&error);
        return -1;
    }
    return 0;
}

/* The columns of a call: all of one shape, (bars,) or (symbols, bars), contiguous doubles. */
typedef struct za_inputs {
    PyArrayObject *column[ZA_MAX_INPUTS]; /* in the order of the row; NULL where there is none */
    int dimensions;
    npy_intp shape[2]; /* of the outputs of a series */
    npy_intp symbols, bars;
} za_inputs;

static void release_inputs(za_inputs *inputs)
{
    for (int i = 0; i < ZA_MAX_INPUTS; i++) {
        Py_CLEAR(inputs->column[i]);
    }
}

static int check_finite(PyArrayObject *array, const char *name)
{
    const double *values = PyArray_DATA(array);
    npy_intp count = PyArray_SIZE(array), bars = PyArray_DIM(array, PyArray_NDIM(array) - 1);
    for (npy_intp i = 0; i < count; i++) {
        if (!isfinite(values[i])) {
            PyErr_Format(PyExc_ValueError, "%s, row %zd is not finite", name, (Py_ssize_t)(i % bars));
            return -1;
        }
    }
    return 0;
}

static int take_input(za_inputs *inputs, const za_call *call, PyObject *columns, int i)
{
    const char *name = za_field_name(call->info->inputs[i]);
    PyObject *object = PyMapping_GetItemString(columns, name);
    if (object == NULL) {
        if (PyErr_ExceptionMatches(PyExc_KeyError)) {
            PyErr_Format(PyExc_TypeError, "%s needs the column %s", call->info->name, name);
        }
        return -1;
    }
    PyArrayObject *array =
        (PyArrayObject *)PyArray_FROM_OTF(object, NPY_DOUBLE, NPY_ARRAY_IN_ARRAY | NPY_ARRAY_ENSURECOPY);
    Py_DECREF(object);
    if (array == NULL) {
        if (PyErr_ExceptionMatches(PyExc_TypeError) || PyErr_ExceptionMatches(PyExc_ValueError)) {
            PyErr_Format(PyExc_TypeError, "%s must be an array of float64, or one that NumPy casts safely", name);
        }
        return -1;
    }
    inputs->column[i] = array;
    int dimensions = PyArray_NDIM(array);
    if (dimensions != 1 && dimensions != 2) {
        PyErr_Format(PyExc_ValueError, "%s must have the shape (bars,) or (symbols, bars)", name);
        return -1;
    }
    if (inputs->dimensions == 0) {
        inputs->dimensions = dimensions;
        memcpy(inputs->shape, PyArray_DIMS(array), (size_t)dimensions * sizeof *inputs->shape);
        inputs->symbols = dimensions == 2 ? inputs->shape[0] : 1;
        inputs->bars = inputs->shape[dimensions - 1];
    } else if (dimensions != inputs->dimensions ||
               !PyArray_CompareLists(inputs->shape, PyArray_DIMS(array), dimensions)) {
        PyErr_Format(PyExc_ValueError, "%s has another shape than the columns before it", name);
        return -1;
    }
    return check_finite(array, name);
}

/* A name that is no column's is a slip; a column that the indicator does not read is let be. */
static int check_column_names(PyObject *columns)
{
    PyObject *names = PyMapping_Keys(columns);
    if (names == NULL) {
        PyErr_Format(PyExc_TypeError, "columns must be a mapping, not %.200s", Py_TYPE(columns)->tp_name);
        return -1;
    }
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(names); i++) {
        PyObject *name = PyList_GET_ITEM(names, i);
        int known = 0;
        for (int field = 0; !known && field < ZA_FIELD_COUNT; field++) {
            known =
                PyUnicode_Check(name) && PyUnicode_CompareWithASCIIString(name, za_field_name((za_field)field)) == 0;
        }
        if (!known) {
            PyErr_Format(PyExc_TypeError, "%R is no column; there are open, high, low, close, volume and other", name);
            Py_DECREF(names);
            return -1;
        }
    }
    Py_DECREF(names);
    return 0;
}

static int take_inputs(za_inputs *inputs, const za_call *call, PyObject *columns)
{
    if (check_column_names(columns) < 0) {
        return -1;
    }
    for (int i = 0; i < call->info->input_count; i++) {
        if (take_input(inputs, call, columns, i) < 0) {
            return -1;
        }
    }
    return 0;
}

/* What a pass over the symbols needs; the drivers differ in what they write. */
typedef struct za_pass {
    const za_call *call;
    const za_inputs *inputs;
    double *const *out; /* of each output: (symbols, bars), or (symbols,) of a snapshot */
    bool whole;         /* a series */
} za_pass;

static const double *column_from(const za_pass *pass, int input, npy_intp symbol)
{
    return (const double *)PyArray_DATA(pass->inputs->column[input]) + symbol * pass->inputs->bars;
}

/* The memory of a group, in doubles: the state, then a tile for each column and each output, all on cache lines. */
typedef struct za_layout {
    size_t state, tile;
} za_layout;

static size_t on_lines(size_t doubles)
{
    enum { A_LINE = ZA_CACHE_LINE / sizeof(double) };
    return (doubles + A_LINE - 1) / A_LINE * A_LINE;
}

static za_layout layout_of(const za_pass *pass, const za_lane_set *set)
{
    size_t state_bytes = set->state_bytes(pass->call->indicator, &pass->call->params);
    return (za_layout){.state = on_lines((state_bytes + sizeof(double) - 1) / sizeof(double)),
                       .tile = on_lines((size_t)pass->inputs->bars * (size_t)set->lanes)};
}

static size_t group_doubles(const za_pass *pass, const za_lane_set *set)
{
    za_layout layout = layout_of(pass, set);
    return layout.state + layout.tile * (ZA_MAX_INPUTS + ZA_MAX_OUTPUTS);
}

/* One group of as many symbols as the set has lanes. */
static void run_group(const za_pass *pass, const za_lane_set *set, npy_intp symbol, double *memory)
{
    const za_call *call = pass->call;
    npy_intp bars = pass->inputs->bars;
    za_layout layout = layout_of(pass, set);
    double *next = memory + layout.state;
    za_kernel_block block = {.indicator = call->indicator,
                             .params = &call->params,
                             .bars = bars,
                             .from = pass->whole ? 0 : bars - 1,
                             .state = memory};
    for (int input = 0; input < call->info->input_count; input++, next += layout.tile) {
        const double *columns[ZA_MOST_LANES];
        for (int lane = 0; lane < set->lanes; lane++) {
            columns[lane] = column_from(pass, input, symbol + lane);
        }
        set->transpose(columns, bars, next);
        block.in[input] = next;
    }
    for (int output = 0; output < call->info->output_count; output++, next += layout.tile) {
        block.out[output] = next;
    }
    set->start(call->indicator, &call->params, 0, memory);
    set->run(&block);
    for (int output = 0; output < call->info->output_count; output++) {
        int64_t rows = bars - block.from;
        double *columns[ZA_MOST_LANES];
        for (int lane = 0; lane < set->lanes; lane++) {
            columns[lane] = pass->out[output] + (symbol + lane) * rows;
        }
        set->spread(block.out[output] + block.from * set->lanes, rows, columns);
    }
}

/* All symbols: in groups as wide as the lanes, what is left over one by one. */
static za_code run_pass(const za_pass *pass)
{
    const za_lane_set *wide = za_lane_set_widest(), *one = za_lane_set_one();
    double *memory = za_alloc_aligned(group_doubles(pass, wide) + group_doubles(pass, one), sizeof(double));
    if (memory == NULL) {
        return ZA_NO_MEMORY;
    }
    npy_intp symbol = 0, symbols = pass->inputs->symbols;
    for (; symbols - symbol >= wide->lanes; symbol += wide->lanes) {
        run_group(pass, wide, symbol, memory);
    }
    for (; symbol < symbols; symbol++) {
        run_group(pass, one, symbol, memory);
    }
    za_free(memory);
    return ZA_OK;
}

static void fill_nan(double *values, npy_intp count)
{
    for (npy_intp i = 0; i < count; i++) {
        values[i] = NAN;
    }
}

/* The tuple of output arrays, run over the inputs. */
static PyObject *run_call(const za_call *call, const za_inputs *inputs, bool whole)
{
    double *out[ZA_MAX_OUTPUTS];
    int dimensions = whole ? inputs->dimensions : inputs->dimensions - 1;
    PyObject *arrays = PyTuple_New(call->info->output_count);
    for (int i = 0; arrays != NULL && i < call->info->output_count; i++) {
        PyObject *array = PyArray_SimpleNew(dimensions, (npy_intp *)inputs->shape, NPY_DOUBLE);
        if (array == NULL) {
            Py_CLEAR(arrays);
            break;
        }
        out[i] = PyArray_DATA((PyArrayObject *)array);
        PyTuple_SET_ITEM(arrays, i, array);
        if (inputs->bars <= za_lookback(call->indicator, &call->params)) {
            fill_nan(out[i], PyArray_SIZE((PyArrayObject *)array));
        }
    }
    if (arrays == NULL || inputs->bars <= za_lookback(call->indicator, &call->params)) {
        return arrays;
    }
    za_pass pass = {.call = call, .inputs = inputs, .out = out, .whole = whole};
    za_code code;
    Py_BEGIN_ALLOW_THREADS
    code = run_pass(&pass);
    Py_END_ALLOW_THREADS
    if (code != ZA_OK) {
        Py_DECREF(arrays);
        return PyErr_NoMemory();
    }
    return arrays;
}

/* (name, columns, parameters) */
static PyObject *run_indicator(PyObject *const *arguments, bool whole)
{
    za_call call;
    za_inputs inputs = {0};
    PyObject *result = NULL;
    if (call_of(arguments[0], arguments[2], &call) == 0 && take_inputs(&inputs, &call, arguments[1]) == 0) {
        result = run_call(&call, &inputs, whole);
    }
    release_inputs(&inputs);
    return result;
}

PyObject *za_series(PyObject *module, PyObject *const *arguments, Py_ssize_t count)
{
    (void)module;
    return za_check_count("series", count, 3) < 0 ? NULL : run_indicator(arguments, true);
}

PyObject *za_snapshot(PyObject *module, PyObject *const *arguments, Py_ssize_t count)
{
    (void)module;
    return za_check_count("snapshot", count, 3) < 0 ? NULL : run_indicator(arguments, false);
}

PyObject *za_lookback_of(PyObject *module, PyObject *const *arguments, Py_ssize_t count)
{
    (void)module;
    za_call call;
    if (za_check_count("lookback", count, 2) < 0 || call_of(arguments[0], arguments[1], &call) < 0) {
        return NULL;
    }
    return PyLong_FromLongLong(za_lookback(call.indicator, &call.params));
}
