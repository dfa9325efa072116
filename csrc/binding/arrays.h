/* NumPy arrays of the engine's columns, with copies of them unless it says otherwise; NULL with an exception raised. */
#ifndef ZA_BINDING_ARRAYS_H
#define ZA_BINDING_ARRAYS_H

#include "binding/numpy.h"

/* `type`: NPY_DOUBLE, NPY_INT64 or NPY_INT32, as the values are; NPY_DATETIME: datetime64[ns] of nanoseconds since
 * 1970.
 */
PyObject *za_array_of(int type, const void *values, int64_t count);
/* The same without a copy: the array takes over *values, which are from za_alloc, and they become NULL. */
PyObject *za_array_owning(int type, void **values, int64_t count);
/* A read-only array of values that belong to `owner`, of which it takes over the reference. */
PyObject *za_array_lent(int type, const void *values, int64_t count, PyObject *owner);
/* A capsule that frees memory of za_alloc when it is dropped; takes it over. */
PyObject *za_memory_owner(void *memory);
/* An array of NPY_DOUBLE or NPY_INT32 whose values are undefined, the first of them aligned to a cache line. */
PyObject *za_aligned_values(int type, int dimensions, npy_intp *shape);
/* The only result of an array [result][...], or all of them in a tuple; each keeps the whole alive. */
PyObject *za_results_of(PyObject *whole);

#endif
