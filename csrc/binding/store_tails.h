#ifndef ZA_BINDING_STORE_TAILS_H
#define ZA_BINDING_STORE_TAILS_H

#include "binding/state.h"

/* Method of a BarStore: _tails(tickers, bars) -> (bars, times), two int64 arrays: how many bars each ticker has, and
 * the time of its `bars`-th last one, or of its first where it has fewer; 0 and NaT of a ticker that is not there. */
PyObject *za_store_tails_method(PyObject *self, PyObject *const *arguments, Py_ssize_t count);

#endif
