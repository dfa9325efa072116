#include "binding/tickers.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "binding/arguments.h"
#include "binding/arrays.h"
#include "binding/convert.h"

/* Strings that are made before other threads get the GIL: some hundred microseconds. */
enum { SLICE = 2048 };

/* Strings lie anywhere in memory: one is fetched while as many before it are counted. */
enum { AHEAD = 16 };

static za_named shared(const za_named *named)
{
    return (za_named){
        .tickers = Py_XNewRef(named->tickers), .owner = Py_XNewRef(named->owner), .symbols = named->symbols};
}

void za_named_clear(za_named *named)
{
    Py_CLEAR(named->owner);
    Py_CLEAR(named->tickers);
}

/* Takes over the symbols, from za_alloc; NULL with an exception raised. */
static int own(za_named *named, za_symbol *symbols)
{
    named->symbols = symbols;
    named->owner = symbols == NULL ? NULL : za_memory_owner(symbols);
    return named->owner == NULL ? -1 : 0;
}

int za_named_take(za_named *named, const za_store_object *store, PyObject *iterable)
{
    if (iterable == store->sorted.tickers) {
        *named = shared(&store->sorted);
        return 0;
    }
    *named = (za_named){.tickers = za_symbol_tuple(iterable)};
    return named->tickers == NULL ? -1 : own(named, za_asked_symbols_of(named->tickers));
}

/* Compares by code points, as Python sorts. */
static int compare(const void *one, const void *other)
{
    const za_symbol *a = one, *b = other;
    int order = memcmp(a->text, b->text, a->length < b->length ? a->length : b->length);
    return order != 0 ? order : (a->length > b->length) - (a->length < b->length);
}

/* A thread that waits for the GIL gets it only if this one does without it for a while. */
static void let_others_in(void)
{
    const struct timespec pause = {.tv_nsec = 1000};
    Py_BEGIN_ALLOW_THREADS(void)
    nanosleep(&pause, NULL);
    Py_END_ALLOW_THREADS
}

/* The strings of sorted symbols; those that `before` has too are not made again. */
static PyObject *strings_of(const za_symbol *symbols, Py_ssize_t count, const za_named *before)
{
    Py_ssize_t at = 0, known = before->tickers == NULL ? 0 : PyTuple_GET_SIZE(before->tickers);
    PyObject *tuple = PyTuple_New(count);
    if (tuple != NULL) {
        PyObject_GC_UnTrack(tuple); /* gc.get_objects() of another thread would find it with strings that are missing */
    }
    for (Py_ssize_t i = 0; tuple != NULL && i < count; i++) {
        int order = -1;
        while (at < known && (order = compare(&before->symbols[at], &symbols[i])) < 0) {
            at++;
        }
        PyObject *string = order == 0 ? Py_NewRef(PyTuple_GET_ITEM(before->tickers, at))
                                      : PyUnicode_DecodeUTF8(symbols[i].text, (Py_ssize_t)symbols[i].length, NULL);
        if (string == NULL) {
            Py_CLEAR(tuple);
            break;
        }
        PyTuple_SET_ITEM(tuple, i, string);
        if (i % SLICE == SLICE - 1) {
            let_others_in();
        }
    }
    return tuple;
}

static za_symbol *sorted_symbols(za_store *store, size_t *count)
{
    za_symbol *symbols = za_store_symbols(store, count);
    if (symbols != NULL) {
        qsort(symbols, *count, sizeof *symbols, compare);
    }
    return symbols;
}

/* Sorts anew; 0, or -1 with an exception raised. */
static int sort(za_store_object *self)
{
    za_membership membership = za_store_membership(self->store);
    za_named sorted = {.tickers = NULL}, before = shared(&self->sorted);
    za_symbol *symbols;
    size_t count = 0;
    Py_BEGIN_ALLOW_THREADS
    symbols = sorted_symbols(self->store, &count);
    Py_END_ALLOW_THREADS
    if (symbols == NULL) {
        PyErr_NoMemory();
    }
    if (own(&sorted, symbols) == 0) {
        sorted.tickers = strings_of(symbols, (Py_ssize_t)count, &before);
    }
    bool is_made = sorted.tickers != NULL;
    if (is_made) {
        za_named replaced = self->sorted;
        self->sorted = sorted;
        self->membership = membership;
        sorted = replaced;
    }
    za_named_clear(&sorted);
    za_named_clear(&before);
    return is_made ? 0 : -1;
}

static bool is_current(const za_store_object *self)
{
    za_membership now = za_store_membership(self->store), then = self->membership;
    return self->sorted.tickers != NULL && now.came == then.came && now.count == then.count;
}

PyObject *za_store_sorted_symbols(PyObject *object, PyObject *unused)
{
    (void)unused;
    za_store_object *self = (za_store_object *)object;
    return is_current(self) || sort(self) == 0 ? Py_NewRef(self->sorted.tickers) : NULL;
}

PyObject *za_store_sorted(PyObject *object, void *unused)
{
    (void)unused;
    const za_store_object *self = (const za_store_object *)object;
    return Py_NewRef(is_current(self) ? self->sorted.tickers : Py_None);
}

/* New references to the tickers at the rows; false with an exception raised where there is no such row. */
static bool take(PyObject *tickers, const int64_t *rows, npy_intp count, PyObject **taken)
{
    PyObject **all = PySequence_Fast_ITEMS(tickers);
    Py_ssize_t size = PyTuple_GET_SIZE(tickers);
    for (npy_intp i = 0; i < count; i++) {
        if (rows[i] < 0 || rows[i] >= size) {
            PyErr_SetString(PyExc_IndexError, "there is no ticker for a row");
            return false;
        }
    }
    for (npy_intp i = 0; i < count; i++) {
        __builtin_prefetch(all[rows[i + AHEAD < count ? i + AHEAD : i]], 1);
        taken[i] = Py_NewRef(all[rows[i]]);
    }
    return true;
}

PyObject *za_tickers_at(PyObject *module, PyObject *const *arguments, Py_ssize_t count)
{
    (void)module;
    if (za_check_count("tickers_at", count, 2) < 0) {
        return NULL;
    }
    PyObject *tickers = arguments[0];
    if (!PyTuple_Check(tickers)) {
        PyErr_SetString(PyExc_TypeError, "tickers must be a tuple");
        return NULL;
    }
    PyArrayObject *rows = (PyArrayObject *)PyArray_FROMANY(arguments[1], NPY_INT64, 1, 1, NPY_ARRAY_CARRAY_RO);
    PyObject *taken = rows == NULL ? NULL : PyArray_SimpleNew(1, PyArray_DIMS(rows), NPY_OBJECT);
    if (taken != NULL &&
        !take(tickers, PyArray_DATA(rows), PyArray_DIM(rows, 0), PyArray_DATA((PyArrayObject *)taken))) {
        Py_CLEAR(taken);
    }
    Py_XDECREF(rows);
    return taken;
}
