/* Plans for Python: made of lists of nodes, run over the tickers of a store or over the groups of a table. */
#include "binding/plan_object.h"

#include <structmember.h>

#include "base/memory.h"
#include "binding/convert.h"
#include "binding/plan_arrays.h"
#include "binding/plan_sources.h"
#include "binding/plan_tables.h"
#include "binding/query.h"
#include "plan/node_names.h"

static void plan_dealloc(PyObject *object)
{
    za_plan_object *self = (za_plan_object *)object;
    PyTypeObject *type = Py_TYPE(object);
    za_plan_free(self->plan);
    za_free(self->figures);
    Py_XDECREF(self->columns);
    Py_XDECREF(self->names);
    Py_XDECREF(self->pattern);
    Py_XDECREF(self->sources);
    Py_XDECREF(self->tickers);
    Py_XDECREF(self->labels);
    type->tp_free(object);
    Py_DECREF(type);
}

static int numbers_of(PyObject *tuple, double *numbers)
{
    if (PyTuple_GET_SIZE(tuple) > ZA_MAX_PARAMS) {
        PyErr_Format(PyExc_ValueError, "a node has at most %d parameters", ZA_MAX_PARAMS);
        return -1;
    }
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(tuple); i++) {
        numbers[i] = PyFloat_AsDouble(PyTuple_GET_ITEM(tuple, i));
        if (numbers[i] == -1.0 && PyErr_Occurred()) {
            return -1;
        }
    }
    return 0;
}

static int whole_of(PyObject *object, int *number)
{
    long value = PyLong_AsLong(object);
    if (value == -1 && PyErr_Occurred()) {
        return -1;
    }
    *number = value < INT_MIN || value > INT_MAX ? -1 : (int)value;
    return 0;
}

static int node_of(PyObject *object, za_node_spec *spec)
{
    const char *kind, *name;
    PyObject *inputs, *parameters;
    if (!PyTuple_Check(object)) {
        PyErr_SetString(PyExc_TypeError, "a node is a tuple (kind, name, inputs, parameters)");
        return -1;
    }
    if (!PyArg_ParseTuple(object, "ssO!O!", &kind, &name, &PyTuple_Type, &inputs, &PyTuple_Type, &parameters) ||
        numbers_of(parameters, spec->params.value) < 0) {
        return -1;
    }
    spec->kind = za_node_kind_find(kind);
    spec->which = za_node_which(spec->kind, name, &spec->params);
    if (PyTuple_GET_SIZE(inputs) > ZA_MAX_INPUTS) {
        PyErr_Format(PyExc_ValueError, "a node has at most %d inputs", ZA_MAX_INPUTS);
        return -1;
    }
    spec->input_count = (int)PyTuple_GET_SIZE(inputs);
    for (int i = 0; i < spec->input_count; i++) {
        if (whole_of(PyTuple_GET_ITEM(inputs, i), &spec->inputs[i]) < 0) {
            return -1;
        }
    }
    return 0;
}

/* The nodes of a tuple; NULL with an exception raised. */
static za_node_spec *nodes_of(PyObject *nodes)
{
    Py_ssize_t count = PyTuple_GET_SIZE(nodes);
    za_node_spec *specs = za_alloc_zeroed((size_t)count, sizeof *specs);
    if (specs == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        if (node_of(PyTuple_GET_ITEM(nodes, i), &specs[i]) < 0) {
            za_free(specs);
            return NULL;
        }
    }
    return specs;
}

static int *outputs_of(PyObject *outputs)
{
    int *numbers = za_alloc((size_t)PyTuple_GET_SIZE(outputs), sizeof *numbers);
    if (numbers == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(outputs); i++) {
        if (whole_of(PyTuple_GET_ITEM(outputs, i), &numbers[i]) < 0) {
            za_free(numbers);
            return NULL;
        }
    }
    return numbers;
}

/* Takes the figure of a store that each column is. */
static int take_columns(za_plan_object *self, PyObject *columns)
{
    Py_ssize_t count = PyTuple_GET_SIZE(columns);
    self->columns = Py_NewRef(columns);
    self->figures = za_alloc((size_t)count, sizeof *self->figures);
    if (self->figures == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        const char *name = PyUnicode_AsUTF8(PyTuple_GET_ITEM(columns, i));
        if (name == NULL) {
            return -1;
        }
        int figure = 0;
        while (figure < ZA_FIGURE_COUNT && strcmp(name, za_figure_name((za_figure)figure)) != 0) {
            figure++;
        }
        self->figures[i] = figure;
    }
    return 0;
}

/* The arguments of a plan: tuples all. */
typedef struct za_plan_call {
    PyObject *columns, *nodes, *outputs, *names, *sources, *tickers, *labels;
} za_plan_call;

/* Keeps what is read of the call later on. */
static za_plan_object *allocate(PyTypeObject *type, const za_plan_call *call)
{
    za_plan_object *self = (za_plan_object *)type->tp_alloc(type, 0);
    if (self != NULL) {
        self->names = Py_NewRef(call->names);
        self->sources = Py_NewRef(call->sources);
        self->tickers = Py_NewRef(call->tickers);
        self->labels = Py_NewRef(call->labels);
    }
    return self;
}

/* The plan itself; its sources borrow other plans from self->sources. */
static void build(za_plan_object *self, const za_plan_call *call, PyObject *nodes)
{
    za_node_spec *specs = nodes_of(nodes);
    int *results = specs == NULL ? NULL : outputs_of(call->outputs);
    za_source *sources = results == NULL ? NULL : za_sources_of(za_state_of_type(Py_TYPE(self)), call->sources);
    if (sources != NULL && take_columns(self, call->columns) == 0) {
        za_error error;
        self->plan = za_plan_new(&(za_plan_spec){.nodes = specs,
                                                 .outputs = results,
                                                 .sources = sources,
                                                 .node_count = (int)PyTuple_GET_SIZE(nodes),
                                                 .output_count = (int)PyTuple_GET_SIZE(call->outputs),
                                                 .column_count = (int)PyTuple_GET_SIZE(call->columns),
                                                 .source_count = (int)PyTuple_GET_SIZE(call->sources)},
                                 &error);
        if (self->plan == NULL) {
            (void)za_raise(&error);
        }
    }
    za_free(specs);
    za_free(results);
    za_free(sources);
}

static PyObject *plan_new(PyTypeObject *type, PyObject *arguments, PyObject *keywords)
{
    static char *keys[] = {"columns", "nodes", "outputs", "names", "sources", "tickers", "labels", NULL};
    PyObject *none = za_state_of_type(type)->no_arguments;
    za_plan_call call = {.names = none, .sources = none, .tickers = none, .labels = none};
    if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "O!OO!|O!O!O!O!:Plan", keys, &PyTuple_Type, &call.columns,
                                     &call.nodes, &PyTuple_Type, &call.outputs, &PyTuple_Type, &call.names,
                                     &PyTuple_Type, &call.sources, &PyTuple_Type, &call.tickers, &PyTuple_Type,
                                     &call.labels)) {
        return NULL;
    }
    PyObject *nodes = PySequence_Tuple(call.nodes); /* a list could change while numbers are read */
    za_plan_object *self = nodes == NULL ? NULL : allocate(type, &call);
    if (self != NULL) {
        build(self, &call, nodes);
        if (self->plan == NULL) {
            Py_CLEAR(self);
        }
    }
    Py_XDECREF(nodes);
    return (PyObject *)self;
}

static PyObject *numbers_per_output(za_plan_object *self, int64_t (*number)(const za_plan *plan, int output))
{
    int count = za_plan_output_count(self->plan);
    PyObject *tuple = PyTuple_New(count);
    for (int i = 0; tuple != NULL && i < count; i++) {
        PyObject *value = PyLong_FromLongLong(number(self->plan, i));
        if (value == NULL) {
            Py_CLEAR(tuple);
        } else {
            PyTuple_SET_ITEM(tuple, i, value);
        }
    }
    return tuple;
}

static PyObject *plan_lookbacks(PyObject *self, void *unused)
{
    (void)unused;
    return numbers_per_output((za_plan_object *)self, za_plan_lookback);
}

static PyObject *plan_reaches(PyObject *self, void *unused)
{
    (void)unused;
    return numbers_per_output((za_plan_object *)self, za_plan_reach);
}

static PyGetSetDef properties[] = {
    {"lookbacks", plan_lookbacks, NULL, "Bars before the first value of each result.", NULL},
    {"reaches", plan_reaches, NULL, "Bars that a value of each result depends on; -1: all of the past.", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyMethodDef methods[] = {
    {"latest", _PyCFunction_CAST(za_plan_latest), METH_FASTCALL, NULL},
    {"history", _PyCFunction_CAST(za_plan_history), METH_FASTCALL, NULL},
    {"signal_history", _PyCFunction_CAST(za_plan_signal_history), METH_FASTCALL, NULL},
    {"over", _PyCFunction_CAST(za_plan_over), METH_VARARGS | METH_KEYWORDS, NULL},
    {"tails", _PyCFunction_CAST(za_plan_tails), METH_VARARGS | METH_KEYWORDS, NULL},
    {"arrays", _PyCFunction_CAST(za_plan_arrays), METH_FASTCALL, NULL},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_doc, "Plan(columns, nodes, outputs, names=(), sources=(), tickers=(), labels=())\n--\n\nFormulas as a "
                "graph, ready to run."},
    {Py_tp_new, plan_new},
    {Py_tp_dealloc, plan_dealloc},
    {Py_tp_methods, methods},
    {Py_tp_getset, properties},
    {0, NULL},
};

PyType_Spec za_plan_type_spec = {
    .name = "ziggy_async._core.Plan",
    .basicsize = sizeof(za_plan_object),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = slots,
};
