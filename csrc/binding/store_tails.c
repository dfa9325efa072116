#include "binding/store_tails.h"

#include "binding/arguments.h"
#include "binding/arrays.h"
#include "binding/convert.h"
#include "binding/types.h"

#include "base/memory.h"
#include "store/store.h"

/* Views are taken of so many tickers under one lock. */
enum { AT_ONCE = 1024 };

typedef struct za_tails {
    const za_symbol *symbols;
    int64_t count, wanted;
    int64_t *bars, *times;
} za_tails;

static void find(const za_tails *tails, za_store *store)
{
    za_view views[AT_ONCE];
    for (int64_t first = 0; first < tails->count; first += AT_ONCE) {
        int64_t some = tails->count - first < AT_ONCE ? tails->count - first : AT_ONCE;
        (void)za_store_views(store, tails->symbols + first, (size_t)some, views);
        for (int64_t i = 0; i < some; i++) {
            const za_rows *rows = &views[i].rows;
            int64_t row = rows->count > tails->wanted ? rows->count - tails->wanted : 0;
            tails->bars[first + i] = rows->count;
            tails->times[first + i] = rows->count > 0 ? rows->time[row] : ZA_TIME_MISSING;
            za_view_release(&views[i]);
        }
    }
}

PyObject *za_store_tails_method(PyObject *self, PyObject *const *arguments, Py_ssize_t count)
{
    if (za_check_count("_tails", count, 2) < 0) {
        return NULL;
    }
    int64_t wanted = PyLong_AsLongLong(arguments[1]);
    if (PyErr_Occurred()) {
        return NULL;
    }
    if (wanted < 1) {
        PyErr_SetString(PyExc_ValueError, "bars must be 1 or more");
        return NULL;
    }
    PyObject *tickers = za_symbol_tuple(arguments[0]), *result = NULL;
    za_symbol *symbols = tickers == NULL ? NULL : za_asked_symbols_of(tickers);
    npy_intp length = symbols == NULL ? 0 : (npy_intp)PyTuple_GET_SIZE(tickers);
    PyObject *bars = symbols == NULL ? NULL : PyArray_SimpleNew(1, &length, NPY_INT64);
    PyObject *times = bars == NULL ? NULL : PyArray_SimpleNew(1, &length, NPY_INT64);
    if (times != NULL) {
        za_tails found = {.symbols = symbols,
                          .count = length,
                          .wanted = wanted,
                          .bars = PyArray_DATA((PyArrayObject *)bars),
                          .times = PyArray_DATA((PyArrayObject *)times)};
        Py_BEGIN_ALLOW_THREADS
        find(&found, ((za_store_object *)self)->store);
        Py_END_ALLOW_THREADS
        result = PyTuple_Pack(2, bars, times);
    }
    za_free(symbols);
    Py_XDECREF(tickers);
    Py_XDECREF(bars);
    Py_XDECREF(times);
    return result;
}
