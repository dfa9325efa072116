#include "binding/plan_others.h"

#include "binding/arrays.h"

#include "base/memory.h"
#include "binding/convert.h"
#include "store/labels.h"

static int allocate(const za_plan_object *plan, za_plan_others *others)
{
    size_t tickers = (size_t)PyTuple_GET_SIZE(plan->tickers), labels = (size_t)PyTuple_GET_SIZE(plan->labels);
    *others = (za_plan_others){.labels = za_alloc_zeroed(labels, sizeof *others->labels)};
    others->others = (za_others){.count = tickers, .labels = others->labels};
    if (others->labels == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    return 0;
}

static int take_labels(const za_plan_object *plan, za_asked_tickers asked, za_plan_others *others)
{
    Py_ssize_t count = PyTuple_GET_SIZE(plan->labels);
    others->codes = za_alloc((size_t)count * asked.count, sizeof *others->codes);
    if (others->codes == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        za_symbol name;
        za_error error;
        if (za_symbol_of(PyTuple_GET_ITEM(plan->labels, i), &name) < 0) {
            return -1;
        }
        za_labels *labels = za_store_labels(asked.store, name, &error);
        if (labels == NULL) {
            (void)za_raise(&error);
            return -1;
        }
        int32_t *codes = others->codes + (size_t)i * asked.count;
        za_labels_codes(labels, asked.symbols, asked.count, codes);
        others->labels[i] = (za_label_codes){.codes = codes, .count = (size_t)labels->labels.count};
        za_labels_release(labels);
    }
    return 0;
}

int za_others_of_store(const za_plan_object *plan, za_asked_tickers asked, za_plan_others *others)
{
    if (allocate(plan, others) < 0) {
        return -1;
    }
    others->symbols = za_asked_symbols_of(plan->tickers);
    others->others.symbols = others->symbols;
    return others->symbols == NULL ? -1 : take_labels(plan, asked, others);
}

static int take_groups(const za_table_others *given, za_plan_others *others)
{
    Py_ssize_t count = PyTuple_GET_SIZE(given->groups);
    if (count != (Py_ssize_t)others->others.count) {
        PyErr_Format(PyExc_ValueError, "the plan reads %zu other groups, not %zd", others->others.count, count);
        return -1;
    }
    others->groups = za_alloc((size_t)count, sizeof *others->groups);
    if (others->groups == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    others->others.groups = others->groups;
    for (Py_ssize_t i = 0; i < count; i++) {
        others->groups[i] = PyLong_AsLongLong(PyTuple_GET_ITEM(given->groups, i));
        if (others->groups[i] < 0 || others->groups[i] >= given->count) {
            if (!PyErr_Occurred()) {
                PyErr_Format(PyExc_ValueError, "there is no group %lld", (long long)others->groups[i]);
            }
            return -1;
        }
    }
    return 0;
}

/* One more than the greatest code. */
static size_t count_codes(const int32_t *codes, Py_ssize_t rows)
{
    int32_t most = -1;
    for (Py_ssize_t row = 0; row < rows; row++) {
        most = codes[row] > most ? codes[row] : most;
    }
    return (size_t)(most + 1);
}

static int take_row_codes(const za_plan_object *plan, const za_table_others *given, za_plan_others *others)
{
    Py_ssize_t count = PyTuple_GET_SIZE(given->labels);
    if (count != PyTuple_GET_SIZE(plan->labels)) {
        PyErr_Format(PyExc_ValueError, "the plan reads %zd columns of labels, not %zd", PyTuple_GET_SIZE(plan->labels),
                     count);
        return -1;
    }
    others->arrays = PyTuple_New(count);
    for (Py_ssize_t i = 0; others->arrays != NULL && i < count; i++) {
        PyObject *array = PyArray_FROM_OTF(PyTuple_GET_ITEM(given->labels, i), NPY_INT32, NPY_ARRAY_IN_ARRAY);
        if (array == NULL) {
            return -1;
        }
        PyTuple_SET_ITEM(others->arrays, i, array);
        if (PyArray_SIZE((PyArrayObject *)array) != given->rows) {
            PyErr_SetString(PyExc_ValueError, "there must be a label for each row");
            return -1;
        }
        const int32_t *codes = PyArray_DATA((PyArrayObject *)array);
        others->labels[i] = (za_label_codes){.codes = codes, .count = count_codes(codes, given->rows)};
    }
    return others->arrays == NULL ? -1 : 0;
}

int za_others_of_table(const za_plan_object *plan, const za_table_others *given, za_plan_others *others)
{
    return allocate(plan, others) < 0 || take_groups(given, others) < 0 || take_row_codes(plan, given, others) < 0 ? -1
                                                                                                                   : 0;
}

void za_others_release(za_plan_others *others)
{
    za_free(others->symbols);
    za_free(others->groups);
    za_free(others->labels);
    za_free(others->codes);
    Py_CLEAR(others->arrays);
}
