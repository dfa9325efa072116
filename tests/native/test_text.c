/* Figures are written with a point, whatever the program's locale writes. */
#include <locale.h>
#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/status.h"
#include "base/text.h"
#include "check.h"

static void test_room(void)
{
    char text[8];
    CHECK(za_print(text, sizeof text, "%d", 1234567) == 7 && strcmp(text, "1234567") == 0);
    CHECK(za_print(text, sizeof text, "%d", 12345678) == 7 && strcmp(text, "1234567") == 0);
    CHECK(za_print(text, 1, "%s", "x") == 0 && text[0] == '\0');
}

static void check_number(double number, const char *expected)
{
    char text[ZA_NUMBER_TEXT];
    za_number_text(number, text);
    CHECK(strcmp(text, expected) == 0);
}

static void check_figures(void)
{
    check_number(165.6, "165.6");
    check_number(0.1, "0.1");
    check_number(-1.0, "-1");
    check_number(1e100, "1e+100");
    check_number(1.0 / 3.0, "0.3333333333333333");
    check_number(62.866765000000001, "62.866765");
    check_number(62.866765000000008, "62.86676500000001");
    check_number((double)INFINITY, "inf");
    char text[ZA_TIME_TEXT];
    za_error error;
    CHECK(za_print(text, sizeof text, "%.1f %g", 28.3, 1e-5) == 10 && strcmp(text, "28.3 1e-05") == 0);
    CHECK(za_fail(&error, ZA_BAD_VALUE, "close %.17g", 0.5) == ZA_BAD_VALUE && strcmp(error.text, "close 0.5") == 0);
    za_time_text(1500000000500000000, text);
    CHECK(strcmp(text, "2017-07-14T02:40:00.500000+00:00") == 0);
}

/* Whether a locale that writes a comma is set now. */
static bool set_comma(void)
{
    static const char *const names[] = {"de_DE.UTF-8", "de_DE.utf8", "de_DE", "fr_FR.UTF-8", "fr_FR", "es_ES.UTF-8"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (setlocale(LC_ALL, names[i]) != NULL && strcmp(localeconv()->decimal_point, ",") == 0) {
            return true;
        }
    }
    return false;
}

int main(void)
{
    test_room();
    check_figures();
    if (set_comma()) {
        char text[8];
        check_figures();
        CHECK(snprintf(text, sizeof text, "%.1f", 0.5) == 3 && strcmp(text, "0,5") == 0); /* and it is set still */
    } else {
        (void)printf("text: no locale that writes a comma is installed: not tried with one\n");
    }
    return check_report("text");
}
