#ifndef ZA_BINDING_STORE_APPEND_H
#define ZA_BINDING_STORE_APPEND_H

#include "binding/state.h"

/* Methods of a BarStore. */
PyObject *za_store_append_method(PyObject *self, PyObject *arguments, PyObject *keywords);
PyObject *za_store_append_cross_section_method(PyObject *self, PyObject *arguments, PyObject *keywords);

#endif
