#include "store/bars.h"

#include <math.h>

#include "base/clock.h"
#include "base/text.h"

enum { MOST_SHOWN = 64, WHERE_TEXT = 120 };

int za_symbol_shown(za_symbol symbol)
{
    size_t length = symbol.length < MOST_SHOWN ? symbol.length : MOST_SHOWN;
    while (length < symbol.length && length > 0 && ((unsigned char)symbol.text[length] & 0xc0) == 0x80) {
        length--; /* what follows would go on with a character */
    }
    return (int)length;
}

za_bar za_rows_bar(const za_rows *rows, int64_t row)
{
    za_bar bar = {.time = rows->time[row]};
    for (int i = 0; i < ZA_FIGURE_COUNT; i++) {
        bar.figure[i] = rows->figure[i][row];
    }
    return bar;
}

/* "AAPL, row 17", or "AAPL" alone. */
static void say_where(char text[WHERE_TEXT], za_symbol symbol, int64_t row)
{
    int length = za_symbol_shown(symbol);
    if (row < 0) {
        (void)za_print(text, WHERE_TEXT, "%.*s", length, symbol.text);
    } else {
        (void)za_print(text, WHERE_TEXT, "%.*s, row %lld", length, symbol.text, (long long)row);
    }
}

/* What is wrong with one figure taken alone, or NULL. */
static const char *figure_fault(za_figure figure, double value)
{
    if (!isfinite(value)) {
        return "is not finite";
    }
    if (figure == ZA_FIGURE_VOLUME) {
        return value < 0 ? "is negative" : value > ZA_MOST_FIGURE ? "is above 1e100" : NULL;
    }
    if (value <= 0) {
        return "is not positive";
    }
    return value < ZA_LEAST_PRICE || value > ZA_MOST_FIGURE ? "is out of the range of prices, 1e-100 to 1e100" : NULL;
}

/* Open or close against the bar's range. */
static za_code check_within_range(const za_bar *bar, za_figure figure, const char *where, za_error *error)
{
    double value = bar->figure[figure], low = bar->figure[ZA_FIGURE_LOW], high = bar->figure[ZA_FIGURE_HIGH];
    if (value < low) {
        return za_fail(error, ZA_BAD_VALUE, "%s: %s %.17g is below low %.17g", where, za_figure_name(figure), value,
                       low);
    }
    if (value > high) {
        return za_fail(error, ZA_BAD_VALUE, "%s: %s %.17g is above high %.17g", where, za_figure_name(figure), value,
                       high);
    }
    return ZA_OK;
}

za_code za_bar_check(const za_bar *bar, bool ordered, za_symbol symbol, int64_t row, za_error *error)
{
    char where[WHERE_TEXT];
    if (bar->time == ZA_TIME_MISSING) {
        say_where(where, symbol, row);
        return za_fail(error, ZA_BAD_VALUE, "%s: timestamp is missing (NaT or null)", where);
    }
    for (int i = 0; i < ZA_FIGURE_COUNT; i++) {
        const char *fault = figure_fault((za_figure)i, bar->figure[i]);
        if (fault != NULL) {
            say_where(where, symbol, row);
            return za_fail(error, ZA_BAD_VALUE, "%s: %s %.17g %s", where, za_figure_name((za_figure)i), bar->figure[i],
                           fault);
        }
    }
    if (!ordered) {
        return ZA_OK;
    }
    double low = bar->figure[ZA_FIGURE_LOW], high = bar->figure[ZA_FIGURE_HIGH];
    double open = bar->figure[ZA_FIGURE_OPEN], close = bar->figure[ZA_FIGURE_CLOSE];
    if (low <= open && open <= high && low <= close && close <= high) {
        return ZA_OK;
    }
    say_where(where, symbol, row);
    if (high < low) {
        return za_fail(error, ZA_BAD_VALUE, "%s: high %.17g is below low %.17g", where, high, low);
    }
    za_code code = check_within_range(bar, ZA_FIGURE_OPEN, where, error);
    return code != ZA_OK ? code : check_within_range(bar, ZA_FIGURE_CLOSE, where, error);
}

za_code za_bar_check_time(int64_t time, int64_t previous, za_symbol symbol, int64_t row, za_error *error)
{
    if (time > previous) {
        return ZA_OK;
    }
    char where[WHERE_TEXT], text[ZA_TIME_TEXT], before[ZA_TIME_TEXT];
    say_where(where, symbol, row);
    za_time_text(time, text);
    za_time_text(previous, before);
    return za_fail(error, ZA_BAD_VALUE, "%s: timestamp %s is %s %s", where, text,
                   time == previous ? "the same as that of the bar before," : "before that of the last bar,", before);
}
