/* Tables as they were read: plain columns, with copies of everything but what Arrow's arrays lend them. */
#ifndef ZA_STORE_COLUMN_H
#define ZA_STORE_COLUMN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/arrow_data.h"

typedef enum za_column_kind {
    ZA_COLUMN_NUMBER,   /* float64; null is NaN */
    ZA_COLUMN_WHOLE,    /* int64; `missing` says which are null */
    ZA_COLUMN_UNSIGNED, /* uint64; the same */
    ZA_COLUMN_TIME, /* int64 nanoseconds since 1970 UTC; INT64_MIN: null, NumPy's NaT, or out of range, see `fault` */
    ZA_COLUMN_TEXT, /* int32 indices into `texts`; null is -1 */
    ZA_COLUMN_UNSUPPORTED, /* `format` says what it is; carries no values, nor does one that was not wanted */
    ZA_COLUMN_BROKEN       /* could not be read, `fault` says why; carries no values */
} za_column_kind;

/* Values of a column that lie together. */
typedef struct za_column_chunk {
    void *values;
    int64_t rows;
    struct ArrowArray lender; /* owned; what the values lie in, to be read only. `release` NULL: they were allocated */
} za_column_chunk;

/* Names may repeat, as Arrow lets them. */
typedef struct za_column {
    char *name, *format; /* as the Arrow specification spells types; under a dictionary, the type of its values */
    za_column_kind kind;
    int64_t rows;
    za_column_chunk *chunks; /* one behind the other; of texts, and where there are no rows, it is one */
    int64_t chunk_count;
    uint8_t *missing; /* for each whole number whether it is null (it is 0 then); NULL: none is */
    char **texts;     /* distinct UTF-8 values; text_lengths[i] bytes, NUL-terminated besides */
    size_t *text_lengths;
    int32_t text_count;
    char *fault; /* a sentence that names column, row and value: of a broken column, or the first time out of range */
    int64_t fault_row; /* -1: no single row is at fault */
} za_column;

typedef struct za_table {
    za_column *columns;
    int64_t column_count, rows;
} za_table;

static inline bool za_column_chunk_is_lent(const za_column_chunk *chunk)
{
    return chunk->lender.release != NULL;
}

/* Gives back the values. */
void za_column_chunk_free(za_column_chunk *chunk);
void za_table_free(za_table *table);

#endif
