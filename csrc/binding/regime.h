/* The market's regime for Python. */
#ifndef ZA_BINDING_REGIME_H
#define ZA_BINDING_REGIME_H

#include "binding/state.h"

/* Function of the module: (reading, thresholds) -> (regime, bits of the conditions that hold); see market/regime.h. */
PyObject *za_regime_of(PyObject *module, PyObject *const *arguments, Py_ssize_t count);

#endif
