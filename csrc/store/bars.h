/* Bars as rows of columns, and what makes a bar a bar. */
#ifndef ZA_STORE_BARS_H
#define ZA_STORE_BARS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "kernels/catalog.h"

/* A bar's figures, in the order in which every column array of the engine holds them: the columns of a kernel that
 * everybody has. */
typedef enum za_figure {
    ZA_FIGURE_OPEN = ZA_OPEN,
    ZA_FIGURE_HIGH = ZA_HIGH,
    ZA_FIGURE_LOW = ZA_LOW,
    ZA_FIGURE_CLOSE = ZA_CLOSE,
    ZA_FIGURE_VOLUME = ZA_VOLUME,
    ZA_FIGURE_COUNT
} za_figure;

static inline const char *za_figure_name(za_figure figure)
{
    return za_field_name((za_field)figure);
}

/* A symbol's name: `length` bytes of UTF-8, NUL not needed. */
typedef struct za_symbol {
    const char *text;
    size_t length;
} za_symbol;

typedef struct za_bar {
    int64_t time; /* nanoseconds since 1970 UTC */
    bool naive;   /* it was told without a time zone: a symbol remembers that of its last bar, to answer in kind */
    double figure[ZA_FIGURE_COUNT];
    const double *further; /* borrowed: what the further columns of its store hold; NULL: NaN in all of them */
} za_bar;

/* Borrowed columns of `count` rows. Further column j is further[j * stride ...]. */
typedef struct za_rows {
    const int64_t *time;
    const double *figure[ZA_FIGURE_COUNT];
    const double *further;
    int64_t stride, count;
} za_rows;

/* The figures, then the further columns. */
static inline const double *za_rows_column(const za_rows *rows, int column)
{
    return column < ZA_FIGURE_COUNT ? rows->figure[column] : rows->further + (column - ZA_FIGURE_COUNT) * rows->stride;
}

/* Bytes of a symbol that a sentence shows, for %.*s: 64 at most, and no character cut in two. */
int za_symbol_shown(za_symbol symbol);

/* Indices and gauges have names that begin so: nobody trades them, and they do not count in a market's breadth. */
static inline bool za_symbol_is_index(za_symbol symbol)
{
    return symbol.length > 0 && symbol.text[0] == '^';
}

/* Times of missing values (NaT). */
#define ZA_TIME_MISSING INT64_MIN

/* Prices outside of [1e-100, 1e100] and volumes above 1e100 are refused: their squares and products would overflow, and
 * finite bars could then give features that are not. */
#define ZA_LEAST_PRICE 1e-100
#define ZA_MOST_FIGURE 1e100

/* The row `row` of `rows`, without its further columns. */
za_bar za_rows_bar(const za_rows *rows, int64_t row);

/* Prices of one bar that are apart by at most this part of themselves count as equal: adjusting multiplies each by the
 * same factor, and rounds each by itself. */
#define ZA_PRICE_TOLERANCE 1e-9

typedef enum za_fault_kind {
    ZA_FAULT_NONE,
    ZA_FAULT_TIME_MISSING,
    ZA_FAULT_NAN,
    ZA_FAULT_INFINITE,
    ZA_FAULT_NOT_POSITIVE,
    ZA_FAULT_NEGATIVE,
    ZA_FAULT_OUT_OF_RANGE,
    ZA_FAULT_BELOW_LOW,
    ZA_FAULT_ABOVE_HIGH,
    ZA_FAULT_TIME_REPEATED,
    ZA_FAULT_TIME_BEFORE,
    ZA_FAULT_COUNT
} za_fault_kind;

/* The first thing that is wrong with a bar; `figure` is the figure at fault, where it is one. */
typedef struct za_fault {
    za_fault_kind kind;
    za_figure figure;
} za_fault;

/* A bar is finite, its prices positive, its volume not negative and, for an ordered calendar, low <= open, close <=
 * high within ZA_PRICE_TOLERANCE. */
za_fault za_bar_fault(const za_bar *bar, bool ordered);
/* Returns whether all rows are plainly the bars of an ordered calendar, one later than the other. Other rows may still
 * be bars, with prices that are apart within the tolerance. */
bool za_rows_are_plain(const za_rows *rows);
/* Whether `time` is not later than `previous`. */
za_fault za_time_fault(int64_t time, int64_t previous);

enum { ZA_REASON_TEXT = 80 };

/* "close is not positive": what rows that have this fault have in common. */
void za_fault_reason(za_fault fault, char text[ZA_REASON_TEXT]);

/* ZA_OK for a bar without fault; else ZA_BAD_VALUE naming symbol, row (left out if negative), column and value. */
za_code za_bar_check(const za_bar *bar, bool ordered, za_symbol symbol, int64_t row, za_error *error);

/* ZA_OK if `time` is later than `previous`; else ZA_BAD_VALUE naming symbol, row and both times. */
za_code za_bar_check_time(int64_t time, int64_t previous, za_symbol symbol, int64_t row, za_error *error);

#endif
