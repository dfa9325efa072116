/* The Arrow C data interface, read into plain columns without an Arrow library. Input is not trusted beyond what the
 * specification lets one check. */
#ifndef ZA_STORE_ARROW_H
#define ZA_STORE_ARROW_H

#include <stdbool.h>

#include "base/status.h"
#include "store/arrow_data.h"
#include "store/column.h"

/* The schema of a stream, which the caller releases. */
za_code za_arrow_read_schema(struct ArrowArrayStream *stream, struct ArrowSchema *schema, za_error *error);

/* The table to read: one of this schema, of which the columns with wanted[i] are decoded; `wanted` NULL: all. */
typedef struct za_arrow_selection {
    const struct ArrowSchema *schema;
    const bool *wanted;
} za_arrow_selection;

/* Reads a stream of record batches (or a single batch) to the end. `table` is written only on ZA_OK and then owned by
 * the caller. Schema and stream are not released: that stays with their owner; batches taken from the stream are, and
 * so is the array, which moves out of the caller's hands on failure too, unless it was released before.
 * Long batches lend the table those columns that lie there as they would here: such an array moves out of its batch.
 * A column whose arrays are malformed, or with a value that cannot be read (broken UTF-8, a time that does not fit
 * nanoseconds), is ZA_COLUMN_BROKEN and fails nobody who does not need it. ZA_BAD_TYPE: the top level is not a struct
 * of columns. ZA_BAD_VALUE: its schema, its batches or the stream itself are broken, or a row is null as a whole. */
za_code za_arrow_read_stream(struct ArrowArrayStream *stream, za_arrow_selection selection, za_table *table,
                             za_error *error);
za_code za_arrow_read_array(za_arrow_selection selection, struct ArrowArray *array, za_table *table, za_error *error);

#endif
