/* A column in the making: batch after batch of Arrow arrays is decoded and appended to it. Private to the Arrow reader.
 */
#ifndef ZA_STORE_ARROW_COLUMN_H
#define ZA_STORE_ARROW_COLUMN_H

#include <stdbool.h>
#include <stdint.h>

#include "store/arrow.h"
#include "store/arrow_type.h"
#include "store/text_set.h"

typedef struct za_arrow_column {
    za_column column;    /* `texts` stay in `texts` below until the column is finished */
    za_arrow_type type;  /* of the values; of the dictionary's, where there is one */
    za_arrow_type index; /* of the indices into the dictionary */
    bool encoded;        /* has a dictionary */
    int64_t room;        /* rows allocated */
    za_text_set texts;
} za_arrow_column;

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

/* Takes name and format from `schema` and makes an empty column; on failure there is nothing to free. */
za_code za_arrow_column_begin(za_arrow_column *column, const struct ArrowSchema *schema, za_error *error);
/* Appends rows [first, first + count) of `array`, counted without its own offset; rows that cannot be read break the
 * column, which is no failure. ZA_NO_MEMORY: the column can only be freed. */
za_code za_arrow_column_append(za_arrow_column *column, const struct ArrowArray *array, int64_t first, int64_t count,
                               za_error *error);
/* Moves what was decoded into `*result`; the column is then empty. */
void za_arrow_column_finish(za_arrow_column *column, za_column *result);
void za_arrow_column_free(za_arrow_column *column);

/* ZA_BAD_VALUE with "column close, row 7: <fault>", for row `i` of `rows`. */
za_code za_arrow_rows_fail(const za_arrow_rows *rows, int64_t i, const char *fault, za_error *error);
/* ZA_BAD_VALUE if `array` has not the `buffers` that its type needs. */
za_code za_arrow_rows_need(const za_arrow_rows *rows, int64_t buffers, za_error *error);

/* Rows that are indices into a dictionary: one for each row, inside of the dictionary where the row is not null. */
typedef struct za_arrow_coded {
    za_arrow_rows rows, dictionary;
    za_arrow_type type; /* of the dictionary's values */
    int64_t *indices;
} za_arrow_coded;

static inline bool za_arrow_rows_bit(const uint8_t *bits, int64_t at)
{
    return (bits[at >> 3] >> (at & 7) & 1) != 0;
}

static inline bool za_arrow_rows_null(const za_arrow_rows *rows, int64_t i)
{
    return rows->valid != NULL && !za_arrow_rows_bit(rows->valid, rows->first + i);
}

/* Decoders of one run of rows into plain memory. */

/* Whole numbers and times as they lie there, uint64 by its bits; what nulls hold is not defined. */
za_code za_arrow_read_whole(const za_arrow_rows *rows, za_arrow_type type, int64_t *values, za_error *error);
/* Nanoseconds; nulls, and NumPy's NaT, are INT64_MIN. ZA_BAD_VALUE: does not fit. */
za_code za_arrow_read_times(const za_arrow_rows *rows, za_arrow_type type, int64_t *values, za_error *error);
/* Floats, decimals, nothing; nulls are NaN. */
za_code za_arrow_read_numbers(const za_arrow_rows *rows, za_arrow_type type, double *values, za_error *error);
/* Numbers of the texts in `texts`; nulls are -1. */
za_code za_arrow_read_texts(const za_arrow_rows *rows, za_arrow_type type, za_text_set *texts, int32_t *codes,
                            za_error *error);
/* The same where the texts lie in a dictionary. Texts that no row uses are not collected. */
za_code za_arrow_gather_texts(const za_arrow_coded *coded, za_text_set *texts, int32_t *codes, za_error *error);

#endif
