/* NumPy's C API, imported once by module.c for all files of the binding. */
#ifndef ZA_BINDING_NUMPY_H
#define ZA_BINDING_NUMPY_H

#include "binding/state.h"

#define PY_ARRAY_UNIQUE_SYMBOL ziggy_async_numpy_api
#ifndef ZA_IMPORTS_NUMPY
#define NO_IMPORT_ARRAY
#endif
/* NumPy's headers are not written for -Wconversion. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#include <numpy/arrayobject.h>
#pragma GCC diagnostic pop

#endif
