/* Arrow objects through the PyCapsule protocol, as NumPy arrays. */
#include "binding/arrays.h"
#include "binding/convert.h"
#include "binding/types.h"

#include "engine/arrow.h"

/* (codes, values) */
static PyObject *text_column(const za_column *column)
{
    PyObject *codes = za_array_of(NPY_INT32, column->codes, column->rows);
    PyObject *texts = PyList_New(column->text_count);
    for (int32_t i = 0; texts != NULL && i < column->text_count; i++) {
        PyObject *text = PyUnicode_DecodeUTF8(column->texts[i], (Py_ssize_t)column->text_lengths[i], NULL);
        if (text == NULL) {
            Py_CLEAR(texts);
        } else {
            PyList_SET_ITEM(texts, i, text);
        }
    }
    PyObject *pair = codes == NULL || texts == NULL ? NULL : PyTuple_Pack(2, codes, texts);
    Py_XDECREF(codes);
    Py_XDECREF(texts);
    return pair;
}

static PyObject *column_object(const za_column *column)
{
    switch (column->kind) {
    case ZA_COLUMN_NUMBER:
        return za_array_of(NPY_DOUBLE, column->numbers, column->rows);
    case ZA_COLUMN_WHOLE:
        return za_array_of(NPY_INT64, column->integers, column->rows);
    case ZA_COLUMN_TIME:
        return za_array_of_times(column->integers, column->rows);
    case ZA_COLUMN_TEXT:
        return text_column(column);
    default:
        return PyUnicode_FromString(column->format);
    }
}

static PyObject *table_object(const za_table *table)
{
    PyObject *dict = PyDict_New();
    for (int64_t i = 0; dict != NULL && i < table->column_count; i++) {
        PyObject *name = PyUnicode_FromString(table->columns[i].name);
        PyObject *value = name == NULL ? NULL : column_object(&table->columns[i]);
        int seen = value == NULL ? -1 : PyDict_Contains(dict, name);
        if (seen == 1) {
            PyErr_Format(PyExc_ValueError, "two columns are called %R", name);
        }
        if (seen != 0 || PyDict_SetItem(dict, name, value) < 0) {
            Py_CLEAR(dict);
        }
        Py_XDECREF(name);
        Py_XDECREF(value);
    }
    return dict;
}

/* The result of data.name(), or NULL without an exception if it has no such method. */
static PyObject *export(PyObject *data, const char *name)
{
    PyObject *method = PyObject_GetAttrString(data, name);
    if (method == NULL) {
        if (PyErr_ExceptionMatches(PyExc_AttributeError)) {
            PyErr_Clear();
        }
        return NULL;
    }
    PyObject *answer = PyObject_CallNoArgs(method);
    Py_DECREF(method);
    return answer;
}

/* A stream is pulled with the GIL held: its producer may be written in Python. */
static za_code read_stream(PyObject *capsule, za_table *table, za_error *error)
{
    struct ArrowArrayStream *stream = PyCapsule_GetPointer(capsule, "arrow_array_stream");
    return stream == NULL ? ZA_BAD_TYPE : za_arrow_read_stream(stream, table, error);
}

static za_code read_array(PyObject *pair, za_table *table, za_error *error)
{
    if (!PyTuple_Check(pair) || PyTuple_GET_SIZE(pair) != 2) {
        PyErr_SetString(PyExc_TypeError, "__arrow_c_array__ must return a pair of capsules");
        return ZA_BAD_TYPE;
    }
    struct ArrowSchema *schema = PyCapsule_GetPointer(PyTuple_GET_ITEM(pair, 0), "arrow_schema");
    struct ArrowArray *array = schema == NULL ? NULL : PyCapsule_GetPointer(PyTuple_GET_ITEM(pair, 1), "arrow_array");
    if (array == NULL) {
        return ZA_BAD_TYPE;
    }
    za_code code;
    Py_BEGIN_ALLOW_THREADS
    code = za_arrow_read_array(schema, array, table, error);
    Py_END_ALLOW_THREADS
    return code;
}

PyObject *za_read_arrow(PyObject *module, PyObject *data)
{
    (void)module;
    za_table table;
    za_error error = {.code = ZA_BAD_TYPE, .text = "not an Arrow object"};
    za_code (*reader)(PyObject *, za_table *, za_error *) = read_stream;
    PyObject *exported = export(data, "__arrow_c_stream__");
    if (exported == NULL && !PyErr_Occurred()) {
        exported = export(data, "__arrow_c_array__");
        reader = read_array;
    }
    if (exported == NULL) {
        return PyErr_Occurred() ? NULL
                                : PyErr_Format(PyExc_TypeError,
                                               "%.200s has neither __arrow_c_stream__ nor "
                                               "__arrow_c_array__",
                                               Py_TYPE(data)->tp_name);
    }
    za_code code = reader(exported, &table, &error);
    Py_DECREF(exported);
    if (code != ZA_OK) {
        return PyErr_Occurred() ? NULL : za_raise(&error);
    }
    PyObject *dict = PyErr_Occurred() ? NULL : table_object(&table); /* a producer that forgot its exception */
    za_table_free(&table);
    return dict;
}
