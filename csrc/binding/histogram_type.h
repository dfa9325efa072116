#ifndef ZA_BINDING_HISTOGRAM_TYPE_H
#define ZA_BINDING_HISTOGRAM_TYPE_H

#include "base/histogram.h"
#include "binding/state.h"

/* The one behind a Histogram, which owns it. */
za_histogram *za_histogram_of(PyObject *object);

#endif
