#ifndef ZA_BINDING_ARROW_STREAM_H
#define ZA_BINDING_ARROW_STREAM_H

#include "binding/state.h"

PyObject *za_arrow_stream(PyObject *module, PyObject *arguments);

#endif
