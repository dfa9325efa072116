/* Arrow objects through the PyCapsule protocol, as NumPy arrays. */
#include "binding/arrow_columns.h"

#include "binding/arrays.h"
#include "binding/convert.h"
#include "binding/types.h"

#include "store/arrow.h"

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

/* An array, or (array, array of what is missing). */
static PyObject *whole_column(const za_column *column)
{
    int type = column->kind == ZA_COLUMN_UNSIGNED ? NPY_UINT64 : NPY_INT64;
    PyObject *values = za_array_of(type, column->integers, column->rows);
    if (values == NULL || column->missing == NULL) {
        return values;
    }
    PyObject *missing = za_array_of(NPY_BOOL, column->missing, column->rows);
    PyObject *pair = missing == NULL ? NULL : PyTuple_Pack(2, values, missing);
    Py_DECREF(values);
    Py_XDECREF(missing);
    return pair;
}

/* (row, sentence). The sentence may have been cut in the middle of a character. */
static PyObject *broken_column(const za_column *column)
{
    PyObject *sentence = PyUnicode_DecodeUTF8(column->fault, (Py_ssize_t)strlen(column->fault), "replace");
    return sentence == NULL ? NULL : Py_BuildValue("LN", (long long)column->fault_row, sentence);
}

static PyObject *column_object(const za_column *column)
{
    switch (column->kind) {
    case ZA_COLUMN_NUMBER:
        return za_array_of(NPY_DOUBLE, column->numbers, column->rows);
    case ZA_COLUMN_WHOLE:
    case ZA_COLUMN_UNSIGNED:
        return whole_column(column);
    case ZA_COLUMN_BROKEN:
        return broken_column(column);
    case ZA_COLUMN_TIME:
        return za_array_of_times(column->integers, column->rows);
    case ZA_COLUMN_TEXT:
        return text_column(column);
    default:
        return PyUnicode_FromString(column->format);
    }
}

/* [(name, column), ...]: names may repeat. */
static PyObject *table_object(const za_table *table)
{
    PyObject *list = PyList_New((Py_ssize_t)table->column_count);
    for (int64_t i = 0; list != NULL && i < table->column_count; i++) {
        PyObject *column = column_object(&table->columns[i]);
        PyObject *pair = column == NULL ? NULL : Py_BuildValue("sN", table->columns[i].name, column);
        if (pair == NULL) {
            Py_CLEAR(list);
        } else {
            PyList_SET_ITEM(list, (Py_ssize_t)i, pair);
        }
    }
    return list;
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
    PyObject *columns = PyErr_Occurred() ? NULL : table_object(&table); /* a producer that forgot its exception */
    za_table_free(&table);
    return columns;
}
