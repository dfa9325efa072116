/* Text for a person, the same in every locale: a program that has set one may write 28,3 for 28.3. */
#ifndef ZA_BASE_TEXT_H
#define ZA_BASE_TEXT_H

#include <stdarg.h>
#include <stddef.h>

#if defined(__GNUC__)
#define ZA_LIKE_PRINTF(sentence, first) __attribute__((format(printf, sentence, first)))
#else
#define ZA_LIKE_PRINTF(sentence, first)
#endif

/* snprintf and vsnprintf in the C locale; what comes back is the length of what was written, at most room - 1. `room`
 * is at least 1. */
ZA_LIKE_PRINTF(3, 4)
size_t za_print(char *text, size_t room, const char *format, ...);
ZA_LIKE_PRINTF(3, 0)
size_t za_print_list(char *text, size_t room, const char *format, va_list arguments);

enum { ZA_NUMBER_TEXT = 32 };

/* The shortest text of 15 to 17 digits that reads back as the same number: 165.6 and not 165.59999999999999. */
void za_number_text(double number, char text[ZA_NUMBER_TEXT]);

#endif
