#include "binding/arrays.h"

/* Takes over the reference to `type`, which may be NULL with an exception raised. */
static PyObject *copy_of(PyArray_Descr *type, const void *values, int64_t count)
{
    npy_intp length = (npy_intp)count;
    PyObject *array = type == NULL ? NULL : PyArray_NewFromDescr(&PyArray_Type, type, 1, &length, NULL, NULL, 0, NULL);
    if (array != NULL && count > 0) {
        memcpy(PyArray_DATA((PyArrayObject *)array), values, (size_t)PyArray_NBYTES((PyArrayObject *)array));
    }
    return array;
}

PyObject *za_array_of(int type, const void *values, int64_t count)
{
    return copy_of(PyArray_DescrFromType(type), values, count);
}

PyObject *za_array_of_times(const int64_t *values, int64_t count)
{
    PyObject *name = PyUnicode_FromString("datetime64[ns]");
    PyArray_Descr *type = NULL;
    if (name != NULL) {
        (void)PyArray_DescrConverter(name, &type);
        Py_DECREF(name);
    }
    return copy_of(type, values, count);
}
