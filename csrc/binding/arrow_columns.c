/* Arrow objects through the PyCapsule protocol, as NumPy arrays. */
#include "binding/arrow_columns.h"

#include "base/memory.h"
#include "binding/arguments.h"
#include "binding/arrays.h"
#include "binding/convert.h"
#include "binding/types.h"

#include "store/arrow.h"

static void free_lender(PyObject *capsule)
{
    struct ArrowArray *lender = PyCapsule_GetPointer(capsule, NULL);
    lender->release(lender);
    za_free(lender);
}

/* Returns the object that keeps the memory of a lent chunk alive; takes it over. */
static PyObject *lender_of(za_column_chunk *chunk)
{
    struct ArrowArray *lender = za_alloc(1, sizeof *lender);
    PyObject *capsule = lender == NULL ? PyErr_NoMemory() : PyCapsule_New(lender, NULL, free_lender);
    if (capsule == NULL) {
        za_free(lender);
        return NULL;
    }
    *lender = chunk->lender;
    *chunk = (za_column_chunk){0};
    return capsule;
}

/* An array of the chunk's values, which it takes over. */
static PyObject *chunk_array(za_column_chunk *chunk, za_column_kind kind)
{
    static const int types[] = {[ZA_COLUMN_NUMBER] = NPY_DOUBLE,
                                [ZA_COLUMN_WHOLE] = NPY_INT64,
                                [ZA_COLUMN_UNSIGNED] = NPY_UINT64,
                                [ZA_COLUMN_TIME] = NPY_DATETIME,
                                [ZA_COLUMN_TEXT] = NPY_INT32};
    if (!za_column_chunk_is_lent(chunk)) {
        return za_array_owning(types[kind], &chunk->values, chunk->rows);
    }
    const void *values = chunk->values;
    int64_t rows = chunk->rows;
    PyObject *lender = lender_of(chunk);
    return lender == NULL ? NULL : za_array_lent(types[kind], values, rows, lender);
}

/* The array of a column's only chunk, or the list of those of its chunks. */
static PyObject *values_object(za_column *column)
{
    if (column->chunk_count == 1) {
        return chunk_array(&column->chunks[0], column->kind);
    }
    PyObject *arrays = PyList_New((Py_ssize_t)column->chunk_count);
    for (int64_t i = 0; arrays != NULL && i < column->chunk_count; i++) {
        PyObject *array = chunk_array(&column->chunks[i], column->kind);
        if (array == NULL) {
            Py_CLEAR(arrays);
        } else {
            PyList_SET_ITEM(arrays, (Py_ssize_t)i, array);
        }
    }
    return arrays;
}

/* Takes over the references; `first` may be NULL with an exception raised. */
static PyObject *pair_of(PyObject *first, PyObject *second)
{
    PyObject *pair = first == NULL ? NULL : PyTuple_Pack(2, first, second);
    Py_XDECREF(first);
    Py_DECREF(second);
    return pair;
}

/* (values, array of what is missing). */
static PyObject *with_missing(za_column *column)
{
    void *flags = column->missing;
    PyObject *missing = za_array_owning(NPY_BOOL, &flags, column->rows);
    column->missing = flags;
    return missing == NULL ? NULL : pair_of(values_object(column), missing);
}

static PyObject *texts_of(const za_column *column)
{
    PyObject *texts = PyList_New(column->text_count);
    for (int32_t i = 0; texts != NULL && i < column->text_count; i++) {
        PyObject *text = PyUnicode_DecodeUTF8(column->texts[i], (Py_ssize_t)column->text_lengths[i], NULL);
        if (text == NULL) {
            Py_CLEAR(texts);
        } else {
            PyList_SET_ITEM(texts, i, text);
        }
    }
    return texts;
}

/* (codes, texts). */
static PyObject *with_texts(za_column *column)
{
    PyObject *texts = texts_of(column);
    return texts == NULL ? NULL : pair_of(values_object(column), texts);
}

/* (row, sentence, values), which are None of a broken column. The sentence may have been cut in the middle of a
 * character. */
static PyObject *faulty_column(za_column *column)
{
    PyObject *values = column->kind == ZA_COLUMN_BROKEN ? Py_NewRef(Py_None) : values_object(column);
    PyObject *sentence = PyUnicode_DecodeUTF8(column->fault, (Py_ssize_t)strlen(column->fault), "replace");
    if (values == NULL || sentence == NULL) {
        Py_XDECREF(values);
        Py_XDECREF(sentence);
        return NULL;
    }
    return Py_BuildValue("LNN", (long long)column->fault_row, sentence, values);
}

/* The values, or (format, values) of those that had fewer digits before, or may have had more. */
static PyObject *numbers_of(za_column *column)
{
    const char *format = column->format;
    bool other = strcmp(format, "e") == 0 || strcmp(format, "f") == 0 || strncmp(format, "d:", 2) == 0;
    return other ? pair_of(PyUnicode_FromString(column->format), values_object(column)) : values_object(column);
}

/* Takes the values out of the column. */
static PyObject *column_object(za_column *column)
{
    switch (column->kind) {
    case ZA_COLUMN_NUMBER:
        return numbers_of(column);
    case ZA_COLUMN_TIME:
        return column->fault == NULL ? values_object(column) : faulty_column(column);
    case ZA_COLUMN_WHOLE:
    case ZA_COLUMN_UNSIGNED:
        return column->missing == NULL ? values_object(column) : with_missing(column);
    case ZA_COLUMN_BROKEN:
        return faulty_column(column);
    case ZA_COLUMN_TEXT:
        return with_texts(column);
    default:
        return PyUnicode_FromString(column->format);
    }
}

/* [(name, column), ...]: names may repeat. */
static PyObject *table_object(za_table *table)
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

/* The origin of the data: a stream, or an array. */
typedef struct source {
    struct ArrowArrayStream *stream; /* NULL: the array */
    struct ArrowArray array;         /* moved out of its capsule, so that nobody else can; released with the source */
    struct ArrowSchema of_stream;    /* released with the source */
    za_arrow_selection selection;
    bool *wanted; /* what the selection says, if it is not all */
} source;

static void source_release(source *from)
{
    if (from->of_stream.release != NULL) {
        from->of_stream.release(&from->of_stream);
    }
    if (from->array.release != NULL) {
        from->array.release(&from->array);
    }
    za_free(from->wanted);
}

static int source_of_stream(source *from, PyObject *capsule)
{
    za_code code;
    za_error error;
    from->stream = PyCapsule_GetPointer(capsule, "arrow_array_stream");
    if (from->stream == NULL) {
        return -1;
    }
    Py_BEGIN_ALLOW_THREADS
    code = za_arrow_read_schema(from->stream, &from->of_stream, &error);
    Py_END_ALLOW_THREADS
    if (code != ZA_OK && !PyErr_Occurred()) {
        (void)za_raise(&error);
    }
    from->selection.schema = &from->of_stream;
    return PyErr_Occurred() ? -1 : 0; /* a producer may forget its exception */
}

static int source_of_array(source *from, PyObject *pair)
{
    if (!PyTuple_Check(pair) || PyTuple_GET_SIZE(pair) != 2) {
        PyErr_SetString(PyExc_TypeError, "__arrow_c_array__ must return a pair of capsules");
        return -1;
    }
    from->selection.schema = PyCapsule_GetPointer(PyTuple_GET_ITEM(pair, 0), "arrow_schema");
    struct ArrowArray *array =
        from->selection.schema == NULL ? NULL : PyCapsule_GetPointer(PyTuple_GET_ITEM(pair, 1), "arrow_array");
    if (array == NULL) {
        return -1;
    }
    from->array = *array;
    array->release = NULL;
    return 0;
}

/* The names of the columns; of a schema that is broken as many as can be had, since the reading will say so. */
static PyObject *names_of(const struct ArrowSchema *schema)
{
    int64_t count = schema->release == NULL || schema->children == NULL ? 0 : schema->n_children;
    PyObject *names = PyList_New(0);
    for (int64_t i = 0; names != NULL && i < count; i++) {
        const char *name = schema->children[i] != NULL ? schema->children[i]->name : NULL;
        PyObject *text = PyUnicode_FromString(name != NULL ? name : "");
        if (text == NULL || PyList_Append(names, text) < 0) {
            Py_CLEAR(names);
        }
        Py_XDECREF(text);
    }
    return names;
}

/* Asks `wanted`, a function from the list of names to those that are to be decoded. */
static int choose(source *from, PyObject *wanted)
{
    PyObject *names = names_of(from->selection.schema);
    PyObject *chosen = names == NULL ? NULL : PyObject_CallOneArg(wanted, names);
    Py_ssize_t count = chosen == NULL ? 0 : PyList_GET_SIZE(names);
    int is_chosen = chosen == NULL ? -1 : 0;
    from->wanted = za_alloc_zeroed((size_t)count, sizeof *from->wanted);
    if (from->wanted == NULL) {
        PyErr_NoMemory();
        is_chosen = -1;
    }
    for (Py_ssize_t i = 0; is_chosen >= 0 && i < count; i++) {
        is_chosen = PySequence_Contains(chosen, PyList_GET_ITEM(names, i));
        from->wanted[i] = is_chosen > 0;
    }
    Py_XDECREF(chosen);
    Py_XDECREF(names);
    from->selection.wanted = from->wanted;
    return is_chosen < 0 ? -1 : 0;
}

/* With the GIL released: a producer in Python takes it for itself. */
static PyObject *read_source(source *from)
{
    za_table table;
    za_error error;
    za_code code;
    Py_BEGIN_ALLOW_THREADS
    code = from->stream != NULL ? za_arrow_read_stream(from->stream, from->selection, &table, &error)
                                : za_arrow_read_array(from->selection, &from->array, &table, &error);
    Py_END_ALLOW_THREADS
    if (code != ZA_OK) {
        return PyErr_Occurred() ? NULL : za_raise(&error);
    }
    PyObject *columns = PyErr_Occurred() ? NULL : table_object(&table); /* a producer that forgot its exception */
    za_table_free(&table);
    return columns;
}

PyObject *za_read_arrow(PyObject *module, PyObject *const *arguments, Py_ssize_t count)
{
    (void)module;
    if (za_check_count("read_arrow", count, 2) < 0) {
        return NULL;
    }
    PyObject *data = arguments[0], *columns = NULL;
    int (*open)(source *, PyObject *) = source_of_stream;
    PyObject *exported = export(data, "__arrow_c_stream__");
    if (exported == NULL && !PyErr_Occurred()) {
        exported = export(data, "__arrow_c_array__");
        open = source_of_array;
    }
    if (exported == NULL) {
        return PyErr_Occurred()
                   ? NULL
                   : PyErr_Format(PyExc_TypeError, "%.200s has neither __arrow_c_stream__ nor __arrow_c_array__",
                                  Py_TYPE(data)->tp_name);
    }
    source from = {0};
    if (open(&from, exported) == 0 && choose(&from, arguments[1]) == 0) {
        columns = read_source(&from);
    }
    source_release(&from);
    Py_DECREF(exported);
    return columns;
}
