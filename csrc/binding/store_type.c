#include "binding/arguments.h"
#include "binding/arrays.h"
#include "binding/convert.h"
#include "binding/store_labels.h"
#include "binding/store_load.h"
#include "binding/types.h"

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

/* Of trading days where the argument is not given (NULL). */
static int bars_per_year_of(PyObject *object, double *per_year)
{
    *per_year = object == NULL ? 252.0 : PyFloat_AsDouble(object);
    if (PyErr_Occurred() && !PyErr_ExceptionMatches(PyExc_OverflowError)) {
        PyErr_Format(PyExc_TypeError, "bars_per_year must be a number, not %R", object);
        return -1;
    }
    PyErr_Clear();
    if (!(*per_year >= least_per_year && *per_year <= most_per_year)) {
        PyErr_SetString(PyExc_ValueError, "bars_per_year must be from 1 to 1e9");
        return -1;
    }
    return 0;
}

static PyObject *store_new(PyTypeObject *type, PyObject *arguments, PyObject *keywords)
{
    static char *names[] = {"capacity", "ordered", "bars_per_year", NULL};
    Py_ssize_t capacity = 512;
    int ordered = 1;
    PyObject *per_year_object = NULL;
    double per_year;
    if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "|n$pO:BarStore", names, &capacity, &ordered,
                                     &per_year_object)) {
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
    self->store =
        za_store_new((za_store_options){.capacity = capacity, .ordered = ordered != 0, .bars_per_year = per_year});
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
    type->tp_free(self);
    Py_DECREF(type);
}

/* A number, and no bool, which is one for Python alone. -1 with an exception that names symbol, column and value. */
static int figure_of(PyObject *symbol, const char *name, PyObject *object, double *value)
{
    if (PyBool_Check(object)) {
        PyErr_Format(PyExc_TypeError, "%.200U: %s must be a number, not %.200R", symbol, name, object);
        return -1;
    }
    *value = PyFloat_AsDouble(object);
    if (*value != -1.0 || !PyErr_Occurred()) {
        return 0;
    }
    if (PyErr_ExceptionMatches(PyExc_TypeError)) {
        PyErr_Format(PyExc_TypeError, "%.200U: %s must be a number, not %.200R", symbol, name, object);
    } else if (PyErr_ExceptionMatches(PyExc_OverflowError)) {
        PyErr_Format(PyExc_ValueError, "%.200U: %s is too large for a double", symbol, name);
    }
    return -1;
}

/* The five figures behind the timestamp. */
static int figures_of(PyObject *symbol, PyObject *const *objects, za_bar *bar)
{
    for (int i = 0; i < ZA_FIGURE_COUNT; i++) {
        if (figure_of(symbol, za_figure_name((za_figure)i), objects[i], &bar->figure[i]) < 0) {
            return -1;
        }
    }
    return 0;
}

/* The bar's time; what is wrong with it is said with the symbol in front. */
static int bar_time_of(za_state *state, PyObject *symbol, PyObject *object, PyObject *unit, za_bar *bar)
{
    if (za_time_of(state, object, unit, &bar->time, &bar->naive) == 0) {
        return 0;
    }
    PyObject *kind = PyErr_ExceptionMatches(PyExc_TypeError) ? PyExc_TypeError
                     : PyErr_ExceptionMatches(PyExc_ValueError) || PyErr_ExceptionMatches(PyExc_OverflowError)
                         ? PyExc_ValueError
                         : NULL;
    if (kind != NULL) {
        PyObject *exception = za_take_exception();
        PyErr_Format(kind, "%.200U: %S", symbol, exception);
        Py_DECREF(exception);
    }
    return -1;
}

static PyObject *store_append(PyObject *self, PyObject *arguments, PyObject *keywords)
{
    static char *names[] = {"symbol", "timestamp", "open", "high", "low", "close", "volume", "unit", NULL};
    PyObject *symbol_object, *time_object, *figures[ZA_FIGURE_COUNT], *unit = Py_None;
    if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "OOOOOOO|$O:append", names, &symbol_object, &time_object,
                                     &figures[0], &figures[1], &figures[2], &figures[3], &figures[4], &unit)) {
        return NULL;
    }
    za_symbol symbol;
    za_bar bar;
    za_error error;
    if (za_symbol_of(symbol_object, &symbol) < 0 || figures_of(symbol_object, figures, &bar) < 0 ||
        bar_time_of(za_state_of_type(Py_TYPE(self)), symbol_object, time_object, unit, &bar) < 0) {
        return NULL;
    }
    if (za_store_append(store_of(self), symbol, &bar, &error) != ZA_OK) {
        return za_raise(&error);
    }
    Py_RETURN_NONE;
}

/* The rows of an (n, 5) matrix as bars of one time, from za_alloc; NULL with an exception raised. */
static za_bar *bars_of(PyObject *matrix, Py_ssize_t count, int64_t time, bool naive)
{
    PyArrayObject *array = (PyArrayObject *)PyArray_FROM_OTF(matrix, NPY_DOUBLE, NPY_ARRAY_IN_ARRAY);
    if (array == NULL) {
        if (PyErr_ExceptionMatches(PyExc_TypeError) || PyErr_ExceptionMatches(PyExc_ValueError)) {
            PyErr_SetString(PyExc_TypeError, "ohlcv must be float64, of shape (n_symbols, 5)");
        }
        return NULL;
    }
    za_bar *bars = NULL;
    if (PyArray_NDIM(array) != 2 || PyArray_DIM(array, 0) != count || PyArray_DIM(array, 1) != ZA_FIGURE_COUNT) {
        PyErr_Format(PyExc_ValueError, "ohlcv must have the shape (%zd, 5): a row for each symbol", count);
        goto done;
    }
    bars = za_alloc((size_t)count, sizeof *bars);
    if (bars == NULL) {
        PyErr_NoMemory();
        goto done;
    }
    const double *figures = PyArray_DATA(array);
    for (Py_ssize_t i = 0; i < count; i++) {
        bars[i].time = time;
        bars[i].naive = naive;
        memcpy(bars[i].figure, figures + i * ZA_FIGURE_COUNT, sizeof bars[i].figure);
    }
done:
    Py_DECREF(array);
    return bars;
}

static PyObject *store_append_cross_section(PyObject *self, PyObject *arguments, PyObject *keywords)
{
    static char *names[] = {"timestamp", "symbols", "ohlcv", "unit", NULL};
    PyObject *time_object, *symbols_object, *matrix, *unit = Py_None, *tuple = NULL, *result = NULL;
    if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "OOO|$O:append_cross_section", names, &time_object,
                                     &symbols_object, &matrix, &unit)) {
        return NULL;
    }
    za_symbol *symbols = NULL;
    za_bar *bars = NULL;
    za_error error;
    int64_t time;
    bool naive;
    if (za_time_of(za_state_of_type(Py_TYPE(self)), time_object, unit, &time, &naive) < 0 ||
        (tuple = za_symbol_tuple(symbols_object)) == NULL || (symbols = za_symbols_of(tuple)) == NULL ||
        (bars = bars_of(matrix, PyTuple_GET_SIZE(tuple), time, naive)) == NULL) {
        goto done;
    }
    za_code code;
    Py_BEGIN_ALLOW_THREADS
    code = za_store_append_all(store_of(self), symbols, bars, (size_t)PyTuple_GET_SIZE(tuple), &error);
    Py_END_ALLOW_THREADS
    result = code == ZA_OK ? Py_NewRef(Py_None) : za_raise(&error);
done:
    za_free(bars);
    za_free(symbols);
    Py_XDECREF(tuple);
    return result;
}

static PyObject *store_bars(PyObject *self, PyObject *symbol_object)
{
    za_state *state = za_state_of_type(Py_TYPE(self));
    PyObject *names[ZA_FIGURE_COUNT] = {state->str_open, state->str_high, state->str_low, state->str_close,
                                        state->str_volume};
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
    PyObject *column = result == NULL ? NULL : za_array_of_times(view.rows.time, view.rows.count);
    int failed = column == NULL || PyDict_SetItem(result, state->str_timestamp, column) < 0;
    Py_XDECREF(column);
    for (int i = 0; !failed && i < ZA_FIGURE_COUNT; i++) {
        column = za_array_of(NPY_DOUBLE, view.rows.figure[i], view.rows.count);
        failed = column == NULL || PyDict_SetItem(result, names[i], column) < 0;
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
    Py_RETURN_NONE;
}

static PyObject *store_stats(PyObject *self, PyObject *unused)
{
    (void)unused;
    za_store_stats stats = za_store_stats_of(store_of(self));
    return Py_BuildValue("{sLsLsLsLsLsLsLsL}", "symbols", (long long)stats.symbols, "bars", (long long)stats.bars,
                         "bytes", (long long)stats.bytes, "appended", (long long)stats.appended, "replaced",
                         (long long)stats.replaced, "loaded", (long long)stats.loaded, "rejected",
                         (long long)stats.rejected, "dropped", (long long)stats.dropped);
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

static PyMethodDef methods[] = {
    {"append", _PyCFunction_CAST(store_append), METH_VARARGS | METH_KEYWORDS,
     "append($self, symbol, timestamp, open, high, low, close, volume, *, unit=None)\n--\n\n"
     "Add a bar; the last bar's own timestamp replaces that bar. ValueError for an older timestamp or a bad bar."},
    {"append_cross_section", _PyCFunction_CAST(store_append_cross_section), METH_VARARGS | METH_KEYWORDS,
     "append_cross_section($self, timestamp, symbols, ohlcv, *, unit=None)\n--\n\n"
     "Add one bar of the same time for many symbols, all or none; ohlcv is float64 of shape (n_symbols, 5)."},
    {"bars", store_bars, METH_O,
     "bars($self, symbol, /)\n--\n\nCopies of the columns: timestamp (datetime64[ns], UTC), open, high, low, close, "
     "volume."},
    {"symbols", store_symbols, METH_NOARGS, "symbols($self)\n--\n\nNames in the order in which they came."},
    {"drop", store_drop, METH_O, "drop($self, symbol, /)\n--\n\nForget a symbol; False when there was none."},
    {"clear", store_clear, METH_NOARGS, "clear($self)\n--\n\nForget every symbol."},
    {"stats", store_stats, METH_NOARGS,
     "stats($self)\n--\n\nsymbols, bars and bytes now; rows appended, replaced, loaded and rejected ever, and "
     "dropped: those of loaded tables for which the capacity had no room."},
    {"set_labels", _PyCFunction_CAST(za_store_set_labels_method), METH_FASTCALL,
     "set_labels($self, name, labels, /)\n--\n\nSet the labels of that name, {symbol: label}, in the place of those "
     "that were set before."},
    {"labels", za_store_labels_method, METH_NOARGS,
     "labels($self)\n--\n\nCopies of all labels: {name: {symbol: label}}."},
    {"_label_names", za_store_label_names_method, METH_NOARGS, NULL},
    {"_load_rows", _PyCFunction_CAST(za_store_load_rows_method), METH_FASTCALL, NULL},
    {"_load_groups", _PyCFunction_CAST(za_store_load_groups_method), METH_FASTCALL, NULL},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef properties[] = {
    {"capacity", store_capacity, NULL, "Bars kept for each symbol.", NULL},
    {"ordered", store_ordered, NULL, "Whether times are a calendar, and highs and lows are compared.", NULL},
    {"bars_per_year", store_bars_per_year, NULL, "What volatilities are scaled by.", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_doc, "BarStore(capacity=512, *, ordered=True, bars_per_year=252)\n--\n\nSymbol -> its last `capacity` bars, "
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
