#include "binding/arrays.h"

#include "base/memory.h"

/* An array without values yet. Takes over the reference to `type`, which may be NULL with an exception raised. */
static PyObject *empty_of(PyArray_Descr *type, int64_t count)
{
    npy_intp length = (npy_intp)count;
    return type == NULL ? NULL : PyArray_NewFromDescr(&PyArray_Type, type, 1, &length, NULL, NULL, 0, NULL);
}

/* A new reference; NULL with an exception raised. */
static PyArray_Descr *descr_of(int type)
{
    PyArray_Descr *descr = NULL;
    if (type != NPY_DATETIME) {
        return PyArray_DescrFromType(type);
    }
    PyObject *name = PyUnicode_FromString("datetime64[ns]");
    if (name != NULL) {
        (void)PyArray_DescrConverter(name, &descr);
        Py_DECREF(name);
    }
    return descr;
}

PyObject *za_array_of(int type, const void *values, int64_t count)
{
    PyObject *array = empty_of(descr_of(type), count);
    if (array != NULL && count > 0) {
        memcpy(PyArray_DATA((PyArrayObject *)array), values, (size_t)PyArray_NBYTES((PyArrayObject *)array));
    }
    return array;
}

static void free_values(PyObject *capsule)
{
    za_free(PyCapsule_GetPointer(capsule, NULL));
}

PyObject *za_memory_owner(void *memory)
{
    PyObject *owner = PyCapsule_New(memory, NULL, free_values);
    if (owner == NULL) {
        za_free(memory);
    }
    return owner;
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
        return empty_of(type, count);
    }
    PyObject *owner = type == NULL ? NULL : PyCapsule_New(data, NULL, free_values);
    if (owner != NULL) {
        *values = NULL;
    }
    return array_on(type, data, count, owner, NPY_ARRAY_CARRAY);
}

PyObject *za_array_lent(int type, const void *values, int64_t count, PyObject *owner)
{
    return array_on(descr_of(type), (void *)(uintptr_t)values, count, owner, NPY_ARRAY_CARRAY_RO);
}

PyObject *za_array_owning(int type, void **values, int64_t count)
{
    return owner_of(descr_of(type), values, count);
}

/* Result `k` of an array [result][...shape], as an array that keeps the whole alive. */
static PyObject *result_of(PyArrayObject *whole, int k)
{
    PyArrayObject *part = (PyArrayObject *)PyArray_New(
        &PyArray_Type, PyArray_NDIM(whole) - 1, PyArray_DIMS(whole) + 1, PyArray_TYPE(whole), NULL,
        PyArray_BYTES(whole) + k * PyArray_STRIDE(whole, 0), 0, NPY_ARRAY_CARRAY, NULL);
    if (part != NULL && PyArray_SetBaseObject(part, Py_NewRef((PyObject *)whole)) < 0) {
        Py_CLEAR(part);
    }
    return (PyObject *)part;
}

PyObject *za_aligned_values(int type, int dimensions, npy_intp *shape)
{
    npy_intp count = PyArray_MultiplyList(shape, dimensions) + ZA_CACHE_LINE / (npy_intp)sizeof(int32_t);
    PyObject *owner = PyArray_EMPTY(1, &count, type, 0);
    if (owner == NULL) {
        return NULL;
    }
    char *values = PyArray_DATA((PyArrayObject *)owner);
    values += -(uintptr_t)values % ZA_CACHE_LINE;
    PyObject *whole = PyArray_SimpleNewFromData(dimensions, shape, type, values);
    if (whole == NULL) {
        Py_DECREF(owner);
    } else if (PyArray_SetBaseObject((PyArrayObject *)whole, owner) < 0) {
        Py_CLEAR(whole);
    }
    return whole;
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
