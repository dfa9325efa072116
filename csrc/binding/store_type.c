#include "binding/arguments.h"
#include "binding/arrays.h"
#include "binding/convert.h"
#include "binding/store_append.h"
#include "binding/store_labels.h"
#include "binding/store_load.h"
#include "binding/store_tails.h"
#include "binding/tickers.h"
#include "binding/types.h"
#include "binding/universe_type.h"

#include "base/memory.h"
#include "store/store.h"

/* Capacities above this are taken for a slip: 48 bytes a bar would be terabytes. */
enum { MOST_CAPACITY = 1 << 30 };
/* The bounds of the volatility's own parameter. */
static const double least_per_year = 1.0, most_per_year = 1e9;

static za_store *store_of(PyObject *self)
{
    return ((za_store_object *)self)->store;
}

/* The default where the argument is not given (NULL): that of trading days. */
static int bars_per_year_of(PyObject *object, double *per_year)
{
    *per_year = 252.0;
    if (object != NULL && za_number_of(object, per_year) < 0) {
        if (!PyErr_ExceptionMatches(PyExc_OverflowError)) {
            PyErr_Format(PyExc_TypeError, "bars_per_year must be a number, not %.200R", object);
            return -1;
        }
        PyErr_Clear();
        *per_year = INFINITY;
    }
    if (!(*per_year >= least_per_year && *per_year <= most_per_year)) {
        PyErr_SetString(PyExc_ValueError, "bars_per_year must be from 1 to 1e9");
        return -1;
    }
    return 0;
}

static PyObject *store_new(PyTypeObject *type, PyObject *arguments, PyObject *keywords)
{
    static char *names[] = {"capacity", "ordered", "bars_per_year", "columns", NULL};
    Py_ssize_t capacity = 512;
    int ordered = 1;
    PyObject *per_year_object = NULL, *columns = za_state_of_type(type)->no_arguments;
    double per_year;
    if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "|n$pOO!:BarStore", names, &capacity, &ordered,
                                     &per_year_object, &PyTuple_Type, &columns)) {
        if (!PyErr_ExceptionMatches(PyExc_OverflowError)) {
            return NULL;
        }
        PyErr_Clear();
        capacity = -1;
    }
    if (capacity < 1 || capacity > MOST_CAPACITY) {
        return PyErr_Format(PyExc_ValueError, "capacity must be from 1 to %d bars", MOST_CAPACITY);
    }
    if (bars_per_year_of(per_year_object, &per_year) < 0) {
        return NULL;
    }
    za_store_object *self = (za_store_object *)type->tp_alloc(type, 0);
    if (self == NULL) {
        return NULL;
    }
    self->columns = Py_NewRef(columns);
    self->store = za_store_new((za_store_options){.capacity = capacity,
                                                  .ordered = ordered != 0,
                                                  .further = (int)PyTuple_GET_SIZE(columns),
                                                  .bars_per_year = per_year});
    if (self->store == NULL) {
        Py_DECREF(self);
        return PyErr_NoMemory();
    }
    return (PyObject *)self;
}

static void store_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    za_store_free(store_of(self));
    Py_XDECREF(((za_store_object *)self)->columns);
    za_named_clear(&((za_store_object *)self)->sorted);
    type->tp_free(self);
    Py_DECREF(type);
}

static PyObject *store_bars(PyObject *self, PyObject *symbol_object)
{
    za_state *state = za_state_of_type(Py_TYPE(self));
    PyObject *names[ZA_FIGURE_COUNT] = {state->str_open, state->str_high, state->str_low, state->str_close,
                                        state->str_volume};
    PyObject *further = ((za_store_object *)self)->columns;
    za_symbol symbol;
    if (za_asked_symbol_of(symbol_object, &symbol) < 0) {
        return NULL;
    }
    za_view view = za_store_view(store_of(self), symbol);
    if (view.block == NULL) {
        PyObject *shown = PyUnicode_FromFormat("%.200S", symbol_object);
        if (shown != NULL) {
            PyErr_SetObject(PyExc_KeyError, shown);
            Py_DECREF(shown);
        }
        return NULL;
    }
    PyObject *result = PyDict_New();
    PyObject *column = result == NULL ? NULL : za_array_of(NPY_DATETIME, view.rows.time, view.rows.count);
    int failed = column == NULL || PyDict_SetItem(result, state->str_timestamp, column) < 0;
    Py_XDECREF(column);
    for (int i = 0; !failed && i < view.block->columns; i++) {
        column = za_array_of(NPY_DOUBLE, za_rows_column(&view.rows, i), view.rows.count);
        PyObject *name = i < ZA_FIGURE_COUNT ? names[i] : PyTuple_GET_ITEM(further, i - ZA_FIGURE_COUNT);
        failed = column == NULL || PyDict_SetItem(result, name, column) < 0;
        Py_XDECREF(column);
    }
    za_view_release(&view);
    if (failed) {
        Py_CLEAR(result);
    }
    return result;
}

static PyObject *store_symbols(PyObject *self, PyObject *unused)
{
    (void)unused;
    size_t count;
    za_symbol *names = za_store_symbols(store_of(self), &count);
    if (names == NULL) {
        return PyErr_NoMemory();
    }
    PyObject *list = PyList_New((Py_ssize_t)count);
    for (size_t i = 0; list != NULL && i < count; i++) {
        PyObject *name = PyUnicode_DecodeUTF8(names[i].text, (Py_ssize_t)names[i].length, NULL);
        if (name == NULL) {
            Py_CLEAR(list);
        } else {
            PyList_SET_ITEM(list, (Py_ssize_t)i, name);
        }
    }
    za_free(names);
    return list;
}

static PyObject *store_drop(PyObject *self, PyObject *symbol_object)
{
    za_symbol symbol;
    return za_asked_symbol_of(symbol_object, &symbol) < 0 ? NULL
                                                          : PyBool_FromLong(za_store_drop(store_of(self), symbol));
}

static PyObject *store_clear(PyObject *self, PyObject *unused)
{
    (void)unused;
    za_store_clear(store_of(self));
    za_named_clear(&((za_store_object *)self)->sorted); /* strings among freed blocks keep their memory */
    Py_RETURN_NONE;
}

static PyObject *store_stats(PyObject *self, PyObject *unused)
{
    (void)unused;
    za_store_stats stats = za_store_stats_of(store_of(self));
    return Py_BuildValue("{sLsLsLsLsLsLsLsLsL}", "symbols", (long long)stats.symbols, "bars", (long long)stats.bars,
                         "bytes", (long long)stats.bytes, "appended", (long long)stats.appended, "replaced",
                         (long long)stats.replaced, "loaded", (long long)stats.loaded, "rejected",
                         (long long)stats.rejected, "dropped", (long long)stats.dropped, "labelled",
                         (long long)stats.labelled);
}

static Py_ssize_t store_length(PyObject *self)
{
    return (Py_ssize_t)za_store_length(store_of(self));
}

static int store_contains(PyObject *self, PyObject *object)
{
    za_symbol symbol;
    if (!PyUnicode_Check(object)) {
        return 0;
    }
    return za_asked_symbol_of(object, &symbol) < 0 ? -1 : za_store_contains(store_of(self), symbol);
}

static PyObject *store_capacity(PyObject *self, void *unused)
{
    (void)unused;
    return PyLong_FromLongLong(za_store_options_of(store_of(self)).capacity);
}

static PyObject *store_bars_per_year(PyObject *self, void *unused)
{
    (void)unused;
    return PyFloat_FromDouble(za_store_options_of(store_of(self)).bars_per_year);
}

static PyObject *store_ordered(PyObject *self, void *unused)
{
    (void)unused;
    return PyBool_FromLong(za_store_options_of(store_of(self)).ordered);
}

static PyObject *store_columns(PyObject *self, void *unused)
{
    (void)unused;
    return Py_NewRef(((za_store_object *)self)->columns);
}

static PyMethodDef methods[] = {
    {"append", _PyCFunction_CAST(za_store_append_method), METH_VARARGS | METH_KEYWORDS,
     "append($self, symbol, timestamp, open, high, low, close, volume, *, unit=None, **columns)\n--\n\n"
     "Add a bar; the last bar's own timestamp replaces that bar. A further column that is left out is NaN. ValueError "
     "for an older timestamp or a bad bar."},
    {"append_cross_section", _PyCFunction_CAST(za_store_append_cross_section_method), METH_VARARGS | METH_KEYWORDS,
     "append_cross_section($self, timestamp, symbols, ohlcv, *, unit=None)\n--\n\n"
     "Add one bar of the same time for many symbols, all or none. ohlcv is float64 of shape (n_symbols, 5), with a "
     "column more for each further one of the store. symbols: a list, or a universe of the store, whose symbols have "
     "no "
     "bar where all five are NaN."},
    {"universe", za_store_universe_method, METH_O,
     "universe($self, symbols, /)\n--\n\nLook symbols up once, for append_cross_section. They need not be in the store "
     "yet; ValueError for one that is empty or appears twice."},
    {"bars", store_bars, METH_O,
     "bars($self, symbol, /)\n--\n\nCopies of the columns: timestamp (datetime64[ns], UTC), open, high, low, close, "
     "volume, and the further ones."},
    {"symbols", store_symbols, METH_NOARGS, "symbols($self)\n--\n\nNames in the order in which they came."},
    {"drop", store_drop, METH_O, "drop($self, symbol, /)\n--\n\nForget a symbol; False when there was none."},
    {"clear", store_clear, METH_NOARGS, "clear($self)\n--\n\nForget every symbol."},
    {"stats", store_stats, METH_NOARGS,
     "stats($self)\n--\n\nsymbols, bars and bytes now; rows appended, replaced, loaded and rejected ever, and "
     "dropped: those of loaded tables for which the capacity had no room; how often labels were set."},
    {"set_labels", _PyCFunction_CAST(za_store_set_labels_method), METH_FASTCALL,
     "set_labels($self, name, labels, /)\n--\n\nSet the labels of that name, {symbol: label}, in the place of those "
     "that were set before."},
    {"labels", za_store_labels_method, METH_NOARGS,
     "labels($self)\n--\n\nCopies of all labels: {name: {symbol: label}}."},
    {"_sorted_symbols", za_store_sorted_symbols, METH_NOARGS, NULL},
    {"_label_names", za_store_label_names_method, METH_NOARGS, NULL},
    {"_tails", _PyCFunction_CAST(za_store_tails_method), METH_FASTCALL, NULL},
    {"_load_rows", _PyCFunction_CAST(za_store_load_rows_method), METH_FASTCALL, NULL},
    {"_load_groups", _PyCFunction_CAST(za_store_load_groups_method), METH_FASTCALL, NULL},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef properties[] = {
    {"capacity", store_capacity, NULL, "Bars kept for each symbol.", NULL},
    {"ordered", store_ordered, NULL, "Whether times are a calendar, and highs and lows are compared.", NULL},
    {"columns", store_columns, NULL, "Names of the further columns.", NULL},
    {"_sorted", za_store_sorted, NULL, NULL, NULL},
    {"bars_per_year", store_bars_per_year, NULL, "What volatilities are scaled by.", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_doc, "BarStore(capacity=512, *, ordered=True, bars_per_year=252, columns=())\n--\n\nSymbol -> its last "
                "`capacity` bars, "
                "in native columns."},
    {Py_tp_new, store_new},
    {Py_tp_dealloc, store_dealloc},
    {Py_tp_methods, methods},
    {Py_tp_getset, properties},
    {Py_sq_length, store_length},
    {Py_sq_contains, store_contains},
    {0, NULL},
};

PyType_Spec za_store_spec = {
    .name = "ziggy_async._core.BarStore",
    .basicsize = sizeof(za_store_object),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = slots,
};
