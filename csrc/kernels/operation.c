#include "kernels/operation.h"

#include <math.h>
#include <string.h>

static const za_operation_info rows[ZA_OPERATION_COUNT] = {
#define OPERATION(name, arguments, value)                {#name, arguments, false, false, 0.0},
#define MAPPED(name, arguments, value)                   {#name, arguments, true, false, 0.0},
#define RUNNING(name, arguments, initial, update, value) {#name, arguments, false, true, initial},
#include "kernels/operations.def"
#undef RUNNING
#undef MAPPED
#undef OPERATION
};

const za_operation_info *za_operation_info_of(za_operation operation)
{
    return &rows[operation];
}

za_operation za_operation_find(const char *name)
{
    int found = 0;
    while (found < ZA_OPERATION_COUNT && strcmp(rows[found].name, name) != 0) {
        ++found;
    }
    return (za_operation)found;
}
