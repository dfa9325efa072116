/* Live states for Python. Whoever takes a lock of theirs releases the GIL meanwhile: an update may be long. */
#include "binding/live_object.h"

#include "base/clock.h"
#include "base/memory.h"
#include "binding/arguments.h"
#include "binding/arrays.h"
#include "binding/convert.h"
#include "binding/live_states.h"
#include "binding/plan_object.h"
#include "binding/waiting.h"
#include "pool/shared_pool.h"

enum { SLICE_NS = 250000000 };

static void live_dealloc(PyObject *object)
{
    za_live_object *self = (za_live_object *)object;
    PyTypeObject *type = Py_TYPE(object);
    za_live_free(self->live);
    Py_XDECREF((PyObject *)self->plan);
    Py_XDECREF((PyObject *)self->store);
    za_free(self->columns);
    Py_XDECREF(self->zone);
    Py_XDECREF(self->values);
    type->tp_free(object);
    Py_DECREF(type);
}

static int start(za_live_object *self, PyObject *tickers, int all)
{
    za_symbol *symbols = self->columns == NULL ? NULL : za_symbols_of(tickers);
    za_symbol *others = symbols == NULL ? NULL : za_symbols_of(self->plan->tickers);
    za_live_spec spec = {.plan = self->plan->plan,
                         .store = self->store->store,
                         .columns = self->columns,
                         .symbols = symbols,
                         .count = (size_t)PyTuple_GET_SIZE(tickers),
                         .others = others,
                         .all = all};
    if (others != NULL && za_zone_of(self->zone, &spec.zone) == 0) {
        za_error error;
        self->live = za_live_new(&spec, &error);
        if (self->live == NULL) {
            (void)za_raise(&error);
        }
    }
    za_free(symbols);
    za_free(others);
    return self->live == NULL ? -1 : 0;
}

static PyObject *live_new(PyTypeObject *type, PyObject *arguments, PyObject *keywords)
{
    static char *keys[] = {"plan", "store", "tickers", "zone", "all", NULL};
    za_state *state = za_state_of_type(type);
    PyObject *plan, *store, *tickers, *zone;
    int all;
    if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "O!O!OOp:Live", keys, state->plan_type, &plan,
                                     state->store_type, &store, &tickers, &zone, &all)) {
        return NULL;
    }
    PyObject *tuple = za_symbol_tuple(tickers);
    za_live_object *self = tuple == NULL ? NULL : (za_live_object *)type->tp_alloc(type, 0);
    if (self != NULL) {
        self->plan = (za_plan_object *)Py_NewRef(plan);
        self->store = (za_store_object *)Py_NewRef(store);
        self->columns = za_plan_columns_of(self->plan, self->store);
        self->zone = Py_NewRef(zone);
        if (start(self, tuple, all) < 0) {
            Py_CLEAR(self);
        }
    }
    Py_XDECREF(tuple);
    return (PyObject *)self;
}

/* All bars, or until a handler of a signal raises. In the main thread it is done in slices, between which no lock is
 * held: a handler may use the same states. Bars that a slice has not taken in are left to the next one; a slice that
 * has taken in nothing was too short. 0, or -1 with an exception raised. */
static int update(za_live *live, int64_t deadline_ns, int64_t *taken)
{
    bool is_sliced = za_is_main_thread();
    int64_t slice_ns = SLICE_NS, more;
    za_code code;
    za_error error;
    *taken = 0;
    do {
        int64_t end_ns = is_sliced ? za_clock_ns() + slice_ns : deadline_ns;
        is_sliced = is_sliced && (deadline_ns == 0 || end_ns < deadline_ns);
        Py_BEGIN_ALLOW_THREADS
        code = za_live_update(live, za_pool_shared(), is_sliced ? end_ns : deadline_ns, &more, &error);
        Py_END_ALLOW_THREADS
        *taken += more;
        slice_ns = more > 0 ? slice_ns : 2 * slice_ns;
        if (is_sliced && code == ZA_EXPIRED && PyErr_CheckSignals() < 0) {
            return -1;
        }
    } while (is_sliced && code == ZA_EXPIRED);
    return code == ZA_OK ? 0 : (za_raise(&error), -1);
}

static PyObject *live_update(PyObject *object, PyObject *deadline)
{
    za_live *live = ((za_live_object *)object)->live;
    long long deadline_ns = PyLong_AsLongLong(deadline);
    if (deadline_ns == -1 && PyErr_Occurred()) {
        return NULL;
    }
    int64_t taken;
    return update(live, deadline_ns, &taken) < 0 ? NULL : PyLong_FromLongLong(taken);
}

static void release_board(PyObject *capsule)
{
    za_live_board_release(PyCapsule_GetPointer(capsule, NULL));
}

/* A view of a board, which it keeps. Takes over the reference. */
static PyObject *view_of(za_live_board *board, int features)
{
    PyObject *capsule = PyCapsule_New(board, NULL, release_board);
    if (capsule == NULL) {
        za_live_board_release(board);
        return NULL;
    }
    npy_intp shape[] = {(npy_intp)board->rows, features};
    PyObject *view =
        PyArray_New(&PyArray_Type, 2, shape, NPY_DOUBLE, NULL, board->values, 0, NPY_ARRAY_F_CONTIGUOUS, NULL);
    if (view == NULL) {
        Py_DECREF(capsule);
    } else if (PyArray_SetBaseObject((PyArrayObject *)view, capsule) < 0) { /* which has dropped the capsule */
        Py_CLEAR(view);
    } else {
        PyArray_CLEARFLAGS((PyArrayObject *)view, NPY_ARRAY_WRITEABLE);
    }
    return view;
}

static PyObject *live_values(PyObject *object, void *unused)
{
    (void)unused;
    za_live_object *self = (za_live_object *)object;
    za_live_board *board = za_live_board_of(self->live);
    PyObject *values;
    Py_BEGIN_CRITICAL_SECTION(object);
    if (board == self->board) {
        za_live_board_release(board);
    } else {
        Py_XSETREF(self->values, view_of(board, za_plan_output_count(self->plan->plan)));
        self->board = self->values == NULL ? NULL : board;
    }
    values = Py_XNewRef(self->values);
    Py_END_CRITICAL_SECTION();
    return values;
}

static PyObject *live_table(PyObject *object, PyObject *unused)
{
    (void)unused;
    za_live_object *self = (za_live_object *)object;
    za_live_board *board = za_live_board_of(self->live);
    npy_intp rows = (npy_intp)board->rows, shape[] = {rows, za_plan_output_count(self->plan->plan)};
    PyObject *values = PyArray_EMPTY(2, shape, NPY_DOUBLE, 1), *times = PyArray_EMPTY(1, &rows, NPY_INT64, 0);
    PyObject *result = NULL;
    if (values != NULL && times != NULL) {
        Py_BEGIN_ALLOW_THREADS
        za_live_copy(self->live, board, PyArray_DATA((PyArrayObject *)values), PyArray_DATA((PyArrayObject *)times));
        Py_END_ALLOW_THREADS
        result = PyTuple_Pack(2, times, values);
    }
    za_live_board_release(board);
    Py_XDECREF(values);
    Py_XDECREF(times);
    return result;
}

/* The symbols of the rows from `first` on. */
static PyObject *live_symbols(PyObject *object, PyObject *first)
{
    za_live *live = ((za_live_object *)object)->live;
    int64_t from = PyLong_AsLongLong(first);
    if (from < 0) {
        return PyErr_Occurred() ? NULL : PyErr_Format(PyExc_ValueError, "there is no row %lld", (long long)from);
    }
    za_live_board *board = za_live_board_of(live);
    int64_t rows = board->rows;
    za_live_board_release(board);
    PyObject *tuple = PyTuple_New((Py_ssize_t)(rows > from ? rows - from : 0));
    for (int64_t row = from; tuple != NULL && row < rows; row++) {
        za_symbol symbol;
        Py_BEGIN_ALLOW_THREADS
        symbol = za_live_symbol(live, row);
        Py_END_ALLOW_THREADS
        PyObject *name = PyUnicode_FromStringAndSize(symbol.text, (Py_ssize_t)symbol.length);
        if (name == NULL) {
            Py_CLEAR(tuple);
        } else {
            PyTuple_SET_ITEM(tuple, (Py_ssize_t)(row - from), name);
        }
    }
    return tuple;
}

static PyObject *live_stats(PyObject *object, PyObject *unused)
{
    (void)unused;
    za_live *live = ((za_live_object *)object)->live;
    za_live_stats stats;
    Py_BEGIN_ALLOW_THREADS
    stats = za_live_stats_of(live);
    Py_END_ALLOW_THREADS
    return Py_BuildValue("{s:L,s:L,s:L,s:L,s:L,s:L}", "bars", (long long)stats.bars, "revised",
                         (long long)stats.revised, "restarted", (long long)stats.restarted, "tickers",
                         (long long)stats.tickers, "tiles", (long long)stats.tiles, "bytes", (long long)stats.bytes);
}

static PyGetSetDef properties[] = {
    {"values", live_values, NULL, NULL, NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyMethodDef methods[] = {
    {"update", live_update, METH_O, NULL},
    {"table", live_table, METH_NOARGS, NULL},
    {"symbols", live_symbols, METH_O, NULL},
    {"stats", live_stats, METH_NOARGS, NULL},
    {"take", _PyCFunction_CAST(za_live_take_states_of), METH_FASTCALL, NULL},
    {"put", _PyCFunction_CAST(za_live_put_states_of), METH_FASTCALL, NULL},
    {"take_others", za_live_take_others_of, METH_NOARGS, NULL},
    {"put_others", za_live_put_others_of, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_doc, "Live(plan, store, tickers, zone, all)\n--\n\nFeatures kept current."},
    {Py_tp_new, live_new},
    {Py_tp_dealloc, live_dealloc},
    {Py_tp_methods, methods},
    {Py_tp_getset, properties},
    {0, NULL},
};

PyType_Spec za_live_type_spec = {
    .name = "ziggy_async._core.Live",
    .basicsize = sizeof(za_live_object),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = slots,
};
