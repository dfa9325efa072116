#include "binding/plan_sources.h"

#include "base/memory.h"
#include "binding/plan_object.h"

/* ("value", plan, output) */
static int take_value(PyObject *const *items, Py_ssize_t count, za_source *source)
{
    (void)items;
    source->kind = ZA_SOURCE_VALUE;
    return count == 0 ? 0 : -1;
}

/* ("across", plan, output, kind, share, labels) */
static int take_across(PyObject *const *items, Py_ssize_t count, za_source *source)
{
    if (count != 3 || !PyUnicode_Check(items[0])) {
        return -1;
    }
    za_across_kind kind = 0;
    while (kind < ZA_ACROSS_COUNT && PyUnicode_CompareWithASCIIString(items[0], za_across_name(kind)) != 0) {
        kind++;
    }
    source->kind = ZA_SOURCE_ACROSS;
    source->across = kind;
    source->share = PyFloat_AsDouble(items[1]);
    source->labels = (int)PyLong_AsLong(items[2]);
    return 0;
}

/* ("ticker", plan, output, ticker) */
static int take_ticker(PyObject *const *items, Py_ssize_t count, za_source *source)
{
    if (count != 1) {
        return -1;
    }
    source->kind = ZA_SOURCE_TICKER;
    source->ticker = (int)PyLong_AsLong(items[0]);
    return 0;
}

/* ("period", plan, output, unit, minutes, forming) */
static int take_period(PyObject *const *items, Py_ssize_t count, za_source *source)
{
    if (count != 3) {
        return -1;
    }
    source->kind = ZA_SOURCE_PERIOD;
    source->period = (za_period){(za_period_unit)PyLong_AsLong(items[0]), (int)PyLong_AsLong(items[1])};
    source->forming = PyObject_IsTrue(items[2]) == 1;
    return 0;
}

typedef int take_function(PyObject *const *items, Py_ssize_t count, za_source *source);

/* The kinds of sources, in the order of za_source_kind. */
static const struct {
    const char *name;
    take_function *take;
} kinds[ZA_SOURCE_KIND_COUNT] = {
    {"value", take_value}, {"across", take_across}, {"ticker", take_ticker}, {"period", take_period}};

enum { HEAD = 3 }; /* kind, plan, output */

static int source_of(za_state *state, PyObject *item, za_source *source)
{
    *source = (za_source){.labels = -1};
    if (!PyTuple_Check(item) || PyTuple_GET_SIZE(item) < HEAD || !PyUnicode_Check(PyTuple_GET_ITEM(item, 0)) ||
        !PyObject_TypeCheck(PyTuple_GET_ITEM(item, 1), (PyTypeObject *)state->plan_type)) {
        PyErr_SetString(PyExc_TypeError, "a source is a tuple (kind, plan, output, ...)");
        return -1;
    }
    source->plan = ((za_plan_object *)PyTuple_GET_ITEM(item, 1))->plan;
    source->output = (int)PyLong_AsLong(PyTuple_GET_ITEM(item, 2));
    int taken = -1;
    for (int i = 0; i < ZA_SOURCE_KIND_COUNT; i++) {
        if (PyUnicode_CompareWithASCIIString(PyTuple_GET_ITEM(item, 0), kinds[i].name) == 0) {
            taken = kinds[i].take(&PyTuple_GET_ITEM(item, HEAD), PyTuple_GET_SIZE(item) - HEAD, source);
        }
    }
    if (taken < 0 && !PyErr_Occurred()) {
        PyErr_Format(PyExc_ValueError, "%.200R is not a source", item);
    }
    return PyErr_Occurred() ? -1 : 0;
}

za_source *za_sources_of(za_state *state, PyObject *tuple)
{
    za_source *sources = za_alloc((size_t)PyTuple_GET_SIZE(tuple), sizeof *sources);
    if (sources == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(tuple); i++) {
        if (source_of(state, PyTuple_GET_ITEM(tuple, i), &sources[i]) < 0) {
            za_free(sources);
            return NULL;
        }
    }
    return sources;
}
