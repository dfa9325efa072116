#ifndef ZA_BINDING_HISTOGRAM_TYPE_H
#define ZA_BINDING_HISTOGRAM_TYPE_H

#include "base/histogram.h"
#include "binding/state.h"

/* The one behind a Histogram, which owns it. */
za_histogram *za_histogram_of(PyObject *object);
/* 0, or -1 with a TypeError for anything but a Histogram. */
int za_check_histogram(za_state *state, PyObject *object);
/* Function of the module: (seconds, histogram, ...). */
PyObject *za_record_each(PyObject *module, PyObject *const *arguments, Py_ssize_t count);

#endif
