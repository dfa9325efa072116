#include "binding/numpy.h"

#include "binding/arguments.h"

int za_check_count(const char *name, Py_ssize_t count, Py_ssize_t expected)
{
    if (count == expected) {
        return 0;
    }
    PyErr_Format(PyExc_TypeError, "%s() takes %zd arguments, got %zd", name, expected, count);
    return -1;
}

/* Returns whether it is a value or an array of NumPy, and its type has no real numbers. */
static bool is_other_of_numpy(PyObject *object)
{
    if (PyArray_Check(object)) {
        return !PyArray_ISINTEGER((PyArrayObject *)object) && !PyArray_ISFLOAT((PyArrayObject *)object);
    }
    return PyArray_IsScalar(object, Generic) &&
           (PyArray_IsScalar(object, Timedelta) ||
            !(PyArray_IsScalar(object, Integer) || PyArray_IsScalar(object, Floating)));
}

int za_number_of(PyObject *object, double *number)
{
    if (!PyFloat_Check(object) && (PyBool_Check(object) || is_other_of_numpy(object))) {
        PyErr_SetString(PyExc_TypeError, "must be a real number");
        return -1;
    }
    *number = PyFloat_AsDouble(object);
    return *number == -1.0 && PyErr_Occurred() ? -1 : 0;
}

int za_check_keywords(const char *function, char *const *names, PyObject *keywords)
{
    PyObject *name, *value;
    Py_ssize_t at = 0;
    while (keywords != NULL && PyDict_Next(keywords, &at, &name, &value)) {
        char *const *known = names;
        while (*known != NULL && PyUnicode_CompareWithASCIIString(name, *known) != 0) {
            known++;
        }
        if (*known == NULL) {
            PyErr_Format(PyExc_TypeError, "%s() has no argument %.200R", function, name);
            return -1;
        }
    }
    return 0;
}

za_store_object *za_store_argument(za_state *state, PyObject *object)
{
    if (!PyObject_TypeCheck(object, (PyTypeObject *)state->store_type)) {
        PyErr_Format(PyExc_TypeError, "expected a BarStore, not %.200s", Py_TYPE(object)->tp_name);
        return NULL;
    }
    return (za_store_object *)object;
}

int za_terms_of(PyObject *object, za_terms *terms)
{
    if (!PyTuple_Check(object) || PyTuple_GET_SIZE(object) != 2) {
        PyErr_Format(PyExc_TypeError, "terms must be a tuple (urgency, deadline_ns), not %.200R", object);
        return -1;
    }
    terms->urgency = PyLong_AsLong(PyTuple_GET_ITEM(object, 0));
    terms->deadline_ns = PyErr_Occurred() ? 0 : PyLong_AsLongLong(PyTuple_GET_ITEM(object, 1));
    if (PyErr_Occurred()) {
        return -1;
    }
    if (terms->urgency >= ZA_URGENCY_COUNT) {
        PyErr_Format(PyExc_ValueError, "urgency must be below %d, not %ld", ZA_URGENCY_COUNT, terms->urgency);
        return -1;
    }
    return 0;
}

void za_terms_apply(const za_terms *terms, za_job *job)
{
    job->urgency = terms->urgency >= 0 ? (za_urgency)terms->urgency : job->urgency;
    job->deadline_ns = terms->deadline_ns;
}

int za_zone_of(PyObject *object, za_zone *zone)
{
    *zone = (za_zone){0};
    PyObject *since, *offset;
    long long initial, day_start;
    if (object == NULL || object == Py_None) {
        return 0;
    }
    if (!PyTuple_Check(object)) {
        PyErr_SetString(PyExc_TypeError, "zone must be None or (since, offset, initial, day_start)");
        return -1;
    }
    if (!PyArg_ParseTuple(object, "O!O!LL", &PyArray_Type, &since, &PyArray_Type, &offset, &initial, &day_start)) {
        return -1;
    }
    PyArrayObject *pair[] = {(PyArrayObject *)since, (PyArrayObject *)offset};
    for (int i = 0; i < 2; i++) {
        if (PyArray_TYPE(pair[i]) != NPY_INT64 || PyArray_NDIM(pair[i]) != 1 || !PyArray_IS_C_CONTIGUOUS(pair[i]) ||
            PyArray_SIZE(pair[i]) != PyArray_SIZE(pair[0])) {
            PyErr_SetString(PyExc_TypeError, "the changes of a zone are two arrays of int64 of one length");
            return -1;
        }
    }
    *zone = (za_zone){.since = PyArray_DATA(pair[0]),
                      .offset = PyArray_DATA(pair[1]),
                      .count = PyArray_SIZE(pair[0]),
                      .initial = initial,
                      .day_start = day_start};
    return 0;
}

int za_doubles_of(PyObject *tuple, Py_ssize_t count, const char *name, double *numbers)
{
    if (!PyTuple_Check(tuple) || PyTuple_GET_SIZE(tuple) != count) {
        PyErr_Format(PyExc_TypeError, "%s must be a tuple of %zd floats", name, count);
        return -1;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        numbers[i] = PyFloat_AsDouble(PyTuple_GET_ITEM(tuple, i));
        if (numbers[i] == -1.0 && PyErr_Occurred()) {
            return -1;
        }
    }
    return 0;
}
