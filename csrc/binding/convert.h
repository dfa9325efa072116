/* Between Python's values and the engine's. */
#ifndef ZA_BINDING_CONVERT_H
#define ZA_BINDING_CONVERT_H

#include "binding/state.h"
#include "store/bars.h"

/* Raises the exception of an engine's failure; returns NULL for `return za_raise(&error)`. */
PyObject *za_raise(const za_error *error);
/* The same exception as a new object, not raised; NULL with another exception raised if that failed. */
PyObject *za_exception_of(const za_error *error);
/* Takes the exception that is raised now out of the thread, as a new reference. */
PyObject *za_take_exception(void);
/* Raises it again; takes over the reference. */
void za_put_back_exception(PyObject *exception);
/* Takes the exception that is raised now out of the thread, into *first if that is NULL, where it waits until all the
 * rest is done; else it is reported as one that nobody can be told. */
void za_keep_first_exception(PyObject **first);

/* The UTF-8 of a str, borrowed for as long as the str lives; TypeError for anything else. */
int za_symbol_of(PyObject *object, za_symbol *symbol);

/* The same of a symbol that is asked for. A str that is not UTF-8 (a lone surrogate) becomes the empty symbol, which no
 * store has: such a ticker is unknown, and no fault of a list that it stands in. */
int za_asked_symbol_of(PyObject *object, za_symbol *symbol);

/* A tuple of the items of any iterable of str, those of a subclass as plain str. TypeError for a str by itself, and for
 * an item that is not a str, which is named by its position. */
PyObject *za_symbol_tuple(PyObject *iterable);
/* The symbols of such a tuple, from za_alloc; NULL with an exception raised, which is a ValueError naming the position
 * of one that is not UTF-8. */
za_symbol *za_symbols_of(PyObject *tuple);
/* The same of symbols that are asked for. */
za_symbol *za_asked_symbols_of(PyObject *tuple);

/* Registers datetime's C API; 0, or -1 with an exception raised. */
int za_convert_import(void);
/* Nanoseconds since 1970 UTC of a timestamp; whatever is not a plain datetime goes to the registered to_ns. *naive says
 * whether it was a datetime without a time zone. */
int za_time_of(za_state *state, PyObject *object, PyObject *unit, int64_t *ns, bool *naive);
/* A datetime in UTC, or without a time zone. */
PyObject *za_datetime_of(int64_t ns, bool naive);

#endif
