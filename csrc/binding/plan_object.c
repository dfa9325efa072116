#include "binding/plan_object.h"

#include "base/memory.h"

static void *fail_missing(const za_plan_object *plan, int column)
{
    return PyErr_Format(PyExc_ValueError, "the store has no column %.200R", PyTuple_GET_ITEM(plan->columns, column));
}

int za_plan_check_figures(const za_plan_object *plan)
{
    for (int i = 0; i < za_plan_column_count(plan->plan); i++) {
        if (plan->figures[i] == ZA_FIGURE_COUNT) {
            (void)fail_missing(plan, i);
            return -1;
        }
    }
    return 0;
}

/* The place of `name` among the store's further columns, or how many there are. */
static int find_further(const za_store_object *store, PyObject *name)
{
    int count = (int)PyTuple_GET_SIZE(store->columns), at = 0;
    while (at < count && PyUnicode_Compare(PyTuple_GET_ITEM(store->columns, at), name) != 0) {
        at++;
    }
    return at;
}

int *za_plan_columns_of(const za_plan_object *plan, const za_store_object *store)
{
    int count = za_plan_column_count(plan->plan);
    int *columns = za_alloc((size_t)count, sizeof *columns);
    if (columns == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    for (int i = 0; i < count; i++) {
        int further = plan->figures[i] < ZA_FIGURE_COUNT ? 0 : find_further(store, PyTuple_GET_ITEM(plan->columns, i));
        if (further == PyTuple_GET_SIZE(store->columns) && plan->figures[i] == ZA_FIGURE_COUNT) {
            za_free(columns);
            return fail_missing(plan, i);
        }
        columns[i] = plan->figures[i] + further;
    }
    return columns;
}
