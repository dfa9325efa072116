/* Whole batches and streams of them: what is released, what is refused, what is left after a failure. */
#include <errno.h>

#include "arrow_sample.h"
#include "base/memory.h"

enum { MOST_COLUMNS = 5 };

static za_code read_copy(const struct ArrowSchema *schema, struct ArrowArray array, za_table *table, za_error *error)
{
    za_code code = za_arrow_read_array((za_arrow_selection){.schema = schema}, &array, table, error);
    CHECK(array.release == NULL); /* it has moved */
    return code;
}

static void test_top_level(void)
{
    sample column = sample_of("g", 2, 0, 2, (const void *[]){NULL, (double[]){1, 2}});
    za_table table = {0};
    za_error error = {0};
    CHECK(read_copy(&column.schema, column.array, &table, &error) == ZA_BAD_TYPE);
    CHECK(strstr(error.text, "'g'") != NULL);
    struct ArrowSchema *schemas[] = {NULL};
    struct ArrowSchema schema = {.format = "+s", .n_children = 1, .children = schemas, .release = release_schema};
    struct ArrowArray array = {.length = 2, .null_count = -1, .release = release_array};
    CHECK(read_copy(&schema, array, &table, &error) == ZA_BAD_VALUE);
    schemas[0] = &column.schema;
    CHECK(read_copy(&schema, array, &table, &error) == ZA_BAD_VALUE);
    CHECK(strstr(error.text, "0 columns, its schema 1") != NULL);
    struct ArrowArray *arrays[] = {NULL};
    array.n_children = 1;
    array.children = arrays;
    CHECK(read_copy(&schema, array, &table, &error) == ZA_OK);
    CHECK(table.columns[0].kind == ZA_COLUMN_BROKEN && strstr(table.columns[0].fault, "is missing") != NULL);
    za_table_free(&table);
    arrays[0] = &column.array;
    array.n_buffers = 1;
    array.buffers = (const void *[]){"\x01"};
    CHECK(read_copy(&schema, array, &table, &error) == ZA_BAD_VALUE);
    CHECK(strcmp(error.text, "row 1 is null as a whole") == 0);
    array.release = NULL;
    CHECK(read_copy(&schema, array, &table, &error) == ZA_BAD_VALUE);
    CHECK(table.columns == NULL);
}

/* A stream of up to four batches of five columns: text, time, whole numbers with a null in the second batch, a
 * dictionary of floats, and doubles. */
typedef struct feed {
    int next, batches, fail_at, fail_with;
    int64_t late_time; /* the last one of the second batch; 0: like the others */
    const char *sentence;
    const bool *wanted; /* of the columns; NULL: all */
    int64_t rows;       /* of each batch; 0: 3, which all columns have */
} feed;

/* Each batch has its own memory: a reader may hold several. */
static struct feed_batch {
    sample samples[MOST_COLUMNS], values;
    struct ArrowArray *columns[MOST_COLUMNS];
    int64_t times[3];
    const void *time_buffers[2];
} feed_batches[4];
enum { LONG_BATCH = 20000 };
static const double feed_doubles[LONG_BATCH] = {1.5, 2.5, 3.5};

static struct feed_batch *fill_batch(int number, int64_t late_time)
{
    static const int32_t offsets[] = {0, 3, 7, 10};
    static const void *texts[][3] = {{NULL, offsets, "SPYAAPLQQQ"}, {NULL, offsets, "IBMTSLASPY"}};
    static const int16_t wholes[] = {7, 8, 9};
    static const void *whole_buffers[] = {"\x05", wholes};
    static const float floats[] = {0.25f, 0.5f};
    static const void *float_buffers[] = {NULL, floats};
    static const uint8_t indices[] = {1, 0, 1};
    static const void *index_buffers[] = {NULL, indices};
    static const void *double_buffers[] = {NULL, feed_doubles};
    struct feed_batch *batch = &feed_batches[number];
    *batch = (struct feed_batch){.times = {1, 2, number == 1 && late_time != 0 ? late_time : 3}};
    batch->time_buffers[1] = batch->times;
    batch->samples[0] = sample_of("u", 3, 0, 3, texts[number % 2]);
    batch->samples[1] = sample_of("tss:", 3, 0, 2, batch->time_buffers);
    batch->samples[2] = sample_of("s", 3, number == 1 ? 1 : 0, 2, whole_buffers);
    batch->samples[3] = sample_of("C", 3, 0, 2, index_buffers);
    batch->samples[4] = sample_of("g", LONG_BATCH, 0, 2, double_buffers);
    batch->values = sample_of("f", 2, 0, 2, float_buffers);
    batch->samples[3].schema.dictionary = &batch->values.schema;
    batch->samples[3].array.dictionary = &batch->values.array;
    for (int i = 0; i < MOST_COLUMNS; i++) {
        batch->columns[i] = &batch->samples[i].array;
    }
    return batch;
}

static int feed_schema(struct ArrowArrayStream *stream, struct ArrowSchema *schema)
{
    static struct ArrowSchema *schemas[MOST_COLUMNS];
    (void)stream;
    struct feed_batch *first = fill_batch(0, 0);
    for (int i = 0; i < MOST_COLUMNS; i++) {
        schemas[i] = &first->samples[i].schema;
    }
    *schema = (struct ArrowSchema){
        .format = "+s", .n_children = MOST_COLUMNS, .children = schemas, .release = release_schema};
    return 0;
}

static int feed_next(struct ArrowArrayStream *stream, struct ArrowArray *batch)
{
    feed *source = stream->private_data;
    if (source->next == source->fail_at) {
        return source->fail_with;
    }
    if (source->next < source->batches) {
        *batch = (struct ArrowArray){.length = source->rows != 0 ? source->rows : 3,
                                     .n_children = MOST_COLUMNS,
                                     .children = fill_batch(source->next, source->late_time)->columns,
                                     .release = release_array};
    } else {
        batch->release = NULL;
    }
    source->next += 1;
    return 0;
}

static const char *feed_error(struct ArrowArrayStream *stream)
{
    const feed *source = stream->private_data;
    return source->sentence;
}

static void feed_release(struct ArrowArrayStream *stream)
{
    stream->release = NULL;
}

static za_code read_feed(feed *source, za_table *table, za_error *error)
{
    struct ArrowArrayStream stream = {.get_schema = feed_schema,
                                      .get_next = feed_next,
                                      .get_last_error = feed_error,
                                      .release = feed_release,
                                      .private_data = source};
    released_schemas = released_arrays = 0;
    struct ArrowSchema schema;
    za_code code = za_arrow_read_schema(&stream, &schema, error);
    if (code == ZA_OK) {
        code = za_arrow_read_stream(&stream, (za_arrow_selection){&schema, source->wanted}, table, error);
        schema.release(&schema);
    }
    CHECK(stream.release != NULL); /* stays with its owner */
    return code;
}

static void check_feed_table(const za_table *table)
{
    const za_column *columns = table->columns;
    if (!CHECK(table->column_count == MOST_COLUMNS && table->rows == 12)) {
        return;
    }
    CHECK(columns[0].text_count == 5);
    CHECK(memcmp(codes_of(&columns[0]), (int32_t[]){0, 1, 2, 3, 4, 0, 0, 1, 2, 3, 4, 0}, 12 * sizeof(int32_t)) == 0);
    CHECK(integers_of(&columns[1])[11] == INT64_C(3000000000));
    CHECK(columns[2].kind == ZA_COLUMN_WHOLE && integers_of(&columns[2])[0] == 7 && integers_of(&columns[2])[11] == 9);
    CHECK(columns[2].missing != NULL && memcmp(columns[2].missing, "\0\0\0\0\1\0\0\0\0\0\0\0", 12) == 0);
    CHECK(columns[3].kind == ZA_COLUMN_NUMBER && numbers_of(&columns[3])[9] == 0.5 &&
          numbers_of(&columns[3])[10] == 0.25);
    const za_column_chunk *doubles = columns[4].chunks;
    CHECK(columns[4].chunk_count == 2 && doubles[0].rows == 3 && doubles[1].rows == 9);
    CHECK(za_column_chunk_is_lent(&doubles[0]) && !za_column_chunk_is_lent(&doubles[1]));
    CHECK(((const double *)doubles[0].values)[0] == 1.5 && ((const double *)doubles[1].values)[8] == 3.5);
}

/* What needs no decoding is shown where it lies; it moves out of its batch, which is released. */
static void test_a_batch_that_lends_its_values(void)
{
    za_table table = {0};
    za_error error = {0};
    feed source = {.batches = 1, .fail_at = -1};
    if (!CHECK(read_feed(&source, &table, &error) == ZA_OK)) {
        return;
    }
    CHECK(released_arrays == 1);
    for (int i = 0; i < MOST_COLUMNS; i++) {
        CHECK(table.columns[i].rows == 3 && za_column_chunk_is_lent(&table.columns[i].chunks[0]) == (i == 4));
    }
    CHECK(values_of(&table.columns[4]) == feed_doubles && integers_of(&table.columns[1])[2] == INT64_C(3000000000));
    za_table_free(&table);
    CHECK(released_arrays == 2);
}

/* Each long batch is a chunk; a short one behind it is not, but is decoded. */
static void test_long_batches_lend_their_values(void)
{
    za_table table = {0};
    za_error error = {0};
    feed source = {
        .batches = 4, .fail_at = -1, .rows = LONG_BATCH, .wanted = (bool[]){false, false, false, false, true}};
    if (!CHECK(read_feed(&source, &table, &error) == ZA_OK)) {
        return;
    }
    CHECK(released_arrays == 4 && table.rows == 4 * LONG_BATCH && table.columns[4].chunk_count == 4);
    for (int64_t i = 0; i < table.columns[4].chunk_count; i++) {
        const za_column_chunk *chunk = &table.columns[4].chunks[i];
        CHECK(za_column_chunk_is_lent(chunk) && chunk->values == feed_doubles && chunk->rows == LONG_BATCH);
    }
    za_table_free(&table);
    CHECK(released_arrays == 8);
}

/* Rows [1, 3) of a column of 32 bytes: whether they were lent. */
static bool is_lent(const char *format, const void *bitmap, const char *values)
{
    const void *buffers[] = {bitmap, values};
    sample column = sample_of(format, 4, bitmap == NULL ? 0 : -1, 2, buffers);
    za_table table = {0};
    za_error error = {0};
    CHECK(read_slice(&column, 1, 2, &table, &error) == ZA_OK);
    const za_column *read = &table.columns[0];
    bool lent = za_column_chunk_is_lent(&read->chunks[0]);
    CHECK(lent == (values_of(read) == (const void *)(values + 8)));
    za_table_free(&table);
    return lent;
}

static void test_which_values_are_lent(void)
{
    static const int64_t zeros[5];
    const char *values = (const char *)zeros;
    CHECK(is_lent("g", NULL, values) && is_lent("l", NULL, values) && is_lent("L", NULL, values));
    CHECK(is_lent("tsn:", NULL, values) && is_lent("tsn:UTC", NULL, values));
    CHECK(!is_lent("tsu:", NULL, values) && !is_lent("f", NULL, values) && !is_lent("g", "\x0f", values));
    CHECK(!is_lent("g", NULL, values + 4));
}

static void test_streams(void)
{
    za_table table = {0};
    za_error error = {0};
    feed source = {.batches = 4, .fail_at = -1};
    if (CHECK(read_feed(&source, &table, &error) == ZA_OK)) {
        check_feed_table(&table);
        za_table_free(&table);
    }
    CHECK(released_schemas == 1 && released_arrays == 5);
    source = (feed){.batches = 0, .fail_at = -1};
    if (CHECK(read_feed(&source, &table, &error) == ZA_OK)) {
        CHECK(table.rows == 0 && table.column_count == MOST_COLUMNS && integers_of(&table.columns[1]) != NULL);
        za_table_free(&table);
    }
}

/* A column that nobody wants is not looked at: its broken values are nobody's. */
static void test_columns_that_are_not_wanted(void)
{
    za_table table = {0};
    za_error error = {0};
    feed source = {
        .batches = 4, .fail_at = -1, .late_time = INT64_MAX, .wanted = (bool[]){false, false, true, true, true}};
    if (CHECK(read_feed(&source, &table, &error) == ZA_OK)) {
        for (int i = 0; i < 2; i++) {
            CHECK(table.columns[i].kind == ZA_COLUMN_UNSUPPORTED && table.columns[i].fault == NULL);
            CHECK(codes_of(&table.columns[i]) == NULL && integers_of(&table.columns[i]) == NULL);
        }
        CHECK(integers_of(&table.columns[2])[11] == 9 && numbers_of(&table.columns[3])[10] == 0.25);
        za_table_free(&table);
    }
}

/* A time out of range in the second batch is as null, and the column's fault. */
static void test_a_time_out_of_range(void)
{
    za_table table = {0};
    za_error error = {0};
    feed source = {.batches = 4, .fail_at = -1, .late_time = INT64_MAX};
    if (CHECK(read_feed(&source, &table, &error) == ZA_OK)) {
        const za_column *times = &table.columns[1];
        CHECK(times->kind == ZA_COLUMN_TIME && times->rows == 12 && times->fault_row == 5);
        CHECK(integers_of(times)[5] == INT64_MIN && integers_of(times)[4] != INT64_MIN);
        CHECK(strstr(times->fault, "column 'x', row 5: 9223372036854775807 s is out of range") != NULL);
        CHECK(table.columns[0].text_count == 5 && integers_of(&table.columns[2])[11] == 9);
        za_table_free(&table);
    }
}

static void test_streams_that_fail(void)
{
    za_table table = {0};
    za_error error = {0};
    feed source = {.batches = 4, .fail_at = 2, .fail_with = EIO, .sentence = "the wire was cut"};
    CHECK(read_feed(&source, &table, &error) == ZA_SYSTEM);
    CHECK(strstr(error.text, "the wire was cut") != NULL);
    CHECK(released_schemas == 1 && released_arrays == 3); /* two batches, and what the first one lent */
    source = (feed){.batches = 4, .fail_at = 0, .fail_with = EINVAL};
    CHECK(read_feed(&source, &table, &error) == ZA_BAD_VALUE);
    source = (feed){.batches = 4, .fail_at = 0, .fail_with = ENOMEM};
    CHECK(read_feed(&source, &table, &error) == ZA_NO_MEMORY);
    struct ArrowArrayStream stream = {0};
    struct ArrowSchema schema;
    CHECK(za_arrow_read_schema(&stream, &schema, &error) == ZA_BAD_VALUE);
    CHECK(table.columns == NULL);
}

/* What the protocol gives for the end of a stream is not a schema. */
static int no_schema(struct ArrowArrayStream *stream, struct ArrowSchema *schema)
{
    (void)stream;
    *schema = (struct ArrowSchema){.format = "+s", .n_children = MOST_COLUMNS};
    return 0;
}

static void test_a_schema_that_is_released(void)
{
    struct ArrowArrayStream stream = {.get_schema = no_schema, .get_next = feed_next, .release = feed_release};
    struct ArrowSchema schema;
    za_error error = {0};
    CHECK(za_arrow_read_schema(&stream, &schema, &error) == ZA_BAD_VALUE);
    CHECK(strcmp(error.text, "the Arrow stream gave no schema") == 0);
}

/* Every allocation of a read fails once; leaks are for AddressSanitizer to find. */
static void check_memory_that_runs_out(int64_t late_time)
{
    for (long successes = 0; successes < 1000; successes++) {
        za_table table = {0};
        za_error error = {0};
        feed source = {.batches = 4, .fail_at = -1, .late_time = late_time};
        za_memory_fail_after(successes);
        za_code code = read_feed(&source, &table, &error);
        za_memory_fail_after(-1);
        if (code == ZA_OK) {
            CHECK(successes > 20);
            CHECK((table.columns[1].fault != NULL) == (late_time != 0));
            za_table_free(&table);
            return;
        }
        CHECK(code == ZA_NO_MEMORY && table.columns == NULL && released_schemas == 1);
    }
    CHECK(false);
}

int main(void)
{
    test_top_level();
    test_streams();
    test_a_batch_that_lends_its_values();
    test_long_batches_lend_their_values();
    test_which_values_are_lent();
    test_columns_that_are_not_wanted();
    test_a_time_out_of_range();
    test_streams_that_fail();
    test_a_schema_that_is_released();
    check_memory_that_runs_out(0);
    check_memory_that_runs_out(INT64_MAX);
    return check_report("arrow stream");
}
