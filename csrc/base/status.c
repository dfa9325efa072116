#include "base/status.h"

#include <stdarg.h>
#include <string.h>

za_code za_fail(za_error *error, za_code code, const char *format, ...)
{
    if (error != NULL) {
        va_list arguments;
        va_start(arguments, format);
        error->code = code;
        (void)za_print_list(error->text, sizeof error->text, format, arguments);
        va_end(arguments);
        /* Callers' names may hold control characters, which are not to reach a log: U+0080 to U+009F too, in UTF-8. */
        for (unsigned char *byte = (unsigned char *)error->text; *byte != '\0'; byte++) {
            if (byte[0] == 0xc2 && byte[1] >= 0x80 && byte[1] < 0xa0) {
                byte[0] = byte[1] = '?';
            } else if (*byte < ' ' || *byte == 0x7f) {
                *byte = '?';
            }
        }
    }
    return code;
}

void za_append_sentence(za_error *error, const char *sentence)
{
    if (error != NULL) {
        size_t length = strlen(error->text);
        (void)za_print(error->text + length, sizeof error->text - length, "; %s", sentence);
    }
}

za_code za_fail_memory(za_error *error)
{
    return za_fail(error, ZA_NO_MEMORY, "out of memory");
}
