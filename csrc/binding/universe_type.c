#include "binding/universe_type.h"

#include "base/memory.h"
#include "binding/convert.h"

static za_universe_object *object_of(PyObject *self)
{
    return (za_universe_object *)self;
}

static int universe_traverse(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT((PyObject *)object_of(self)->store);
    return 0;
}

static void universe_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    if (object_of(self)->universe != NULL) {
        Py_BEGIN_ALLOW_THREADS /* its bars are folded now */
        za_universe_free(object_of(self)->store->store, object_of(self)->universe);
        Py_END_ALLOW_THREADS
    }
    Py_XDECREF((PyObject *)object_of(self)->store);
    type->tp_free(self);
    Py_DECREF(type);
}

/* An empty object of the module's type, for a tuple of symbols. */
static PyObject *universe_of(PyObject *store, PyObject *tuple)
{
    PyTypeObject *type = (PyTypeObject *)za_state_of_type(Py_TYPE(store))->universe_type;
    za_universe_object *self = (za_universe_object *)type->tp_alloc(type, 0);
    za_symbol *symbols = self == NULL ? NULL : za_symbols_of(tuple);
    if (symbols == NULL) {
        Py_XDECREF((PyObject *)self);
        return NULL;
    }
    self->store = (za_store_object *)Py_NewRef(store);
    za_error error;
    Py_BEGIN_ALLOW_THREADS
    self->universe = za_universe_new(self->store->store, symbols, (size_t)PyTuple_GET_SIZE(tuple), &error);
    Py_END_ALLOW_THREADS
    za_free(symbols);
    if (self->universe == NULL) {
        Py_DECREF((PyObject *)self);
        return za_raise(&error);
    }
    return (PyObject *)self;
}

PyObject *za_store_universe_method(PyObject *self, PyObject *symbols)
{
    PyObject *tuple = za_symbol_tuple(symbols);
    PyObject *universe = tuple == NULL ? NULL : universe_of(self, tuple);
    Py_XDECREF(tuple);
    return universe;
}

static Py_ssize_t universe_length(PyObject *self)
{
    return (Py_ssize_t)za_universe_count(object_of(self)->universe);
}

static PyObject *universe_symbols(PyObject *self, void *unused)
{
    (void)unused;
    Py_ssize_t count = universe_length(self);
    PyObject *tuple = PyTuple_New(count);
    for (Py_ssize_t i = 0; tuple != NULL && i < count; i++) {
        za_symbol symbol = za_universe_symbol(object_of(self)->universe, (size_t)i);
        PyObject *text = PyUnicode_DecodeUTF8(symbol.text, (Py_ssize_t)symbol.length, NULL);
        if (text == NULL) {
            Py_CLEAR(tuple);
        } else {
            PyTuple_SET_ITEM(tuple, i, text);
        }
    }
    return tuple;
}

static PyObject *universe_repr(PyObject *self)
{
    return PyUnicode_FromFormat("<Universe symbols=%zd>", universe_length(self));
}

static PyGetSetDef properties[] = {
    {"symbols", universe_symbols, NULL, "The symbols, in the order in which a cross-section has them.", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_doc, "Symbols of a store that are looked up once; made by BarStore.universe."},
    {Py_tp_dealloc, universe_dealloc},
    {Py_tp_traverse, universe_traverse},
    {Py_tp_repr, universe_repr},
    {Py_tp_getset, properties},
    {Py_sq_length, universe_length},
    {0, NULL},
};

PyType_Spec za_universe_spec = {
    .name = "ziggy_async._core.Universe",
    .basicsize = sizeof(za_universe_object),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_HAVE_GC,
    .slots = slots,
};
