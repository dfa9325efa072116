#ifndef ZA_BINDING_PORT_TYPE_H
#define ZA_BINDING_PORT_TYPE_H

#include "binding/state.h"

/* Wakes loops until the interpreter ends; returns then. */
PyObject *za_notifier_run(PyObject *module, PyObject *unused);

#endif
