/* Runs of rows of one Arrow array, as its decoders see them. */
#ifndef ZA_STORE_ARROW_ROWS_H
#define ZA_STORE_ARROW_ROWS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "store/arrow_data.h"

/* Rows of a column are counted in int64_t and addressed in bytes, at most 16 a row. */
#define ZA_MOST_ROWS (INT64_MAX / 16)

/* Rows [first, first + count) of one array, counted with its offset. */
typedef struct za_arrow_rows {
    const struct ArrowArray *array;
    int64_t first, count;
    const uint8_t *valid; /* bitmap over the whole buffer; NULL: no nulls */
    const char *column;   /* for errors: "column close, row 7" */
    const char *unit;     /* "row" or "dictionary value" */
    int64_t counted_from; /* number of the first row in errors */
    int64_t *fault_row;   /* where the number of a row at fault is left; NULL: these are no rows of the table */
} za_arrow_rows;

/* Sets what of `rows` depends on the array; `rows` has its names and counting already, and its first and count without
 * the array's own offset. `nullable`: the array's layout has a bitmap of nulls. */
za_code za_arrow_rows_select(za_arrow_rows *rows, const struct ArrowArray *array, bool nullable, za_error *error);
/* ZA_BAD_VALUE with "column close: <fault>". */
za_code za_arrow_fail_column(const char *column, const char *fault, za_error *error);
/* ZA_BAD_VALUE with "column close, row 7: <fault>", for row `i` of `rows`. */
za_code za_arrow_rows_fail(const za_arrow_rows *rows, int64_t i, const char *fault, za_error *error);
/* ZA_BAD_VALUE if `array` has not the `buffers` that its type needs. */
za_code za_arrow_rows_need(const za_arrow_rows *rows, int64_t buffers, za_error *error);

static inline bool za_arrow_rows_bit(const uint8_t *bits, int64_t at)
{
    return (bits[at >> 3] >> (at & 7) & 1) != 0;
}

static inline bool za_arrow_rows_null(const za_arrow_rows *rows, int64_t i)
{
    return rows->valid != NULL && !za_arrow_rows_bit(rows->valid, rows->first + i);
}

#endif
