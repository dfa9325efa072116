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

/* Returns the fault of one figure taken alone. */
static za_fault_kind figure_fault(za_figure figure, double value)
{
    if (!isfinite(value)) {
        return isnan(value) ? ZA_FAULT_NAN : ZA_FAULT_INFINITE;
    }
    if (figure == ZA_FIGURE_VOLUME) {
        return value < 0 ? ZA_FAULT_NEGATIVE : value > ZA_MOST_FIGURE ? ZA_FAULT_OUT_OF_RANGE : ZA_FAULT_NONE;
    }
    if (value <= 0) {
        return ZA_FAULT_NOT_POSITIVE;
    }
    return value < ZA_LEAST_PRICE || value > ZA_MOST_FIGURE ? ZA_FAULT_OUT_OF_RANGE : ZA_FAULT_NONE;
}

static bool is_above(double price, double other)
{
    return price > other && price - other > ZA_PRICE_TOLERANCE * price;
}

/* Returns the fault of a bar whose prices are positive. */
static za_fault order_fault(const za_bar *bar)
{
    static const za_figure inner[] = {ZA_FIGURE_OPEN, ZA_FIGURE_CLOSE};
    double low = bar->figure[ZA_FIGURE_LOW], high = bar->figure[ZA_FIGURE_HIGH];
    if (is_above(low, high)) {
        return (za_fault){.kind = ZA_FAULT_BELOW_LOW, .figure = ZA_FIGURE_HIGH};
    }
    for (size_t i = 0; i < sizeof inner / sizeof *inner; i++) {
        if (is_above(low, bar->figure[inner[i]])) {
            return (za_fault){.kind = ZA_FAULT_BELOW_LOW, .figure = inner[i]};
        }
        if (is_above(bar->figure[inner[i]], high)) {
            return (za_fault){.kind = ZA_FAULT_ABOVE_HIGH, .figure = inner[i]};
        }
    }
    return (za_fault){.kind = ZA_FAULT_NONE};
}

za_fault za_bar_fault(const za_bar *bar, bool ordered)
{
    if (bar->time == ZA_TIME_MISSING) {
        return (za_fault){.kind = ZA_FAULT_TIME_MISSING};
    }
    for (int i = 0; i < ZA_FIGURE_COUNT; i++) {
        za_fault fault = {.kind = figure_fault((za_figure)i, bar->figure[i]), .figure = (za_figure)i};
        if (fault.kind != ZA_FAULT_NONE) {
            return fault;
        }
    }
    return ordered ? order_fault(bar) : (za_fault){.kind = ZA_FAULT_NONE};
}

/* Comparisons alone, without a branch: several rows at a time. Each is false for NaN. */
bool za_rows_are_plain(const za_rows *rows)
{
    const double *open = rows->figure[ZA_FIGURE_OPEN], *high = rows->figure[ZA_FIGURE_HIGH];
    const double *low = rows->figure[ZA_FIGURE_LOW], *close = rows->figure[ZA_FIGURE_CLOSE];
    const double *volume = rows->figure[ZA_FIGURE_VOLUME];
    int64_t good = 0, later = 0;
    for (int64_t i = 0; i < rows->count; i++) {
        int inside = (low[i] <= open[i]) & (open[i] <= high[i]) & (low[i] <= close[i]) & (close[i] <= high[i]);
        int limits = (low[i] >= ZA_LEAST_PRICE) & (high[i] <= ZA_MOST_FIGURE);
        good += inside & limits & (volume[i] >= 0) & (volume[i] <= ZA_MOST_FIGURE);
    }
    for (int64_t i = 1; i < rows->count; i++) {
        later += rows->time[i] > rows->time[i - 1];
    }
    return good == rows->count && later == rows->count - 1 && rows->time[0] != ZA_TIME_MISSING;
}

za_fault za_time_fault(int64_t time, int64_t previous)
{
    return (za_fault){.kind = time > previous    ? ZA_FAULT_NONE
                              : time == previous ? ZA_FAULT_TIME_REPEATED
                                                 : ZA_FAULT_TIME_BEFORE};
}

void za_fault_reason(za_fault fault, char text[ZA_REASON_TEXT])
{
    static const char *const sentences[ZA_FAULT_COUNT] = {
        [ZA_FAULT_NONE] = "",
        [ZA_FAULT_TIME_MISSING] = "timestamp is missing or no time",
        [ZA_FAULT_NAN] = "is missing or no number",
        [ZA_FAULT_INFINITE] = "is not finite",
        [ZA_FAULT_NOT_POSITIVE] = "is not positive",
        [ZA_FAULT_NEGATIVE] = "is negative",
        [ZA_FAULT_OUT_OF_RANGE] = "is out of range",
        [ZA_FAULT_BELOW_LOW] = "is below low",
        [ZA_FAULT_ABOVE_HIGH] = "is above high",
        [ZA_FAULT_TIME_REPEATED] = "timestamp is the same as that of the bar before",
        [ZA_FAULT_TIME_BEFORE] = "timestamp is before that of the bar before",
    };
    bool of_figure = fault.kind >= ZA_FAULT_NAN && fault.kind <= ZA_FAULT_ABOVE_HIGH;
    (void)za_print(text, ZA_REASON_TEXT, "%s%s%s", of_figure ? za_figure_name(fault.figure) : "", of_figure ? " " : "",
                   sentences[fault.kind]);
}

/* Returns the part of a sentence behind the value of the figure; the limits' own values go behind it. */
static const char *figure_sentence(za_fault fault)
{
    switch (fault.kind) {
    case ZA_FAULT_NOT_POSITIVE:
        return "is not positive";
    case ZA_FAULT_NEGATIVE:
        return "is negative";
    case ZA_FAULT_OUT_OF_RANGE:
        return fault.figure == ZA_FIGURE_VOLUME ? "is above 1e100" : "is out of the range of prices, 1e-100 to 1e100";
    case ZA_FAULT_BELOW_LOW:
        return "is below low ";
    case ZA_FAULT_ABOVE_HIGH:
        return "is above high ";
    default:
        return "is not finite";
    }
}

za_code za_bar_check(const za_bar *bar, bool ordered, za_symbol symbol, int64_t row, za_error *error)
{
    za_fault fault = za_bar_fault(bar, ordered);
    if (fault.kind == ZA_FAULT_NONE) {
        return ZA_OK;
    }
    char where[WHERE_TEXT], value[ZA_NUMBER_TEXT], limit[ZA_NUMBER_TEXT] = "";
    say_where(where, symbol, row);
    if (fault.kind == ZA_FAULT_TIME_MISSING) {
        return za_fail(error, ZA_BAD_VALUE, "%s: timestamp is missing (NaT or null)", where);
    }
    if (fault.kind == ZA_FAULT_NAN) {
        return za_fail(error, ZA_BAD_VALUE, "%s: %s is missing (NaN or None)", where, za_figure_name(fault.figure));
    }
    za_number_text(bar->figure[fault.figure], value);
    if (fault.kind == ZA_FAULT_BELOW_LOW || fault.kind == ZA_FAULT_ABOVE_HIGH) {
        za_number_text(bar->figure[fault.kind == ZA_FAULT_BELOW_LOW ? ZA_FIGURE_LOW : ZA_FIGURE_HIGH], limit);
    }
    return za_fail(error, ZA_BAD_VALUE, "%s: %s %s %s%s", where, za_figure_name(fault.figure), value,
                   figure_sentence(fault), limit);
}

za_code za_bar_check_time(int64_t time, int64_t previous, za_symbol symbol, int64_t row, za_error *error)
{
    za_fault fault = za_time_fault(time, previous);
    if (fault.kind == ZA_FAULT_NONE) {
        return ZA_OK;
    }
    char where[WHERE_TEXT], text[ZA_TIME_TEXT], before[ZA_TIME_TEXT];
    say_where(where, symbol, row);
    za_time_text(time, text);
    za_time_text(previous, before);
    return za_fail(error, ZA_BAD_VALUE, "%s: timestamp %s is %s %s", where, text,
                   fault.kind == ZA_FAULT_TIME_REPEATED ? "the same as that of the bar before,"
                                                        : "before that of the last bar,",
                   before);
}
