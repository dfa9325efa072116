/* Methods of a Port: requests of its loop. */
#ifndef ZA_BINDING_PORT_REQUESTS_H
#define ZA_BINDING_PORT_REQUESTS_H

#include "binding/port_object.h"

/* Submits every open batch: the loop's iteration after the first request of a batch. None, or NULL. */
PyObject *za_port_flush(za_port_object *self);

/* Methods: (loop, store, symbol, tally=None) or (loop, store, symbols, ...) -> future. */
PyObject *za_port_features(PyObject *self, PyObject *const *arguments, Py_ssize_t count);
PyObject *za_port_paper_features(PyObject *self, PyObject *const *arguments, Py_ssize_t count);
PyObject *za_port_features_many(PyObject *self, PyObject *const *arguments, Py_ssize_t count);
PyObject *za_port_signals(PyObject *self, PyObject *const *arguments, Py_ssize_t count);

#endif
