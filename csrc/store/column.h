/* Tables as they were read: plain columns, with copies of everything but what one of Arrow's arrays lends them. */
#ifndef ZA_STORE_COLUMN_H
#define ZA_STORE_COLUMN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/arrow_data.h"

typedef enum za_column_kind {
    ZA_COLUMN_NUMBER,      /* numbers: float64; null is NaN */
    ZA_COLUMN_WHOLE,       /* integers: int64; `missing` says which are null */
    ZA_COLUMN_UNSIGNED,    /* integers: the bits of uint64; the same */
    ZA_COLUMN_TIME,        /* integers: int64 nanoseconds since 1970 UTC; null, and NumPy's NaT, is INT64_MIN */
    ZA_COLUMN_TEXT,        /* codes into `texts`; null is -1 */
    ZA_COLUMN_UNSUPPORTED, /* `format` says what it is; carries no values, nor does one that was not wanted */
    ZA_COLUMN_BROKEN       /* could not be read, `fault` says why; carries no values */
} za_column_kind;

/* Names may repeat, as Arrow lets them. */
typedef struct za_column {
    char *name, *format; /* as the Arrow specification spells types; under a dictionary, the type of its values */
    za_column_kind kind;
    int64_t rows;
    bool lent; /* `numbers` or `integers` lie in memory of an Arrow array, to be read only */
    double *numbers;
    int64_t *integers;
    uint8_t *missing; /* for each whole number whether it is null (it is 0 then); NULL: none is */
    int32_t *codes;
    char **texts; /* distinct UTF-8 values; text_lengths[i] bytes, NUL-terminated besides */
    size_t *text_lengths;
    int32_t text_count;
    char *fault;       /* a sentence that names column, row and value */
    int64_t fault_row; /* -1: no single row is at fault */
} za_column;

typedef struct za_table {
    za_column *columns;
    int64_t column_count, rows;
    struct ArrowArray lender; /* owned; what the lent columns lie in; its `release` is NULL where there is none */
} za_table;

#endif
