/* The Arrow C data interface, read into plain columns. The structs are those of the Arrow specification; nothing here
 * depends on an Arrow library. Input is not trusted beyond what the specification lets one check. */
#ifndef ZA_STORE_ARROW_H
#define ZA_STORE_ARROW_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

struct ArrowSchema {
    const char *format, *name, *metadata;
    int64_t flags, n_children;
    struct ArrowSchema **children, *dictionary;
    void (*release)(struct ArrowSchema *);
    void *private_data;
};

struct ArrowArray {
    int64_t length, null_count, offset, n_buffers, n_children;
    const void **buffers;
    struct ArrowArray **children, *dictionary;
    void (*release)(struct ArrowArray *);
    void *private_data;
};

struct ArrowArrayStream {
    int (*get_schema)(struct ArrowArrayStream *, struct ArrowSchema *);
    int (*get_next)(struct ArrowArrayStream *, struct ArrowArray *);
    const char *(*get_last_error)(struct ArrowArrayStream *);
    void (*release)(struct ArrowArrayStream *);
    void *private_data;
};

typedef enum za_column_kind {
    ZA_COLUMN_NUMBER,      /* numbers: float64; null is NaN */
    ZA_COLUMN_WHOLE,       /* integers: int64; `missing` says which are null */
    ZA_COLUMN_UNSIGNED,    /* integers: the bits of uint64; the same */
    ZA_COLUMN_TIME,        /* integers: int64 nanoseconds since 1970 UTC; null, and NumPy's NaT, is INT64_MIN */
    ZA_COLUMN_TEXT,        /* codes into `texts`; null is -1 */
    ZA_COLUMN_UNSUPPORTED, /* `format` says what it is; carries no values */
    ZA_COLUMN_BROKEN       /* could not be read, `fault` says why; carries no values */
} za_column_kind;

/* One column with its own copies of everything. Names may repeat, as Arrow lets them. */
typedef struct za_column {
    char *name, *format; /* as the Arrow specification spells types; under a dictionary, the type of its values */
    za_column_kind kind;
    int64_t rows;
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
} za_table;

/* Reads a stream of record batches (or a single batch) to the end. `table` is written only on ZA_OK and then owned by
 * the caller. The producer's structs are not released: that stays with their owner; batches taken from the stream are.
 * A column whose arrays are malformed, or with a value that cannot be read (broken UTF-8, a time that does not fit
 * nanoseconds), is ZA_COLUMN_BROKEN and fails nobody who does not need it. ZA_BAD_TYPE: the top level is not a struct
 * of columns. ZA_BAD_VALUE: its schema, its batches or the stream itself are broken, or a row is null as a whole. */
za_code za_arrow_read_stream(struct ArrowArrayStream *stream, za_table *table, za_error *error);
za_code za_arrow_read_array(const struct ArrowSchema *schema, const struct ArrowArray *array, za_table *table,
                            za_error *error);
void za_table_free(za_table *table);

#endif
