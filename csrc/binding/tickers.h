/* Many tickers at once: all of a store in order, those that a query asks for, and those of a result's rows. */
#ifndef ZA_BINDING_TICKERS_H
#define ZA_BINDING_TICKERS_H

#include "binding/types.h"

/* The tickers of an iterable of str, to be asked for. 0, or -1 with an exception raised; `named` is to be cleared then
 * too. */
int za_named_take(za_named *named, const za_store_object *store, PyObject *iterable);
void za_named_clear(za_named *named);

/* A store's method _sorted_symbols() and its property _sorted, as _core.pyi says. */
PyObject *za_store_sorted_symbols(PyObject *self, PyObject *unused);
PyObject *za_store_sorted(PyObject *self, void *unused);

/* tickers_at(tickers, rows), as _core.pyi says. */
PyObject *za_tickers_at(PyObject *module, PyObject *const *arguments, Py_ssize_t count);

#endif
