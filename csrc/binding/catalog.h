#ifndef ZA_BINDING_CATALOG_H
#define ZA_BINDING_CATALOG_H

#include "binding/state.h"

PyObject *za_catalog(PyObject *module, PyObject *unused);

#endif
