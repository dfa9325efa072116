/* Plans over the tickers of a store, for a future. */
#ifndef ZA_BINDING_PORT_QUERIES_H
#define ZA_BINDING_PORT_QUERIES_H

#include "binding/state.h"

/* Methods of a Port: (loop, plan, store, tickers, zone, urgency, deadline_ns), and with (..., first, last, ...) ->
 * future. */
PyObject *za_port_latest(PyObject *self, PyObject *const *arguments, Py_ssize_t count);
PyObject *za_port_history(PyObject *self, PyObject *const *arguments, Py_ssize_t count);
PyObject *za_port_signal_history(PyObject *self, PyObject *const *arguments, Py_ssize_t count);

#endif
