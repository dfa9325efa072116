#ifndef ZA_BINDING_ARROW_COLUMNS_H
#define ZA_BINDING_ARROW_COLUMNS_H

#include "binding/state.h"

PyObject *za_read_arrow(PyObject *module, PyObject *const *arguments, Py_ssize_t count);

#endif
