#include "store/arrow.h"

#include <errno.h>
#include <string.h>

#include "base/memory.h"
#include "store/arrow_column.h"
#include "store/arrow_rows.h"

/* A table while batches come in. */
typedef struct reader {
    za_arrow_column *columns;
    int64_t column_count, rows;
} table_reader;

static void release_batch(struct ArrowArray *batch)
{
    if (batch->release != NULL) {
        batch->release(batch);
    }
}

static void reader_free(table_reader *reader)
{
    for (int64_t i = 0; reader->columns != NULL && i < reader->column_count; i++) {
        za_arrow_column_free(&reader->columns[i]);
    }
    za_free(reader->columns);
    reader->columns = NULL;
}

/* Starts as zeros; on failure still to be freed. */
static za_code reader_begin(table_reader *reader, za_arrow_selection selection, za_error *error)
{
    const struct ArrowSchema *schema = selection.schema;
    if (schema->format == NULL || strcmp(schema->format, "+s") != 0 || schema->dictionary != NULL) {
        return za_fail(error, ZA_BAD_TYPE, "expected a table or a struct of columns, got Arrow format '%.100s'",
                       schema->format != NULL ? schema->format : "");
    }
    if (schema->n_children < 0 || (schema->n_children > 0 && schema->children == NULL)) {
        return za_fail(error, ZA_BAD_VALUE, "the Arrow schema has no columns where it says that it has");
    }
    reader->columns = za_alloc_zeroed((size_t)schema->n_children, sizeof *reader->columns);
    if (reader->columns == NULL) {
        return za_fail_memory(error);
    }
    for (int64_t i = 0; i < schema->n_children; i++) {
        if (schema->children[i] == NULL) {
            return za_fail(error, ZA_BAD_VALUE, "column %lld of the Arrow schema is missing", (long long)i);
        }
        bool wanted = selection.wanted == NULL || selection.wanted[i];
        za_code code = za_arrow_column_begin(&reader->columns[i], schema->children[i], wanted, error);
        if (code != ZA_OK) {
            return code;
        }
        reader->column_count = i + 1;
    }
    return ZA_OK;
}

/* A row of the table cannot be null as a whole. */
static za_code check_no_null_rows(const table_reader *reader, const struct ArrowArray *batch, za_error *error)
{
    const uint8_t *valid = batch->n_buffers > 0 && batch->buffers != NULL ? batch->buffers[0] : NULL;
    if (batch->null_count == 0 || valid == NULL) {
        return ZA_OK;
    }
    for (int64_t i = 0; i < batch->length; i++) {
        if (!za_arrow_rows_bit(valid, batch->offset + i)) {
            return za_fail(error, ZA_BAD_VALUE, "row %lld is null as a whole", (long long)(reader->rows + i));
        }
    }
    return ZA_OK;
}

/* The batch is to be released afterwards: some of its columns may have moved out of it. */
static za_code reader_append(table_reader *reader, const struct ArrowArray *batch, za_error *error)
{
    if (batch->length < 0 || batch->offset < 0 || batch->length > INT64_MAX - batch->offset ||
        batch->length > INT64_MAX - reader->rows) {
        return za_fail(error, ZA_BAD_VALUE, "the Arrow batch's length or offset is negative or too large");
    }
    if (batch->n_children != reader->column_count || (batch->n_children > 0 && batch->children == NULL)) {
        return za_fail(error, ZA_BAD_VALUE, "the Arrow batch has %lld columns, its schema %lld",
                       (long long)batch->n_children, (long long)reader->column_count);
    }
    za_code code = ZA_OK;
    for (int64_t i = 0; code == ZA_OK && i < reader->column_count; i++) {
        code = za_arrow_column_append(&reader->columns[i], batch->children[i], batch->offset, batch->length, error);
    }
    if (code == ZA_OK) {
        code = check_no_null_rows(reader, batch, error);
    }
    if (code == ZA_OK) {
        reader->rows += batch->length;
    }
    return code;
}

/* Moves the columns into `table`; after a failure they are still the reader's. */
static za_code reader_finish(table_reader *reader, za_table *table, za_error *error)
{
    za_column *columns = za_alloc_zeroed((size_t)reader->column_count, sizeof *columns);
    if (columns == NULL) {
        return za_fail_memory(error);
    }
    for (int64_t i = 0; i < reader->column_count; i++) {
        za_arrow_column_finish(&reader->columns[i], &columns[i]);
    }
    *table = (za_table){.columns = columns, .column_count = reader->column_count, .rows = reader->rows};
    return ZA_OK;
}

za_code za_arrow_read_array(za_arrow_selection selection, struct ArrowArray *array, za_table *table, za_error *error)
{
    table_reader reader = {0};
    struct ArrowArray batch = *array;
    if (selection.schema->release == NULL || array->release == NULL) {
        return za_fail(error, ZA_BAD_VALUE, "the Arrow array was released before it was read");
    }
    array->release = NULL;
    za_code code = reader_begin(&reader, selection, error);
    if (code == ZA_OK) {
        code = reader_append(&reader, &batch, error);
    }
    if (code == ZA_OK) {
        code = reader_finish(&reader, table, error);
    }
    reader_free(&reader);
    release_batch(&batch);
    return code;
}

/* The error text of the stream itself; `number` is an errno. */
static za_code fail_stream(struct ArrowArrayStream *stream, int number, za_error *error)
{
    const char *sentence = stream->get_last_error != NULL ? stream->get_last_error(stream) : NULL;
    if (number == ENOMEM) {
        return za_fail_memory(error);
    }
    za_code code = number == EINVAL || number == ERANGE || number == EDOM ? ZA_BAD_VALUE : ZA_SYSTEM;
    if (sentence == NULL || sentence[0] == '\0') {
        return za_fail(error, code, "the Arrow stream failed with error number %d", number);
    }
    return za_fail(error, code, "the Arrow stream failed: %s", sentence);
}

/* The next batch, one that is released already at the end of the stream. */
static za_code next_batch(struct ArrowArrayStream *stream, struct ArrowArray *batch, za_error *error)
{
    *batch = (struct ArrowArray){0};
    int number = stream->get_next(stream, batch);
    if (number != 0) {
        batch->release = NULL; /* there is none, whatever the producer has left there */
        return fail_stream(stream, number, error);
    }
    return ZA_OK;
}

/* Batches to the end of the stream. */
static za_code read_batches(struct ArrowArrayStream *stream, table_reader *reader, za_error *error)
{
    struct ArrowArray batch;
    za_code code = next_batch(stream, &batch, error);
    while (code == ZA_OK && batch.release != NULL) {
        code = reader_append(reader, &batch, error);
        release_batch(&batch);
        if (code == ZA_OK) {
            code = next_batch(stream, &batch, error);
        }
    }
    return code;
}

za_code za_arrow_read_schema(struct ArrowArrayStream *stream, struct ArrowSchema *schema, za_error *error)
{
    *schema = (struct ArrowSchema){0};
    if (stream->release == NULL) {
        return za_fail(error, ZA_BAD_VALUE, "the Arrow stream was released before it was read");
    }
    int number = stream->get_schema(stream, schema);
    if (number == 0 && schema->release == NULL) {
        return za_fail(error, ZA_BAD_VALUE, "the Arrow stream gave no schema");
    }
    return number == 0 ? ZA_OK : fail_stream(stream, number, error);
}

za_code za_arrow_read_stream(struct ArrowArrayStream *stream, za_arrow_selection selection, za_table *table,
                             za_error *error)
{
    table_reader reader = {0};
    za_code code = reader_begin(&reader, selection, error);
    if (code == ZA_OK) {
        code = read_batches(stream, &reader, error);
    }
    if (code == ZA_OK) {
        code = reader_finish(&reader, table, error);
    }
    reader_free(&reader);
    return code;
}
