#include "store/arrow_column.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "store/arrow_numbers.h"
#include "store/arrow_rows.h"
#include "store/arrow_text.h"

static bool has_values(const za_column *column)
{
    return column->kind != ZA_COLUMN_UNSUPPORTED && column->kind != ZA_COLUMN_BROKEN;
}

static size_t value_bytes(za_column_kind kind)
{
    return kind == ZA_COLUMN_TEXT ? sizeof(int32_t) : sizeof(int64_t);
}

/* An array of fewer values is not lent, unless it is the first: a column of a million chunks would be slow to use. */
enum { LEAST_LENT = 16384 };

/* The chunk that rows are appended to. */
static za_column_chunk *last_chunk(const za_arrow_column *column)
{
    return &column->column.chunks[column->column.chunk_count - 1];
}

/* A chunk without rows at the end of the column. */
static za_code add_chunk(za_arrow_column *column, za_error *error)
{
    za_column *made = &column->column;
    if (made->chunk_count == column->chunk_room) {
        int64_t room = 1 + 2 * column->chunk_room;
        za_column_chunk *chunks = za_resize(made->chunks, (size_t)room, sizeof *chunks);
        if (chunks == NULL) {
            return za_fail_memory(error);
        }
        made->chunks = chunks;
        column->chunk_room = room;
    }
    made->chunks[made->chunk_count++] = (za_column_chunk){0};
    column->room = 0;
    return ZA_OK;
}

/* Room for `count` more rows: what is asked for at first, so that one batch fits exactly, then at least twice as much.
 */
static za_code reserve(za_arrow_column *column, int64_t count, za_error *error)
{
    za_column *made = &column->column;
    if (!has_values(made)) {
        return ZA_OK;
    }
    if (count > ZA_MOST_ROWS - made->rows) {
        return za_arrow_fail_column(made->name, "there are too many rows", error);
    }
    bool need_chunk = made->chunk_count == 0 || za_column_chunk_is_lent(last_chunk(column));
    if (need_chunk && add_chunk(column, error) != ZA_OK) {
        return ZA_NO_MEMORY;
    }
    za_column_chunk *chunk = last_chunk(column);
    if (chunk->values != NULL && chunk->rows + count <= column->room) {
        return ZA_OK;
    }
    int64_t room = chunk->rows == 0 ? count : chunk->rows + (count > chunk->rows ? count : chunk->rows);
    void *values = za_resize(chunk->values, (size_t)room, value_bytes(made->kind));
    if (values == NULL) {
        return za_fail_memory(error);
    }
    chunk->values = values;
    column->room = room;
    return ZA_OK;
}

/* Where the values of the next rows go, for which there is room. */
static void *next_values(const za_arrow_column *column)
{
    const za_column_chunk *chunk = last_chunk(column);
    return (char *)chunk->values + (size_t)chunk->rows * value_bytes(column->column.kind);
}

za_code za_arrow_column_begin(za_arrow_column *column, const struct ArrowSchema *schema, bool wanted, za_error *error)
{
    const char *name = schema->name != NULL ? schema->name : "";
    const struct ArrowSchema *values = schema->dictionary != NULL ? schema->dictionary : schema;
    *column = (za_arrow_column){.encoded = schema->dictionary != NULL};
    if (schema->format == NULL || values->format == NULL) {
        return za_arrow_fail_column(name, "the schema has no format", error);
    }
    column->index = za_arrow_type_of(schema->format);
    if (column->encoded && !za_arrow_type_is_index(column->index)) {
        return za_arrow_fail_column(name, "indices into a dictionary must be whole numbers", error);
    }
    bool nested = column->encoded && values->dictionary != NULL; /* a dictionary of dictionaries is not decoded */
    column->type = nested ? (za_arrow_type){.kind = ZA_COLUMN_UNSUPPORTED} : za_arrow_type_of(values->format);
    column->column.kind = wanted ? column->type.kind : ZA_COLUMN_UNSUPPORTED;
    column->column.fault_row = -1;
    column->column.name = za_copy_text(name, strlen(name));
    column->column.format = za_copy_text(values->format, strlen(values->format));
    bool made = column->column.name != NULL && column->column.format != NULL;
    za_code code = made ? reserve(column, 0, error) : za_fail_memory(error);
    if (code != ZA_OK) {
        za_arrow_column_free(column);
    }
    return code;
}

/* Flags for `count` more whole numbers: those there are, and these, are not missing unless it is said of them. */
static za_code reserve_flags(za_arrow_column *column, int64_t count, za_error *error)
{
    za_column *made = &column->column;
    int64_t rows = made->rows + count, room = column->missing_room;
    if (made->missing != NULL && rows <= room) {
        return ZA_OK;
    }
    int64_t wanted = room == 0 ? rows : rows > 2 * room ? rows : 2 * room;
    uint8_t *missing = za_resize(made->missing, (size_t)wanted, sizeof *missing);
    if (missing == NULL) {
        return za_fail_memory(error);
    }
    memset(missing + room, 0, (size_t)(wanted - room));
    made->missing = missing;
    column->missing_room = wanted;
    return ZA_OK;
}

/* Says whether row `i` behind the rows there are is null. No memory is needed before the first null. */
static za_code mark(za_arrow_column *column, int64_t i, bool null, za_error *error)
{
    za_code code = null ? reserve_flags(column, i + 1, error) : ZA_OK;
    if (code == ZA_OK && null) {
        column->column.missing[column->column.rows + i] = 1;
        ((int64_t *)next_values(column))[i] = 0;
    }
    return code;
}

static za_code append_whole(za_arrow_column *column, const za_arrow_rows *rows, za_error *error)
{
    za_code code = za_arrow_read_whole(rows, column->type, next_values(column), error);
    for (int64_t i = 0; code == ZA_OK && rows->valid != NULL && i < rows->count; i++) {
        code = mark(column, i, za_arrow_rows_null(rows, i), error);
    }
    return code == ZA_OK && column->column.missing != NULL ? reserve_flags(column, rows->count, error) : code;
}

/* Makes nanoseconds of the times of the next rows, which are there as they came. Times that nanoseconds do not reach
 * are as null ones, and the first of the column is its fault. */
static za_code scale_times(za_arrow_column *column, const za_arrow_rows *rows, za_error *error)
{
    za_column *made = &column->column;
    za_error fault = {0};
    int64_t first = made->fault_row;
    za_arrow_scale_times(rows, column->type, next_values(column), &fault);
    if (made->fault != NULL) {
        made->fault_row = first;
    } else if (fault.text[0] != '\0') {
        made->fault = za_copy_text(fault.text, strlen(fault.text));
        return made->fault != NULL ? ZA_OK : za_fail_memory(error);
    }
    return ZA_OK;
}

/* Appends rows that hold the values themselves. */
static za_code append_plain(za_arrow_column *column, const za_arrow_rows *rows, za_error *error)
{
    switch (column->column.kind) {
    case ZA_COLUMN_WHOLE:
    case ZA_COLUMN_UNSIGNED:
        return append_whole(column, rows, error);
    case ZA_COLUMN_TIME: {
        za_code code = za_arrow_read_whole(rows, column->type, next_values(column), error);
        return code == ZA_OK ? scale_times(column, rows, error) : code;
    }
    case ZA_COLUMN_TEXT:
        return za_arrow_read_texts(rows, column->type, &column->texts, next_values(column), error);
    default:
        return za_arrow_read_numbers(rows, column->type, next_values(column), error);
    }
}

/* Copies what the indices point to; `values` is the decoded dictionary and of the same kind as the column. */
static za_code gather(za_arrow_column *column, const za_arrow_coded *coded, const za_column *values, za_error *error)
{
    const void *decoded = values->chunks[0].values;
    const double *numbers = decoded;
    const int64_t *integers = decoded;
    double *to_numbers = next_values(column);
    int64_t *to_integers = next_values(column);
    za_code code = ZA_OK;
    for (int64_t i = 0; code == ZA_OK && i < coded->rows.count; i++) {
        int64_t at = coded->indices[i];
        bool null = za_arrow_rows_null(&coded->rows, i);
        if (column->column.kind == ZA_COLUMN_NUMBER) {
            to_numbers[i] = null ? NAN : numbers[at];
        } else if (column->column.kind == ZA_COLUMN_TIME) {
            to_integers[i] = null ? INT64_MIN : integers[at];
        } else {
            null = null || (values->missing != NULL && values->missing[at] != 0);
            to_integers[i] = null ? 0 : integers[at];
            code = mark(column, i, null, error);
        }
    }
    return code;
}

/* Times of a dictionary as they come: those that no row points to are not looked at. */
static za_code read_dictionary_times(za_arrow_column *values, const za_arrow_rows *rows, za_error *error)
{
    int64_t *times = next_values(values);
    za_code code = za_arrow_read_whole(rows, values->type, times, error);
    for (int64_t i = 0; code == ZA_OK && i < rows->count; i++) {
        times[i] = za_arrow_rows_null(rows, i) ? INT64_MIN : times[i];
    }
    return code;
}

static za_code append_gathered(za_arrow_column *column, const za_arrow_coded *coded, za_error *error)
{
    za_arrow_column values = {.type = column->type, .column = {.kind = column->type.kind}};
    values.column.name = column->column.name; /* lent, for errors */
    za_code code = reserve(&values, coded->dictionary.count, error);
    if (code == ZA_OK) {
        bool are_times = column->column.kind == ZA_COLUMN_TIME;
        code = are_times ? read_dictionary_times(&values, &coded->dictionary, error)
                         : append_plain(&values, &coded->dictionary, error);
    }
    if (code == ZA_OK) {
        code = gather(column, coded, &values.column, error);
    }
    if (code == ZA_OK && column->column.kind == ZA_COLUMN_TIME) {
        code = scale_times(column, &coded->rows, error);
    }
    values.column.name = NULL;
    za_arrow_column_free(&values);
    return code;
}

/* ZA_BAD_VALUE where a row points out of the dictionary. */
static za_code check_indices(const za_arrow_coded *coded, za_error *error)
{
    for (int64_t i = 0; i < coded->rows.count; i++) {
        bool inside = coded->indices[i] >= 0 && coded->indices[i] < coded->dictionary.count;
        if (!inside && !za_arrow_rows_null(&coded->rows, i)) {
            return za_arrow_rows_fail(&coded->rows, i, "the index lies outside of the dictionary", error);
        }
    }
    return ZA_OK;
}

static za_code append_coded(za_arrow_column *column, const za_arrow_rows *rows, za_error *error)
{
    const struct ArrowArray *dictionary = rows->array->dictionary;
    za_arrow_coded coded = {.rows = *rows, .type = column->type};
    coded.dictionary = (za_arrow_rows){.count = dictionary->length, .column = rows->column, .unit = "dictionary value"};
    za_code code = za_arrow_rows_select(&coded.dictionary, dictionary, column->type.storage != ZA_ARROW_NULL, error);
    if (code != ZA_OK) {
        return code;
    }
    coded.indices = za_alloc((size_t)rows->count, sizeof *coded.indices);
    if (coded.indices == NULL) {
        return za_fail_memory(error);
    }
    code = za_arrow_read_whole(rows, column->index, coded.indices, error);
    if (code == ZA_OK) {
        code = check_indices(&coded, error);
    }
    if (code == ZA_OK && column->type.kind == ZA_COLUMN_TEXT) {
        code = za_arrow_gather_texts(&coded, &column->texts, next_values(column), error);
    } else if (code == ZA_OK) {
        code = append_gathered(column, &coded, error);
    }
    za_free(coded.indices);
    return code;
}

/* Returns whether the rows lie there as the column would hold them: eight bytes each, aligned, none null. */
static bool can_lend(const za_arrow_column *column, const za_arrow_rows *rows)
{
    const struct ArrowArray *array = rows->array;
    za_arrow_type type = column->type;
    bool long_enough = rows->count >= LEAST_LENT || (rows->count > 0 && column->column.rows == 0);
    bool whole = type.storage == ZA_ARROW_INT64 || type.storage == ZA_ARROW_UINT64;
    bool same = whole ? type.kind != ZA_COLUMN_TIME || type.nanoseconds == 1 : type.storage == ZA_ARROW_DOUBLE;
    bool filled = rows->valid == NULL && array->n_buffers >= 2 && array->buffers != NULL && array->buffers[1] != NULL;
    return long_enough && array->release != NULL && !column->encoded && same && filled &&
           (uintptr_t)array->buffers[1] % sizeof(int64_t) == 0;
}

/* The array becomes the column's last chunk. Nobody writes to its values. */
static za_code lend(za_arrow_column *column, const za_arrow_rows *rows, struct ArrowArray *array, za_error *error)
{
    za_column *made = &column->column;
    if (rows->count > ZA_MOST_ROWS - made->rows) {
        return za_arrow_fail_column(made->name, "there are too many rows", error);
    }
    if (made->rows == 0 && made->chunk_count > 0) { /* what a column without rows has */
        za_column_chunk_free(last_chunk(column));
        made->chunk_count = 0;
    }
    if (add_chunk(column, error) != ZA_OK) {
        return ZA_NO_MEMORY;
    }
    void *values = (int64_t *)(uintptr_t)array->buffers[1] + rows->first;
    *last_chunk(column) = (za_column_chunk){.values = values, .lender = *array};
    array->release = NULL;
    return ZA_OK;
}

static za_code append_rows(za_arrow_column *column, struct ArrowArray *array, int64_t first, int64_t count,
                           za_error *error)
{
    za_column *made = &column->column;
    za_arrow_rows rows = {
        .first = first, .count = count, .column = made->name, .unit = "row", .counted_from = made->rows};
    rows.fault_row = &made->fault_row;
    za_arrow_storage storage = column->encoded ? column->index.storage : column->type.storage;
    za_code code = za_arrow_rows_select(&rows, array, storage != ZA_ARROW_NULL, error);
    if (code == ZA_OK && column->encoded != (array->dictionary != NULL)) {
        code = za_arrow_fail_column(rows.column, "schema and batch do not agree whether there is a dictionary", error);
    }
    if (code == ZA_OK && can_lend(column, &rows)) {
        return lend(column, &rows, array, error);
    }
    if (code == ZA_OK) {
        code = reserve(column, count, error);
    }
    if (code == ZA_OK) {
        code = column->encoded ? append_coded(column, &rows, error) : append_plain(column, &rows, error);
    }
    return code;
}

static void free_values(za_arrow_column *column)
{
    za_column *made = &column->column;
    za_text_set_free(&column->texts);
    for (int64_t i = 0; i < made->chunk_count; i++) {
        za_column_chunk_free(&made->chunks[i]);
    }
    za_free(made->chunks);
    za_free(made->missing);
    made->chunks = NULL;
    made->chunk_count = 0;
    made->missing = NULL;
}

/* Leaves the sentence in the place of the values. */
static za_code become_broken(za_arrow_column *column, const char *sentence, za_error *error)
{
    free_values(column);
    za_free(column->column.fault);
    column->column.kind = ZA_COLUMN_BROKEN;
    column->column.fault = za_copy_text(sentence, strlen(sentence));
    return column->column.fault != NULL ? ZA_OK : za_fail_memory(error);
}

za_code za_arrow_column_append(za_arrow_column *column, struct ArrowArray *array, int64_t first, int64_t count,
                               za_error *error)
{
    za_error fault = {0};
    za_code code = has_values(&column->column) ? append_rows(column, array, first, count, &fault) : ZA_OK;
    if (code == ZA_BAD_VALUE) {
        code = become_broken(column, fault.text, error);
    } else if (code == ZA_NO_MEMORY) {
        return za_fail_memory(error);
    }
    if (code == ZA_OK && column->column.missing != NULL && reserve_flags(column, count, error) != ZA_OK) {
        return ZA_NO_MEMORY;
    }
    if (code == ZA_OK) {
        column->column.rows += count;
        if (has_values(&column->column)) {
            last_chunk(column)->rows += count;
        }
    }
    return code;
}

void za_arrow_column_finish(za_arrow_column *column, za_column *result)
{
    *result = column->column;
    result->texts = column->texts.texts;
    result->text_lengths = column->texts.lengths;
    result->text_count = column->texts.count;
    column->texts.texts = NULL;
    column->texts.lengths = NULL;
    za_text_set_free(&column->texts);
    *column = (za_arrow_column){0};
}

void za_arrow_column_free(za_arrow_column *column)
{
    free_values(column);
    za_free(column->column.name);
    za_free(column->column.format);
    za_free(column->column.fault);
    *column = (za_arrow_column){0};
}
