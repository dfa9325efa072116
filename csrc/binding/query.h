/* Plans over the tickers of a store. */
#ifndef ZA_BINDING_QUERY_H
#define ZA_BINDING_QUERY_H

#include "binding/state.h"

/* Methods of a Plan: latest(store, tickers, zone) and history(store, tickers, zone, first, last) -> (times, bars,
 * values): of each ticker's last bar, or of all their bars from time `first` to `last`, ticker by ticker. */
PyObject *za_plan_latest(PyObject *self, PyObject *const *arguments, Py_ssize_t count);
PyObject *za_plan_history(PyObject *self, PyObject *const *arguments, Py_ssize_t count);
/* The method signal_history(store, tickers, zone, first, last, rules, market) of the plan of the features that signals
 * are made from: as history, but the values are those of market/signal_history.def. `rules` and `market` as for
 * za_past_new. */
PyObject *za_plan_signal_history(PyObject *self, PyObject *const *arguments, Py_ssize_t count);

#endif
