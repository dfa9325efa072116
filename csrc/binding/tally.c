#include "binding/tally.h"
#include "binding/arguments.h"
#include "binding/histogram_type.h"

#include "base/clock.h"
#include "base/histogram.h"
#include "binding/types.h"

/* Each a tuple of Histograms; they never change. */
struct za_tally {
    PyObject_HEAD
    PyObject *waiting, *running, *total;
};

/* A tuple of Histograms, as a new reference. */
static PyObject *histograms_of(za_state *state, PyObject *iterable)
{
    PyObject *tuple = PySequence_Tuple(iterable);
    for (Py_ssize_t i = 0; tuple != NULL && i < PyTuple_GET_SIZE(tuple); i++) {
        if (za_check_histogram(state, PyTuple_GET_ITEM(tuple, i)) < 0) {
            Py_CLEAR(tuple);
        }
    }
    return tuple;
}

static PyObject *tally_new(PyTypeObject *type, PyObject *arguments, PyObject *keywords)
{
    static char *names[] = {"waiting", "running", "total", NULL};
    PyObject *waiting, *running, *total;
    if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "OOO:Tally", names, &waiting, &running, &total)) {
        return NULL;
    }
    za_state *state = za_state_of_type(type);
    za_tally *self = (za_tally *)type->tp_alloc(type, 0);
    if (self == NULL || (self->waiting = histograms_of(state, waiting)) == NULL ||
        (self->running = histograms_of(state, running)) == NULL ||
        (self->total = histograms_of(state, total)) == NULL) {
        Py_CLEAR(self);
    }
    return (PyObject *)self;
}

static void tally_dealloc(PyObject *object)
{
    za_tally *self = (za_tally *)object;
    PyTypeObject *type = Py_TYPE(object);
    Py_XDECREF(self->waiting);
    Py_XDECREF(self->running);
    Py_XDECREF(self->total);
    type->tp_free(object);
    Py_DECREF(type);
}

int za_tally_argument(za_state *state, PyObject *object, za_tally **tally)
{
    *tally = object == Py_None ? NULL : (za_tally *)object;
    if (*tally != NULL && !Py_IS_TYPE(object, (PyTypeObject *)state->tally_type)) {
        PyErr_Format(PyExc_TypeError, "expected a Tally or None, not %.200s", Py_TYPE(object)->tp_name);
        return -1;
    }
    return 0;
}

static void record(PyObject *histograms, int64_t ns, int32_t times)
{
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(histograms); i++) {
        za_histogram_record(za_histogram_of(PyTuple_GET_ITEM(histograms, i)), ns, times);
    }
}

void za_tally_record(const za_tally *tally, const za_await *await)
{
    record(tally->waiting, await->waiting_ns, await->times);
    record(tally->running, await->running_ns, await->times);
    record(tally->total, await->total_ns, await->times);
}

static PyObject *tally_now(PyObject *self, PyObject *unused)
{
    (void)self;
    (void)unused;
    return PyLong_FromLongLong(za_clock_ns());
}

static PyObject *tally_record(PyObject *self, PyObject *const *arguments, Py_ssize_t count)
{
    if (za_check_count("record", count, 2) < 0) {
        return NULL;
    }
    long long began = PyLong_AsLongLong(arguments[0]), ready = PyLong_AsLongLong(arguments[1]);
    if (PyErr_Occurred()) {
        return NULL;
    }
    int64_t now = za_clock_ns();
    za_tally_record((za_tally *)self, &(za_await){ready - began, now - ready, now - began, 1});
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
    {"now", tally_now, METH_NOARGS, "now($self, /)\n--\n\nThis moment, for `record`."},
    {"record", _PyCFunction_CAST(tally_record), METH_FASTCALL,
     "record($self, began, ready, /)\n--\n\nCount an await that began, had what it waited for, and has its result "
     "now."},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_doc,
     "Tally(waiting, running, total)\n--\n\nThe histograms into which the awaits of a function are counted."},
    {Py_tp_new, tally_new},
    {Py_tp_dealloc, tally_dealloc},
    {Py_tp_methods, methods},
    {0, NULL},
};

PyType_Spec za_tally_spec = {
    .name = "ziggy_async._core.Tally",
    .basicsize = sizeof(za_tally),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = slots,
};
