/* Streams of Arrow batches made of a fuzzer's input: types, offsets, views, indices, nulls and values come from there,
 * the size of each buffer from the lengths that a consumer must trust. */
#ifndef ZA_TESTS_ARROW_FEED_H
#define ZA_TESTS_ARROW_FEED_H

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "store/arrow.h"

enum { MOST_COLUMNS = 4, MOST_ROWS = 40, MOST_BUFFERS = 4, MOST_BLOCKS = 256 };

/* A text's bytes lie in their own allocation of exactly the size that the producer claims, so that AddressSanitizer
 * sees the first byte too far. */
typedef struct input {
    const uint8_t *bytes;
    size_t left;
    void *blocks[MOST_BLOCKS];
    int block_count;
} input;

typedef struct field {
    struct ArrowSchema schema, value_schema;
} field;

typedef struct column_data {
    struct ArrowArray array, value_array;
    const void *buffers[2][MOST_BUFFERS];
} column_data;

typedef struct batch {
    column_data columns[MOST_COLUMNS];
    struct ArrowArray *arrays[MOST_COLUMNS];
} batch;

static const char *const formats[] = {"l",   "L",   "i", "I",  "s",   "S",       "c",      "C",       "g",    "f",
                                      "e",   "b",   "n", "u",  "U",   "vu",      "tss:",   "tsm:",    "tsu:", "tsn:UTC",
                                      "tdD", "tdm", "z", "+r", "w:9", "d:38,-5", "d:10,2", "d:9,2,32"};
static const char *const index_formats[] = {"c", "C", "s", "S", "i", "I", "l", "L"};

static inline uint8_t take(input *from)
{
    if (from->left == 0) {
        return 0;
    }
    from->left -= 1;
    return *from->bytes++;
}

/* `size` bytes of zeros that live as long as the input. */
static inline void *make_block(input *from, size_t size)
{
    if (from->block_count == MOST_BLOCKS) {
        abort();
    }
    void *block = calloc(size > 0 ? size : 1, 1);
    if (block == NULL) {
        abort();
    }
    from->blocks[from->block_count++] = block;
    return block;
}

/* `size` bytes of input, zeros where it has ended. */
static inline void *take_block(input *from, size_t size)
{
    uint8_t *block = make_block(from, size);
    size_t copied = size < from->left ? size : from->left;
    memcpy(block, from->bytes, copied);
    from->bytes += copied;
    from->left -= copied;
    return block;
}

/* Mostly small and plausible offsets that now and then go back, far ahead, or below 0; the last, which tells how many
 * bytes there are, is what `bytes` is. */
static inline void *take_offsets(input *from, int64_t count, bool wide, int64_t bytes)
{
    size_t width = wide ? sizeof(int64_t) : sizeof(int32_t);
    uint8_t *block = take_block(from, ((size_t)count + 1) * width);
    int64_t at = 0;
    for (int64_t i = 0; i <= count; i++) {
        uint8_t step = take(from);
        int64_t value = step < 200 ? (at += step % 8) : step < 220 ? -at : step < 240 ? at * 1000000 : at - step % 16;
        value = i == count ? bytes : value;
        int32_t narrow = (int32_t)value;
        memcpy(block + (size_t)i * width, wide ? (const void *)&value : (const void *)&narrow, width);
    }
    return block;
}

/* One buffer of bytes for the long views; the views themselves are raw input with tamed lengths and numbers. */
static inline void take_views(input *from, struct ArrowArray *array, const void **buffers, int64_t rows)
{
    uint8_t *views = take_block(from, (size_t)rows * 16);
    for (int64_t i = 0; i < rows; i++) {
        int32_t length = (int8_t)take(from) / 4, place[2] = {(int8_t)take(from) / 100, (int8_t)take(from)};
        memcpy(views + i * 16, &length, sizeof length);
        if (length > 12) {
            memcpy(views + i * 16 + 8, place, sizeof place);
        }
    }
    int64_t size = take(from);
    int64_t *sizes = take_block(from, sizeof *sizes);
    *sizes = size;
    buffers[1] = views;
    buffers[2] = take_block(from, (size_t)size);
    buffers[3] = sizes;
    array->n_buffers = 4;
}

/* Bytes of a value of fixed width; booleans have a bit and get more than they need. */
static inline size_t width_of(const char *format)
{
    switch (format[0]) {
    case 'c':
    case 'C':
        return 1;
    case 's':
    case 'S':
    case 'e':
        return 2;
    case 'i':
    case 'I':
    case 'f':
        return 4;
    case 'd':
        return 16;
    default:
        return strcmp(format, "tdD") == 0 ? 4 : 8;
    }
}

static inline void release_array(struct ArrowArray *array)
{
    array->release = NULL;
}

static inline void take_array(input *from, const char *format, int64_t rows, struct ArrowArray *array,
                              const void **buffers)
{
    uint8_t offset = take(from) % 9, nulls = take(from);
    int64_t all = rows + offset;
    *array = (struct ArrowArray){
        .length = rows, .offset = offset, .n_buffers = 2, .buffers = buffers, .release = release_array};
    array->null_count = nulls < 100 ? 0 : nulls < 200 ? -1 : nulls - 205;
    buffers[0] = nulls % 3 != 0 ? take_block(from, (size_t)(all + 7) / 8) : NULL;
    if (strcmp(format, "u") == 0 || strcmp(format, "U") == 0) {
        int64_t bytes = take(from);
        buffers[1] = take_offsets(from, all, format[0] == 'U', bytes);
        buffers[2] = bytes > 0 ? take_block(from, (size_t)bytes) : NULL;
        array->n_buffers = 3;
    } else if (strcmp(format, "vu") == 0) {
        take_views(from, array, buffers, all);
    } else if (strcmp(format, "n") == 0) {
        array->n_buffers = 0;
    } else {
        buffers[1] = take_block(from, (size_t)all * width_of(format));
    }
}

static const char *take_format(input *from, const char *const *list, size_t count)
{
    return list[take(from) % count];
}

/* A column of a schema: any format, and now and then a dictionary of that. */
static inline void take_schema(input *from, field *made)
{
    made->schema = (struct ArrowSchema){.name = "column"};
    const char *format = take_format(from, formats, sizeof formats / sizeof formats[0]);
    if (take(from) % 3 == 0) {
        made->value_schema = (struct ArrowSchema){.format = format, .name = ""};
        made->schema.dictionary = &made->value_schema;
        format = take_format(from, index_formats, sizeof index_formats / sizeof index_formats[0]);
    }
    made->schema.format = format;
}

/* Indices that mostly lie in the dictionary, as raw input would not. */
static inline void take_indices(input *from, const char *format, column_data *made)
{
    size_t width = width_of(format);
    uint8_t *indices = take_block(from, (size_t)(made->array.offset + made->array.length) * width);
    for (int64_t i = 0; i < made->array.offset + made->array.length; i++) {
        uint8_t index = take(from);
        if (index < 252) {
            memset(indices + (size_t)i * width, 0, width);
            indices[(size_t)i * width] = index % 8;
        }
    }
    made->buffers[0][1] = indices;
}

static inline void take_rows(input *from, const struct ArrowSchema *schema, int64_t rows, column_data *made)
{
    take_array(from, schema->format, rows, &made->array, made->buffers[0]);
    if (schema->dictionary != NULL) {
        take_indices(from, schema->format, made);
        take_array(from, schema->dictionary->format, take(from) % 10, &made->value_array, made->buffers[1]);
        made->array.dictionary = &made->value_array;
    }
    if (take(from) == 255) { /* shorter than the batch, even negative */
        made->array.length -= 1 + take(from);
    }
}

/* A stream of batches, each with structs of its own: a consumer may ask for the next one before it reads the last. What
 * damages them gets each one before the reader does. */
typedef struct producer {
    input from;
    field fields[MOST_COLUMNS];
    struct ArrowSchema *schemas[MOST_COLUMNS];
    batch *batch; /* the last one */
    int64_t column_count;
    void (*damage_schema)(struct producer *, struct ArrowSchema *);
    void (*damage_batch)(struct producer *, struct ArrowArray *);
} producer;

static inline void release_schema(struct ArrowSchema *schema)
{
    schema->release = NULL;
}

static inline int next_schema(struct ArrowArrayStream *stream, struct ArrowSchema *schema)
{
    producer *source = stream->private_data;
    source->column_count = take(&source->from) % (MOST_COLUMNS + 1);
    for (int64_t i = 0; i < source->column_count; i++) {
        take_schema(&source->from, &source->fields[i]);
        source->schemas[i] = &source->fields[i].schema;
    }
    *schema = (struct ArrowSchema){
        .format = "+s", .n_children = source->column_count, .children = source->schemas, .release = release_schema};
    if (source->damage_schema != NULL) {
        source->damage_schema(source, schema);
    }
    return 0;
}

static inline int next_batch(struct ArrowArrayStream *stream, struct ArrowArray *array)
{
    producer *source = stream->private_data;
    *array = (struct ArrowArray){0};
    if (source->from.left == 0 || source->from.block_count > MOST_BLOCKS / 2) {
        return 0;
    }
    int64_t rows = take(&source->from) % MOST_ROWS, offset = take(&source->from) % 4;
    source->batch = make_block(&source->from, sizeof *source->batch);
    for (int64_t i = 0; i < source->column_count; i++) {
        take_rows(&source->from, &source->fields[i].schema, rows + offset, &source->batch->columns[i]);
        source->batch->arrays[i] = &source->batch->columns[i].array;
    }
    *array = (struct ArrowArray){.length = rows,
                                 .offset = offset,
                                 .n_children = source->column_count,
                                 .children = source->batch->arrays,
                                 .release = release_array};
    if (source->damage_batch != NULL) {
        source->damage_batch(source, array);
    }
    return 0;
}

static const char *no_error(struct ArrowArrayStream *stream)
{
    (void)stream;
    return NULL;
}

static inline void release_stream(struct ArrowArrayStream *stream)
{
    stream->release = NULL;
}

/* Looks at each byte of a chunk, which a sanitizer watches, and at each code of a text. */
static inline void check_chunk(const za_column *column, const za_column_chunk *chunk)
{
    const int32_t *codes = chunk->values;
    const int64_t *others = chunk->values;
    int64_t sum = 0;
    for (int64_t row = 0; row < chunk->rows; row++) {
        bool text = column->kind == ZA_COLUMN_TEXT;
        sum ^= text ? codes[row] : others[row];
        if (text && (codes[row] < -1 || codes[row] >= column->text_count)) {
            abort();
        }
    }
    volatile int64_t seen = sum;
    (void)seen;
}

/* Ends the program where the table is not what the header promises. */
static inline void check_table(const za_table *table)
{
    for (int64_t i = 0; i < table->column_count; i++) {
        const za_column *column = &table->columns[i];
        if (column->rows != table->rows || column->name == NULL || column->format == NULL) {
            abort();
        }
        int64_t rows = 0;
        for (int64_t k = 0; k < column->chunk_count; k++) {
            rows += column->chunks[k].rows;
            check_chunk(column, &column->chunks[k]);
        }
        if (column->chunk_count > 0 && rows != column->rows) {
            abort();
        }
        for (int32_t k = 0; k < column->text_count; k++) {
            if (column->texts[k][column->text_lengths[k]] != '\0') {
                abort();
            }
        }
    }
}

/* Reads what `feed` makes of the bytes and ends the program where that is neither a sound table nor an error with a
 * sentence. The first byte says when memory runs out; from 200 on, never. */
static inline void read_bytes(producer *feed, const uint8_t *bytes, size_t length)
{
    feed->from = (input){.bytes = bytes, .left = length};
    struct ArrowArrayStream stream = {.get_schema = next_schema,
                                      .get_next = next_batch,
                                      .get_last_error = no_error,
                                      .release = release_stream,
                                      .private_data = feed};
    za_table table = {0};
    za_error error = {0};
    uint8_t successes = take(&feed->from);
    za_memory_fail_after(successes < 200 ? successes : -1);
    struct ArrowSchema schema;
    za_code code = za_arrow_read_schema(&stream, &schema, &error);
    if (code == ZA_OK) {
        code = za_arrow_read_stream(&stream, (za_arrow_selection){.schema = &schema}, &table, &error);
    }
    if (schema.release != NULL) {
        schema.release(&schema);
    }
    za_memory_fail_after(-1);
    if (code == ZA_OK) {
        check_table(&table);
        za_table_free(&table);
    } else if (error.code != code || error.text[0] == '\0' || table.columns != NULL) {
        abort();
    }
    for (int i = 0; i < feed->from.block_count; i++) {
        free(feed->from.blocks[i]);
    }
}

/* What makes batches of many rows, behind the bytes of a seed that say of which columns. */
#define FILLER                                                                                                         \
    9, 0, 0, 150, 255, 255, 1, 2, 3, 4, 5, 6, 7, 8, 9, 60, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 65, 66, 67, 68, 69, 70, 71,   \
        72, 0, 0, 0, 1, 0, 2, 0, 3, 0, 0, 12, 1, 0, 150, 85, 170, 80, 3, 80, 90, 0, 0, 1, 7, 7, 7, 65, 65, 65, 65

#endif
