#include "base/status.h"

#include <stdarg.h>

za_code za_fail(za_error *error, za_code code, const char *format, ...)
{
    if (error != NULL) {
        va_list arguments;
        va_start(arguments, format);
        error->code = code;
        (void)za_print_list(error->text, sizeof error->text, format, arguments);
        va_end(arguments);
    }
    return code;
}

za_code za_fail_memory(za_error *error)
{
    return za_fail(error, ZA_NO_MEMORY, "out of memory");
}
