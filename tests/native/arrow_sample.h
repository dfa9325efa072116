/* Arrow columns made by hand, as a producer would hand them over. */
#ifndef ZA_TESTS_ARROW_SAMPLE_H
#define ZA_TESTS_ARROW_SAMPLE_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "store/arrow.h"

/* A column as a producer would describe it. */
typedef struct sample {
    struct ArrowSchema schema;
    struct ArrowArray array;
} sample;

static int released_schemas, released_arrays;

static inline void release_schema(struct ArrowSchema *schema)
{
    schema->release = NULL;
    released_schemas += 1;
}

static inline void release_array(struct ArrowArray *array)
{
    array->release = NULL;
    released_arrays += 1;
}

/* `buffers` holds bitmap, values and what follows; `nulls` is -1 for "not counted". */
static inline sample sample_of(const char *format, int64_t length, int64_t nulls, int64_t n_buffers,
                               const void **buffers)
{
    return (sample){
        .schema = {.format = format, .name = "x", .release = release_schema},
        .array = {.length = length,
                  .null_count = nulls,
                  .n_buffers = n_buffers,
                  .buffers = buffers,
                  .release = release_array},
    };
}

/* The values of a column's first chunk; NULL where it has none. */
static inline const void *values_of(const za_column *column)
{
    return column->chunk_count == 0 ? NULL : column->chunks[0].values;
}

static inline const double *numbers_of(const za_column *column)
{
    return values_of(column);
}

static inline const int64_t *integers_of(const za_column *column)
{
    return values_of(column);
}

static inline const int32_t *codes_of(const za_column *column)
{
    return values_of(column);
}

/* The column alone in a batch whose rows are [offset, offset + length) of it. */
static inline za_code read_slice(sample *column, int64_t offset, int64_t length, za_table *table, za_error *error)
{
    struct ArrowSchema *schemas[] = {&column->schema};
    struct ArrowArray *arrays[] = {&column->array};
    const void *no_nulls[] = {NULL};
    struct ArrowSchema schema = {.format = "+s", .n_children = 1, .children = schemas, .release = release_schema};
    struct ArrowArray array = {.length = length,
                               .offset = offset,
                               .n_buffers = 1,
                               .buffers = no_nulls,
                               .n_children = 1,
                               .children = arrays,
                               .release = release_array};
    return za_arrow_read_array((za_arrow_selection){.schema = &schema}, &array, table, error);
}

static inline za_code read_one(sample *column, za_table *table, za_error *error)
{
    return read_slice(column, 0, column->array.length, table, error);
}

/* Reads a good column; the caller frees. */
static inline const za_column *read_good(sample *column, za_table *table, za_column_kind kind)
{
    za_error error = {0};
    *table = (za_table){0};
    if (!CHECK(read_one(column, table, &error) == ZA_OK)) {
        (void)fprintf(stderr, "    format %s: %s\n", column->schema.format, error.text);
        return NULL;
    }
    const za_column *read = &table->columns[0];
    return CHECK(read->kind == kind) && CHECK(read->rows == column->array.length) ? read : NULL;
}

/* A column that cannot be read carries a sentence with `words` and the row that the sentence names. */
static inline void check_broken(sample *column, const char *words)
{
    za_table table = {0};
    za_error error = {0};
    if (!CHECK(read_one(column, &table, &error) == ZA_OK)) {
        (void)fprintf(stderr, "    %s\n", error.text);
        return;
    }
    const za_column *read = &table.columns[0];
    const char *row = read->fault == NULL ? NULL : strstr(read->fault, ", row ");
    CHECK(read->kind == ZA_COLUMN_BROKEN && read->chunk_count == 0 && read->missing == NULL);
    CHECK(read->fault_row == (row == NULL ? -1 : strtoll(row + strlen(", row "), NULL, 10)));
    if (!CHECK(read->fault != NULL && strstr(read->fault, words) != NULL)) {
        (void)fprintf(stderr, "    '%s' is not in '%s'\n", words, read->fault != NULL ? read->fault : "");
    }
    za_table_free(&table);
}

/* A broken table is refused with that code and a sentence that holds `words`. */
static inline void check_refused(sample *column, za_code code, const char *words)
{
    za_table table = {.rows = 77};
    za_error error = {0};
    CHECK(read_one(column, &table, &error) == code);
    CHECK(table.rows == 77 && table.columns == NULL);
    if (!CHECK(strstr(error.text, words) != NULL)) {
        (void)fprintf(stderr, "    '%s' is not in '%s'\n", words, error.text);
    }
}

#endif
