#include "binding/plan_object.h"

int za_plan_check_store(const za_plan_object *plan)
{
    for (int i = 0; i < za_plan_column_count(plan->plan); i++) {
        if (plan->figures[i] == ZA_FIGURE_COUNT) {
            PyErr_Format(PyExc_ValueError, "the store has no column %R", PyTuple_GET_ITEM(plan->columns, i));
            return -1;
        }
    }
    return 0;
}
