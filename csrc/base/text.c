#include "base/text.h"

#include <locale.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#if defined(__APPLE__)
#include <xlocale.h>
#endif

static locale_t c_locale; /* made once, kept for ever; 0 if that failed */

static void make_c_locale(void)
{
    c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
}

/* The C locale for this thread alone; returns what was there, for leave_c_locale. */
static locale_t enter_c_locale(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)pthread_once(&once, make_c_locale);
    return c_locale != (locale_t)0 ? uselocale(c_locale) : (locale_t)0;
}

static void leave_c_locale(locale_t before)
{
    if (before != (locale_t)0) {
        (void)uselocale(before);
    }
}

size_t za_print_list(char *text, size_t room, const char *format, va_list arguments)
{
    locale_t before = enter_c_locale();
    int length = vsnprintf(text, room, format, arguments);
    leave_c_locale(before);
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

void za_number_text(double number, char text[ZA_NUMBER_TEXT])
{
    locale_t before = enter_c_locale();
    for (int digits = 15; digits <= 17; digits++) {
        (void)snprintf(text, ZA_NUMBER_TEXT, "%.*g", digits, number);
        if (strtod(text, NULL) == number) {
            break;
        }
    }
    leave_c_locale(before);
}
