#include "plan/node_names.h"

#include <string.h>

#include "kernels/operation.h"
#include "plan/calendar.h"

za_node_kind za_node_kind_find(const char *name)
{
    static const char *const names[ZA_NODE_KIND_COUNT] = {"column",    "constant", "kernel", "output",
                                                          "operation", "lag",      "skip",   "calendar"};
    int found = 0;
    while (found < ZA_NODE_KIND_COUNT && strcmp(name, names[found]) != 0) {
        found++;
    }
    return (za_node_kind)found;
}

static int calendar_find(const char *name)
{
    int found = 0;
    while (found < ZA_CALENDAR_COUNT && strcmp(name, za_calendar_name((za_calendar_field)found)) != 0) {
        found++;
    }
    return found;
}

int za_node_which(za_node_kind kind, const char *name, const za_params *params)
{
    switch (kind) {
    case ZA_NODE_KERNEL:
        return (int)za_indicator_find(name);
    case ZA_NODE_OPERATION:
        return (int)za_operation_find(name);
    case ZA_NODE_CALENDAR:
        return calendar_find(name);
    case ZA_NODE_COLUMN:
    case ZA_NODE_OUTPUT:
        return params->value[0] >= 0.0 && params->value[0] < 1e6 ? (int)params->value[0] : -1;
    default:
        return 0;
    }
}
