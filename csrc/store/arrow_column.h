/* A column in the making: batch after batch of Arrow arrays is decoded and appended to it. Private to the Arrow reader.
 */
#ifndef ZA_STORE_ARROW_COLUMN_H
#define ZA_STORE_ARROW_COLUMN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "store/arrow_data.h"
#include "store/arrow_type.h"
#include "store/column.h"
#include "store/text_set.h"

typedef struct za_arrow_column {
    za_column column;    /* `texts` stay in `texts` below until the column is finished */
    za_arrow_type type;  /* of the values; of the dictionary's, where there is one */
    za_arrow_type index; /* of the indices into the dictionary */
    bool encoded;        /* has a dictionary */
    int64_t room;        /* rows allocated in the last chunk; 0 where it is lent */
    int64_t chunk_room, missing_room;
    za_text_set texts;
} za_arrow_column;

/* Takes name and format from `schema` and makes an empty column, which stays so if it is not `wanted`; on failure there
 * is nothing to free. */
za_code za_arrow_column_begin(za_arrow_column *column, const struct ArrowSchema *schema, bool wanted, za_error *error);
/* Appends rows [first, first + count) of `array`, counted without its own offset; rows that cannot be read break the
 * column, which is not a failure. The array moves into the column, without a copy, if there are many rows or the first
 * ones and they lie there as they would here. ZA_NO_MEMORY: the column can only be freed. */
za_code za_arrow_column_append(za_arrow_column *column, struct ArrowArray *array, int64_t first, int64_t count,
                               za_error *error);
/* Moves what was decoded into `*result`; the column is then empty. */
void za_arrow_column_finish(za_arrow_column *column, za_column *result);
void za_arrow_column_free(za_arrow_column *column);

#endif
