#include "base/text.h"

#include <locale.h>
#include <pthread.h>
#include <stdio.h>
#if defined(__APPLE__)
#include <xlocale.h>
#endif

static locale_t c_locale; /* made once, kept for ever; 0 if that failed */

static void make_c_locale(void)
{
    c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
}

size_t za_print_list(char *text, size_t room, const char *format, va_list arguments)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)pthread_once(&once, make_c_locale);
    locale_t before = c_locale != (locale_t)0 ? uselocale(c_locale) : (locale_t)0; /* of this thread alone */
    int length = vsnprintf(text, room, format, arguments);
    if (before != (locale_t)0) {
        (void)uselocale(before);
    }
    if (length < 0) {
        text[0] = '\0';
        return 0;
    }
    return (size_t)length < room ? (size_t)length : room - 1;
}

size_t za_print(char *text, size_t room, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    size_t length = za_print_list(text, room, format, arguments);
    va_end(arguments);
    return length;
}
