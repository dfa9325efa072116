#include "binding/arrays.h"

#include "base/memory.h"

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

/* A new reference; NULL with an exception raised. */
static PyArray_Descr *times_type(void)
{
    PyArray_Descr *type = NULL;
    PyObject *name = PyUnicode_FromString("datetime64[ns]");
    if (name != NULL) {
        (void)PyArray_DescrConverter(name, &type);
        Py_DECREF(name);
    }
    return type;
}

PyObject *za_array_of_times(const int64_t *values, int64_t count)
{
    return copy_of(times_type(), values, count);
}

static void free_values(PyObject *capsule)
{
    za_free(PyCapsule_GetPointer(capsule, NULL));
}

/* An array of `data`, which live as long as `owner`. Takes over the references to `type` and `owner`, which may be NULL
 * with an exception raised. */
static PyObject *array_on(PyArray_Descr *type, void *data, int64_t count, PyObject *owner, int flags)
{
    npy_intp length = (npy_intp)count;
    if (type == NULL || owner == NULL) {
        Py_XDECREF(type);
        Py_XDECREF(owner);
        return NULL;
    }
    PyObject *array = PyArray_NewFromDescr(&PyArray_Type, type, 1, &length, NULL, data, flags, NULL);
    if (array == NULL) {
        Py_DECREF(owner);
    } else if (PyArray_SetBaseObject((PyArrayObject *)array, owner) < 0) { /* which has dropped the owner */
        Py_CLEAR(array);
    }
    return array;
}

/* Takes over the reference to `type`, which may be NULL with an exception raised, and the values. */
static PyObject *owner_of(PyArray_Descr *type, void **values, int64_t count)
{
    void *data = *values;
    if (data == NULL) { /* of no rows */
        return copy_of(type, NULL, count);
    }
    PyObject *owner = type == NULL ? NULL : PyCapsule_New(data, NULL, free_values);
    if (owner != NULL) {
        *values = NULL;
    }
    return array_on(type, data, count, owner, NPY_ARRAY_CARRAY);
}

PyObject *za_array_lent(int type, const void *values, int64_t count, PyObject *owner)
{
    void *data = (void *)(uintptr_t)values;
    return array_on(PyArray_DescrFromType(type), data, count, Py_NewRef(owner), NPY_ARRAY_CARRAY_RO);
}

PyObject *za_array_lent_times(const int64_t *values, int64_t count, PyObject *owner)
{
    void *data = (void *)(uintptr_t)values;
    return array_on(times_type(), data, count, Py_NewRef(owner), NPY_ARRAY_CARRAY_RO);
}

PyObject *za_array_owning(int type, void **values, int64_t count)
{
    return owner_of(PyArray_DescrFromType(type), values, count);
}

PyObject *za_array_owning_times(int64_t **values, int64_t count)
{
    void *data = *values;
    PyObject *array = owner_of(times_type(), &data, count);
    *values = data;
    return array;
}

/* Result `k` of an array [result][...shape], as an array that keeps the whole alive. */
static PyObject *result_of(PyArrayObject *whole, int k)
{
    PyArrayObject *part =
        (PyArrayObject *)PyArray_New(&PyArray_Type, PyArray_NDIM(whole) - 1, PyArray_DIMS(whole) + 1, NPY_DOUBLE, NULL,
                                     PyArray_BYTES(whole) + k * PyArray_STRIDE(whole, 0), 0, NPY_ARRAY_CARRAY, NULL);
    if (part != NULL && PyArray_SetBaseObject(part, Py_NewRef((PyObject *)whole)) < 0) {
        Py_CLEAR(part);
    }
    return (PyObject *)part;
}

PyObject *za_results_of(PyObject *object)
{
    PyArrayObject *whole = (PyArrayObject *)object;
    npy_intp count = PyArray_DIM(whole, 0);
    if (count == 1) {
        return result_of(whole, 0);
    }
    PyObject *tuple = PyTuple_New(count);
    for (int k = 0; tuple != NULL && k < count; k++) {
        PyObject *result = result_of(whole, k);
        if (result == NULL) {
            Py_CLEAR(tuple);
        } else {
            PyTuple_SET_ITEM(tuple, k, result);
        }
    }
    return tuple;
}
