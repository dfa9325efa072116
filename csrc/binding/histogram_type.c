#include "binding/histogram_type.h"

#include "binding/arguments.h"
#include "binding/convert.h"
#include "binding/types.h"

#include <math.h>

#include "base/histogram.h"
#include "base/memory.h"

static const double ns_per_second = 1e9;

typedef struct za_histogram_object {
    PyObject_HEAD
    za_histogram *histogram; /* owned; never NULL, never changes */
} za_histogram_object;

za_histogram *za_histogram_of(PyObject *object)
{
    return ((za_histogram_object *)object)->histogram;
}

int za_check_histogram(za_state *state, PyObject *object)
{
    if (Py_IS_TYPE(object, (PyTypeObject *)state->histogram_type)) {
        return 0;
    }
    PyErr_Format(PyExc_TypeError, "expected a Histogram, not %.200s", Py_TYPE(object)->tp_name);
    return -1;
}

static PyObject *histogram_new(PyTypeObject *type, PyObject *arguments, PyObject *keywords)
{
    static char *names[] = {NULL};
    if (!PyArg_ParseTupleAndKeywords(arguments, keywords, ":Histogram", names)) {
        return NULL;
    }
    za_histogram_object *self = (za_histogram_object *)type->tp_alloc(type, 0);
    if (self == NULL) {
        return NULL;
    }
    self->histogram = za_histogram_new();
    if (self->histogram == NULL) {
        Py_DECREF(self);
        return PyErr_NoMemory();
    }
    return (PyObject *)self;
}

static void histogram_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    za_histogram_free(za_histogram_of(self));
    type->tp_free(self);
    Py_DECREF(type);
}

/* The value of a number that is not NaN; `name` says in an exception what it is. 0, or -1. */
static int number_of(const char *name, PyObject *object, double *value)
{
    if (za_number_of(object, value) < 0) {
        if (PyErr_ExceptionMatches(PyExc_TypeError)) {
            PyErr_Format(PyExc_TypeError, "%s must be a number, not %.200R", name, object);
        } else if (PyErr_ExceptionMatches(PyExc_OverflowError)) {
            PyErr_Format(PyExc_ValueError, "%s is too large for a double", name);
        }
        return -1;
    }
    if (isnan(*value)) {
        PyErr_Format(PyExc_ValueError, "%s must not be NaN", name);
        return -1;
    }
    return 0;
}

/* To the nearest one; below 0 for whatever is below, and at most INT64_MAX. */
static int64_t ns_of(double seconds)
{
    double ns = seconds * ns_per_second + 0.5;
    return seconds < 0.0 ? -1 : ns >= 0x1p63 ? INT64_MAX : (int64_t)ns;
}

static PyObject *seconds_of(int64_t ns)
{
    return PyFloat_FromDouble((double)ns / ns_per_second);
}

/* 0, or -1 with an exception raised. */
static int times_of(PyObject *object, int32_t *times)
{
    int overflow;
    long long value = PyLong_AsLongLongAndOverflow(object, &overflow);
    if (value == -1 && PyErr_Occurred()) {
        return -1;
    }
    if (overflow != 0 || value < 1 || value > INT32_MAX) {
        PyErr_Format(PyExc_ValueError, "times must be from 1 to 2147483647, not %.200R", object);
        return -1;
    }
    *times = (int32_t)value;
    return 0;
}

/* The nanoseconds of a duration that is finite. 0, or -1 with an exception raised. */
static int duration_of(PyObject *object, int64_t *ns)
{
    double seconds;
    if (number_of("seconds", object, &seconds) < 0) {
        return -1;
    }
    if (isinf(seconds)) {
        PyErr_Format(PyExc_ValueError, "seconds must be finite, not %.200R", object);
        return -1;
    }
    *ns = ns_of(seconds);
    return 0;
}

static PyObject *histogram_record(PyObject *self, PyObject *const *arguments, Py_ssize_t size)
{
    int64_t ns;
    int32_t times = 1;
    if (size < 1 || size > 2) {
        return PyErr_Format(PyExc_TypeError, "record takes seconds and times, not %zd arguments", size);
    }
    if (duration_of(arguments[0], &ns) < 0 || (size == 2 && times_of(arguments[1], &times) < 0)) {
        return NULL;
    }
    za_histogram_record(za_histogram_of(self), ns, times);
    Py_RETURN_NONE;
}

PyObject *za_record_each(PyObject *module, PyObject *const *arguments, Py_ssize_t count)
{
    int64_t ns;
    if (count < 1) {
        return PyErr_Format(PyExc_TypeError, "record_each() takes seconds and histograms");
    }
    if (duration_of(arguments[0], &ns) < 0) {
        return NULL;
    }
    za_state *state = za_state_of_module(module);
    for (Py_ssize_t i = 1; i < count; i++) {
        if (za_check_histogram(state, arguments[i]) < 0) {
            return NULL;
        }
    }
    for (Py_ssize_t i = 1; i < count; i++) {
        za_histogram_record(za_histogram_of(arguments[i]), ns, 1);
    }
    Py_RETURN_NONE;
}

static PyObject *histogram_percentile(PyObject *self, PyObject *object)
{
    double percent;
    if (number_of("percent", object, &percent) < 0) {
        return NULL;
    }
    if (percent < 0.0 || percent > 100.0) {
        return PyErr_Format(PyExc_ValueError, "percent must be from 0 to 100, not %.200R", object);
    }
    return seconds_of(za_histogram_percentile_ns(za_histogram_of(self), percent));
}

/* The bounds of a tuple in nanoseconds, from za_alloc; NULL with an exception raised. */
static int64_t *bounds_of(PyObject *tuple)
{
    Py_ssize_t size = PyTuple_GET_SIZE(tuple);
    int64_t *bounds = za_alloc((size_t)size, sizeof *bounds);
    if (bounds == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    for (Py_ssize_t i = 0; i < size; i++) {
        double seconds;
        if (number_of("a bound", PyTuple_GET_ITEM(tuple, i), &seconds) < 0) {
            za_free(bounds);
            return NULL;
        }
        bounds[i] = ns_of(seconds);
    }
    return bounds;
}

static PyObject *list_of(const int64_t *values, Py_ssize_t size)
{
    PyObject *list = PyList_New(size);
    for (Py_ssize_t i = 0; list != NULL && i < size; i++) {
        PyObject *value = PyLong_FromLongLong(values[i]);
        if (value == NULL) {
            Py_CLEAR(list);
        } else {
            PyList_SET_ITEM(list, i, value);
        }
    }
    return list;
}

static PyObject *histogram_counts(PyObject *self, PyObject *sequence)
{
    PyObject *tuple = PySequence_Tuple(sequence), *list = NULL;
    int64_t *bounds = tuple == NULL ? NULL : bounds_of(tuple);
    if (bounds != NULL) {
        za_histogram_counts(za_histogram_of(self), bounds, (size_t)PyTuple_GET_SIZE(tuple), bounds);
        list = list_of(bounds, PyTuple_GET_SIZE(tuple));
    }
    za_free(bounds);
    Py_XDECREF(tuple);
    return list;
}

static PyObject *histogram_clear(PyObject *self, PyObject *unused)
{
    (void)unused;
    za_histogram_clear(za_histogram_of(self));
    Py_RETURN_NONE;
}

static PyObject *histogram_count(PyObject *self, void *unused)
{
    (void)unused;
    return PyLong_FromLongLong(za_histogram_count(za_histogram_of(self)));
}

static PyObject *histogram_total(PyObject *self, void *unused)
{
    (void)unused;
    return seconds_of(za_histogram_total_ns(za_histogram_of(self)));
}

static PyObject *histogram_max(PyObject *self, void *unused)
{
    (void)unused;
    return seconds_of(za_histogram_max_ns(za_histogram_of(self)));
}

static PyMethodDef methods[] = {
    {"record", _PyCFunction_CAST(histogram_record), METH_FASTCALL,
     "record($self, seconds, times=1, /)\n--\n\nCount so many durations of this length; a negative one as 0."},
    {"percentile", histogram_percentile, METH_O,
     "percentile($self, percent, /)\n--\n\nSeconds that `percent` of the durations (0 to 100) do not exceed, by "
     "nearest "
     "rank; 0.0 when empty."},
    {"counts", histogram_counts, METH_O,
     "counts($self, bounds, /)\n--\n\nFor each of the bounds, in seconds, how many durations are not longer."},
    {"clear", histogram_clear, METH_NOARGS, "clear($self)\n--\n\nForget every duration."},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef properties[] = {
    {"count", histogram_count, NULL, "Durations recorded.", NULL},
    {"total", histogram_total, NULL, "Their sum in seconds, of whole nanoseconds.", NULL},
    {"max", histogram_max, NULL, "The longest one, in seconds; 0.0 when empty.", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_doc, "Histogram()\n--\n\nDurations, counted to 0.8 % in constant memory. Any thread may record."},
    {Py_tp_new, histogram_new},
    {Py_tp_dealloc, histogram_dealloc},
    {Py_tp_methods, methods},
    {Py_tp_getset, properties},
    {0, NULL},
};

PyType_Spec za_histogram_spec = {
    .name = "ziggy_async._core.Histogram",
    .basicsize = sizeof(za_histogram_object),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = slots,
};
