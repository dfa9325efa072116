#include "binding/store_labels.h"

#include "binding/arguments.h"
#include "binding/convert.h"
#include "binding/types.h"

#include "base/memory.h"
#include "store/labels.h"

/* Symbol and label of an item at `position`; -1 with an exception raised. */
static int pair_of(PyObject *item, Py_ssize_t position, za_symbol *symbol, za_symbol *label)
{
    PyObject *key, *value;
    if (!PyTuple_Check(item) || PyTuple_GET_SIZE(item) != 2) {
        PyErr_SetString(PyExc_TypeError, "labels must be a mapping of symbols to labels");
        return -1;
    }
    key = PyTuple_GET_ITEM(item, 0);
    value = PyTuple_GET_ITEM(item, 1);
    if (!PyUnicode_Check(key)) {
        PyErr_Format(PyExc_TypeError, "the symbol at position %zd must be a str, not %.200s", position,
                     Py_TYPE(key)->tp_name);
        return -1;
    }
    if (!PyUnicode_Check(value)) {
        PyErr_Format(PyExc_TypeError, "%.200U: a label must be a str, not %.200R", key, value);
        return -1;
    }
    return za_symbol_of(key, symbol) < 0 || za_symbol_of(value, label) < 0 ? -1 : 0;
}

/* The set of a list of items; NULL with an exception raised. */
static za_labels *labels_of(za_symbol name, PyObject *items)
{
    size_t count = (size_t)PyList_GET_SIZE(items);
    za_symbol *symbols = za_alloc(count, sizeof *symbols), *texts = za_alloc(count, sizeof *texts);
    za_labels *labels = NULL;
    if (symbols == NULL || texts == NULL) {
        PyErr_NoMemory();
        goto done;
    }
    for (size_t i = 0; i < count; i++) {
        if (pair_of(PyList_GET_ITEM(items, i), (Py_ssize_t)i, &symbols[i], &texts[i]) < 0) {
            goto done;
        }
    }
    za_error error;
    labels = za_labels_new(name, symbols, texts, count, &error);
    if (labels == NULL) {
        (void)za_raise(&error);
    }
done:
    za_free(symbols);
    za_free(texts);
    return labels;
}

PyObject *za_store_set_labels_method(PyObject *self, PyObject *const *arguments, Py_ssize_t count)
{
    if (za_check_count("set_labels", count, 2) < 0) {
        return NULL;
    }
    za_symbol name;
    if (!PyUnicode_Check(arguments[0])) {
        return PyErr_Format(PyExc_TypeError, "the name of labels must be a str, not %.200s",
                            Py_TYPE(arguments[0])->tp_name);
    }
    if (za_symbol_of(arguments[0], &name) < 0) {
        return NULL;
    }
    if (name.length == 0 || strlen(name.text) != name.length) {
        PyErr_SetString(PyExc_ValueError, "the name of labels is empty or holds a NUL");
        return NULL;
    }
    PyObject *items = PyMapping_Items(arguments[1]);
    if (items == NULL) {
        if (PyErr_ExceptionMatches(PyExc_AttributeError) || PyErr_ExceptionMatches(PyExc_TypeError)) {
            PyErr_Format(PyExc_TypeError, "labels must be a mapping of symbols to labels, not %.200s",
                         Py_TYPE(arguments[1])->tp_name);
        }
        return NULL;
    }
    za_labels *labels = labels_of(name, items);
    Py_DECREF(items);
    if (labels == NULL) {
        return NULL;
    }
    za_store_put_labels(((za_store_object *)self)->store, labels);
    Py_RETURN_NONE;
}

static PyObject *text_of(const za_text_set *set, int32_t at)
{
    return PyUnicode_DecodeUTF8(set->texts[at], (Py_ssize_t)set->lengths[at], NULL);
}

/* {symbol: label}; equal labels are one object. */
static PyObject *dict_of(const za_labels *labels)
{
    PyObject *dict = PyDict_New(), *texts = PyTuple_New(labels->labels.count);
    int failed = dict == NULL || texts == NULL;
    for (int32_t i = 0; !failed && i < labels->labels.count; i++) {
        PyObject *text = text_of(&labels->labels, i);
        failed = text == NULL;
        PyTuple_SET_ITEM(texts, i, text);
    }
    for (int32_t i = 0; !failed && i < labels->symbols.count; i++) {
        PyObject *symbol = text_of(&labels->symbols, i);
        failed = symbol == NULL || PyDict_SetItem(dict, symbol, PyTuple_GET_ITEM(texts, labels->label_of[i])) < 0;
        Py_XDECREF(symbol);
    }
    Py_XDECREF(texts);
    if (failed) {
        Py_CLEAR(dict);
    }
    return dict;
}

PyObject *za_store_labels_method(PyObject *self, PyObject *unused)
{
    (void)unused;
    size_t count;
    za_labels **all = za_store_all_labels(((za_store_object *)self)->store, &count);
    if (all == NULL) {
        return PyErr_NoMemory();
    }
    PyObject *sets = PyDict_New();
    for (size_t i = 0; i < count; i++) {
        PyObject *dict = sets == NULL ? NULL : dict_of(all[i]);
        if (dict == NULL || PyDict_SetItemString(sets, all[i]->name, dict) < 0) {
            Py_CLEAR(sets);
        }
        Py_XDECREF(dict);
        za_labels_release(all[i]);
    }
    za_free(all);
    return sets;
}

PyObject *za_store_label_names_method(PyObject *self, PyObject *unused)
{
    (void)unused;
    size_t count;
    za_labels **all = za_store_all_labels(((za_store_object *)self)->store, &count);
    if (all == NULL) {
        return PyErr_NoMemory();
    }
    PyObject *names = PyTuple_New((Py_ssize_t)count);
    for (size_t i = 0; i < count; i++) {
        PyObject *name = names == NULL ? NULL : PyUnicode_FromString(all[i]->name);
        if (name == NULL) {
            Py_CLEAR(names);
        } else {
            PyTuple_SET_ITEM(names, (Py_ssize_t)i, name);
        }
        za_labels_release(all[i]);
    }
    za_free(all);
    return names;
}
