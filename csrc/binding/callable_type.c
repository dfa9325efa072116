/* A function over arrays. A call with arrays first and parameters after them goes straight to its plan; any other call
 * goes to a Python function. */
#include "binding/numpy.h"

#include <stddef.h>
#include <structmember.h>

#include "binding/plan_arrays.h"
#include "binding/types.h"

/* Guarded by the GIL. */
typedef struct za_callable {
    PyObject_HEAD
    vectorcallfunc call;
    PyObject *plans;     /* called with parameters; returns their plan */
    PyObject *otherwise; /* called with all arguments */
    PyObject *values;    /* tuple of the last parameters, */
    PyObject *names;     /* of those that are named; may be NULL */
    PyObject *plan;      /* and what they gave; NULL before the first call */
    PyObject *attributes, *weak_references;
    Py_ssize_t inputs;
    int whole; /* results are int32 */
} za_callable;

/* Returns whether the parameters are the very objects of the last call, as those of a call in a loop are. */
static bool is_last(const za_callable *self, PyObject *const *values, Py_ssize_t count, PyObject *names)
{
    bool is = self->plan != NULL && names == self->names && PyTuple_GET_SIZE(self->values) == count;
    for (Py_ssize_t i = 0; is && i < count; i++) {
        is = values[i] == PyTuple_GET_ITEM(self->values, i);
    }
    return is;
}

static PyObject *tuple_of(PyObject *const *items, Py_ssize_t count)
{
    PyObject *tuple = PyTuple_New(count);
    for (Py_ssize_t i = 0; tuple != NULL && i < count; i++) {
        PyTuple_SET_ITEM(tuple, i, Py_NewRef(items[i]));
    }
    return tuple;
}

/* The plan of parameters, of which `count` have no names; NULL with an exception raised. */
static PyObject *plan_of(za_callable *self, PyObject *const *values, Py_ssize_t count, PyObject *names)
{
    Py_ssize_t all = count + (names == NULL ? 0 : PyTuple_GET_SIZE(names));
    if (is_last(self, values, all, names)) {
        return Py_NewRef(self->plan);
    }
    PyObject *plan = PyObject_Vectorcall(self->plans, values, (size_t)count, names);
    PyObject *type = za_state_of_type(Py_TYPE((PyObject *)self))->plan_type;
    if (plan != NULL && !PyObject_TypeCheck(plan, (PyTypeObject *)type)) {
        PyErr_SetString(PyExc_ValueError, "plans must return a Plan");
        Py_CLEAR(plan);
    }
    PyObject *kept = plan == NULL ? NULL : tuple_of(values, all);
    if (kept == NULL) {
        Py_CLEAR(plan);
        return NULL;
    }
    Py_XSETREF(self->plan, Py_NewRef(plan));
    Py_XSETREF(self->names, Py_XNewRef(names));
    Py_XSETREF(self->values, kept);
    return plan;
}

static PyObject *call(PyObject *object, PyObject *const *arguments, size_t count_and_flag, PyObject *names)
{
    za_callable *self = (za_callable *)object;
    Py_ssize_t count = PyVectorcall_NARGS(count_and_flag);
    if (count >= self->inputs) {
        PyObject *plan = plan_of(self, arguments + self->inputs, count - self->inputs, names);
        PyObject *found = plan == NULL  ? NULL
                          : self->whole ? za_plan_integers(plan, arguments, self->inputs)
                                        : za_plan_arrays(plan, arguments, self->inputs);
        Py_XDECREF(plan);
        if (found != NULL || !PyErr_ExceptionMatches(PyExc_TypeError)) {
            return found;
        }
        PyErr_Clear();
    }
    return PyObject_Vectorcall(self->otherwise, arguments, (size_t)count, names);
}

static PyObject *callable_new(PyTypeObject *type, PyObject *arguments, PyObject *keywords)
{
    static char *names[] = {"plans", "otherwise", "inputs", "whole", NULL};
    PyObject *plans, *otherwise;
    Py_ssize_t inputs;
    int whole;
    if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "OOnp:ArrayCallable", names, &plans, &otherwise, &inputs,
                                     &whole)) {
        return NULL;
    }
    if (inputs < 1) {
        PyErr_SetString(PyExc_ValueError, "inputs must be 1 or more");
        return NULL;
    }
    za_callable *self = (za_callable *)type->tp_alloc(type, 0);
    if (self != NULL) {
        self->call = call;
        self->plans = Py_NewRef(plans);
        self->otherwise = Py_NewRef(otherwise);
        self->inputs = inputs;
        self->whole = whole;
    }
    return (PyObject *)self;
}

static int callable_traverse(PyObject *object, visitproc visit, void *arg)
{
    za_callable *self = (za_callable *)object;
    Py_VISIT(Py_TYPE(object));
    Py_VISIT(self->plans);
    Py_VISIT(self->otherwise);
    Py_VISIT(self->values);
    Py_VISIT(self->attributes);
    return 0;
}

static int callable_clear(PyObject *object)
{
    za_callable *self = (za_callable *)object;
    Py_CLEAR(self->plans);
    Py_CLEAR(self->otherwise);
    Py_CLEAR(self->plan);
    Py_CLEAR(self->names);
    Py_CLEAR(self->values);
    Py_CLEAR(self->attributes);
    return 0;
}

static void callable_dealloc(PyObject *object)
{
    PyTypeObject *type = Py_TYPE(object);
    PyObject_GC_UnTrack(object);
    if (((za_callable *)object)->weak_references != NULL) {
        PyObject_ClearWeakRefs(object);
    }
    (void)callable_clear(object);
    type->tp_free(object);
    Py_DECREF(type);
}

/* The repr by the attributes, as a function's is; one without a name is shown as any object. */
static PyObject *callable_repr(PyObject *object)
{
    const za_callable *self = (za_callable *)object;
    PyObject *module = self->attributes == NULL ? NULL : PyDict_GetItemString(self->attributes, "__module__");
    PyObject *name = self->attributes == NULL ? NULL : PyDict_GetItemString(self->attributes, "__qualname__");
    return module == NULL || name == NULL ? PyBaseObject_Type.tp_repr(object)
                                          : PyUnicode_FromFormat("<function %S.%S>", module, name);
}

/* An attribute of a class stays what it is, as a built-in function does. */
static PyObject *callable_get(PyObject *object, PyObject *instance, PyObject *type)
{
    (void)instance, (void)type;
    return Py_NewRef(object);
}

/* It is pickled by its name, as functions are. */
static PyObject *callable_reduce(PyObject *object, PyObject *unused)
{
    (void)unused;
    return PyObject_GetAttrString(object, "__qualname__");
}

static PyMethodDef methods[] = {
    {"__reduce__", callable_reduce, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyMemberDef members[] = {
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(za_callable, call), READONLY, NULL},
    {"__dictoffset__", T_PYSSIZET, offsetof(za_callable, attributes), READONLY, NULL},
    {"__weaklistoffset__", T_PYSSIZET, offsetof(za_callable, weak_references), READONLY, NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyGetSetDef properties[] = {
    {"__dict__", PyObject_GenericGetDict, PyObject_GenericSetDict, NULL, NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_doc, "ArrayCallable(plans, otherwise, inputs, whole)\n--\n\nA function of so many arrays, and parameters."},
    {Py_tp_new, callable_new},
    {Py_tp_dealloc, callable_dealloc},
    {Py_tp_traverse, callable_traverse},
    {Py_tp_clear, callable_clear},
    {Py_tp_call, PyVectorcall_Call},
    {Py_tp_repr, callable_repr},
    {Py_tp_descr_get, callable_get},
    {Py_tp_methods, methods},
    {Py_tp_members, members},
    {Py_tp_getset, properties},
    {0, NULL},
};

PyType_Spec za_callable_spec = {
    .name = "ziggy_async._core.ArrayCallable",
    .basicsize = sizeof(za_callable),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL,
    .slots = slots,
};
