/* One column at a time: each layout that is read, and each way to break it. */
#include "arrow_sample.h"
#include "base/memory.h"

static void check_whole(const char *format, const void *values)
{
    static const int64_t wanted[] = {1, 2, 100};
    za_column_kind kind = strcmp(format, "L") == 0 ? ZA_COLUMN_UNSIGNED : ZA_COLUMN_WHOLE;
    za_table table;
    sample column = sample_of(format, 3, 0, 2, (const void *[]){NULL, values});
    const za_column *read = read_good(&column, &table, kind);
    if (read != NULL) {
        CHECK(memcmp(integers_of(read), wanted, sizeof wanted) == 0);
        CHECK(strcmp(read->name, "x") == 0 && strcmp(read->format, format) == 0);
    }
    za_table_free(&table);
}

static void test_whole_numbers(void)
{
    check_whole("l", (int64_t[]){1, 2, 100});
    check_whole("L", (uint64_t[]){1, 2, 100});
    check_whole("i", (int32_t[]){1, 2, 100});
    check_whole("I", (uint32_t[]){1, 2, 100});
    check_whole("s", (int16_t[]){1, 2, 100});
    check_whole("S", (uint16_t[]){1, 2, 100});
    check_whole("c", (int8_t[]){1, 2, 100});
    check_whole("C", (uint8_t[]){1, 2, 100});
}

static void test_whole_numbers_at_their_limits(void)
{
    za_table table;
    sample column = sample_of("c", 2, 0, 2, (const void *[]){NULL, (int8_t[]){-128, 127}});
    const za_column *read = read_good(&column, &table, ZA_COLUMN_WHOLE);
    CHECK(read != NULL && integers_of(read)[0] == -128 && integers_of(read)[1] == 127 && read->missing == NULL);
    za_table_free(&table);
    column = sample_of("L", 2, 0, 2, (const void *[]){NULL, (uint64_t[]){1, UINT64_MAX}});
    read = read_good(&column, &table, ZA_COLUMN_UNSIGNED);
    CHECK(read != NULL && integers_of(read)[0] == 1 && (uint64_t)integers_of(read)[1] == UINT64_MAX);
    za_table_free(&table);
}

static void test_whole_numbers_with_nulls(void)
{
    za_table table;
    sample column = sample_of("l", 3, 1, 2, (const void *[]){"\x05", (int64_t[]){INT64_MAX, 99, 7}});
    const za_column *read = read_good(&column, &table, ZA_COLUMN_WHOLE);
    if (read != NULL && CHECK(read->missing != NULL)) {
        CHECK(memcmp(integers_of(read), (int64_t[]){INT64_MAX, 0, 7}, 3 * sizeof(int64_t)) == 0);
        CHECK(memcmp(read->missing, "\0\1\0", 3) == 0);
    }
    za_table_free(&table);
}

static void test_floats(void)
{
    za_table table;
    sample column = sample_of("g", 3, 1, 2, (const void *[]){"\x05", (double[]){1.5, 7, -2}});
    const za_column *read = read_good(&column, &table, ZA_COLUMN_NUMBER);
    CHECK(read != NULL && numbers_of(read)[0] == 1.5 && isnan(numbers_of(read)[1]) && numbers_of(read)[2] == -2);
    za_table_free(&table);
    column = sample_of("f", 2, 0, 2, (const void *[]){NULL, (float[]){0.5f, 1e30f}});
    read = read_good(&column, &table, ZA_COLUMN_NUMBER);
    CHECK(read != NULL && numbers_of(read)[0] == 0.5 && numbers_of(read)[1] == (double)1e30f);
    za_table_free(&table);
}

static void test_half_floats(void)
{
    static const uint16_t halves[] = {0x3c00, 0xc000, 0x7bff, 0x0001, 0x0400, 0x7c00, 0xfc00, 0x8000, 0x3555, 0x7e00};
    static const double wanted[] = {1, -2, 65504, 0x1p-24, 0x1p-14, INFINITY, -INFINITY, -0.0, 0x1.554p-2, NAN};
    enum { COUNT = sizeof wanted / sizeof wanted[0] };
    za_table table;
    sample column = sample_of("e", COUNT, 0, 2, (const void *[]){NULL, halves});
    const za_column *read = read_good(&column, &table, ZA_COLUMN_NUMBER);
    for (int i = 0; read != NULL && i < COUNT; i++) {
        CHECK_NEAR(numbers_of(read)[i], wanted[i], 0);
        CHECK(isnan(wanted[i]) || signbit(numbers_of(read)[i]) == signbit(wanted[i]));
    }
    za_table_free(&table);
}

static void test_nothing(void)
{
    za_table table;
    sample column = sample_of("n", 3, 3, 0, NULL);
    const za_column *read = read_good(&column, &table, ZA_COLUMN_NUMBER);
    CHECK(read != NULL && isnan(numbers_of(read)[0]) && isnan(numbers_of(read)[2]));
    za_table_free(&table);
}

static void check_time(const char *format, const void *values, int64_t wanted)
{
    za_table table;
    sample column = sample_of(format, 2, 1, 2, (const void *[]){"\x01", values});
    const za_column *read = read_good(&column, &table, ZA_COLUMN_TIME);
    CHECK(read != NULL && integers_of(read)[0] == wanted && integers_of(read)[1] == INT64_MIN);
    za_table_free(&table);
}

/* A time out of range is as null, and the column's fault. */
static void check_far_time(sample *column, int64_t row, const char *words)
{
    za_table table;
    const za_column *read = read_good(column, &table, ZA_COLUMN_TIME);
    CHECK(read != NULL && integers_of(read)[row] == INT64_MIN && read->fault_row == row);
    CHECK(read != NULL && read->fault != NULL && strstr(read->fault, words) != NULL);
    za_table_free(&table);
}

static void test_times(void)
{
    check_time("tss:", (int64_t[]){1700000000, INT64_MAX}, INT64_C(1700000000000000000));
    check_time("tsm:Europe/Berlin", (int64_t[]){1700000000001, 0}, INT64_C(1700000000001000000));
    check_time("tsu:UTC", (int64_t[]){-1, 0}, -1000);
    check_time("tsn:+07:30", (int64_t[]){INT64_MAX, 0}, INT64_MAX);
    check_time("tdD", (int32_t[]){-1, 0}, INT64_C(-86400000000000));
    check_time("tdm", (int64_t[]){86400000, 0}, INT64_C(86400000000000));
    sample column = sample_of("tss:", 2, 0, 2, (const void *[]){NULL, (int64_t[]){0, INT64_C(9223372037)}});
    check_far_time(&column, 1, "column 'x', row 1: 9223372037 s is out of range");
    column = sample_of("tdD", 1, 0, 2, (const void *[]){NULL, (int32_t[]){INT32_MIN}});
    check_far_time(&column, 0, "column 'x', row 0: -2147483648 days is out of range");
}

static void test_decimals(void)
{
    static const uint64_t values[] = {12345, 0, (uint64_t)-250, UINT64_MAX, 0, 1};
    za_table table;
    sample column = sample_of("d:18,2", 3, 0, 2, (const void *[]){NULL, values});
    const za_column *read = read_good(&column, &table, ZA_COLUMN_NUMBER);
    CHECK(read != NULL && numbers_of(read)[0] == 123.45 && numbers_of(read)[1] == -2.5 &&
          numbers_of(read)[2] == 0x1p64 / 100);
    za_table_free(&table);
    column = sample_of("d:5,-3,128", 1, 0, 2, (const void *[]){NULL, values});
    read = read_good(&column, &table, ZA_COLUMN_NUMBER);
    CHECK(read != NULL && numbers_of(read)[0] == 12345000);
    za_table_free(&table);
}

static void test_other_types_are_named(void)
{
    static const char *const formats[] = {"b",      "w:16",       "ttn",      "tDn",        "tiM",  "+l",
                                          "+r",     "d:76,2,256", "d:9,2,32", "ts",         "tsx:", "",
                                          "d:99,2", "d:9",        "tdX",      "d:9,2,128x", "gg"};
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
        za_table table;
        sample column = sample_of(formats[i], 2, 0, 0, NULL);
        const za_column *read = read_good(&column, &table, ZA_COLUMN_UNSUPPORTED);
        CHECK(read != NULL && strcmp(read->format, formats[i]) == 0 && numbers_of(read) == NULL &&
              codes_of(read) == NULL);
        za_table_free(&table);
    }
}

/* SPY, SPY, null, "", SPY */
static void check_five_texts(sample *column, const char *format)
{
    za_table table;
    const za_column *read = read_good(column, &table, ZA_COLUMN_TEXT);
    if (read != NULL && CHECK(read->text_count == 2)) {
        CHECK(memcmp(codes_of(read), (int32_t[]){0, 0, -1, 1, 0}, 5 * sizeof(int32_t)) == 0);
        CHECK(strcmp(read->texts[0], "SPY") == 0 && read->text_lengths[0] == 3);
        CHECK(read->texts[1][0] == '\0' && read->text_lengths[1] == 0);
        CHECK(strcmp(read->format, format) == 0);
    }
    za_table_free(&table);
}

static void test_texts(void)
{
    sample column = sample_of("u", 5, 1, 3, (const void *[]){"\x1b", (int32_t[]){0, 3, 6, 9, 9, 12}, "SPYSPYxxxSPY"});
    check_five_texts(&column, "u");
    column = sample_of("U", 5, -1, 3, (const void *[]){"\x1b", (int64_t[]){0, 3, 6, 9, 9, 12}, "SPYSPYxxxSPY"});
    check_five_texts(&column, "U");
    column = sample_of("z", 5, 1, 3, (const void *[]){"\x1b", (int32_t[]){0, 3, 6, 9, 9, 12}, "SPYSPYxxxSPY"});
    check_five_texts(&column, "z");
    column = sample_of("Z", 5, -1, 3, (const void *[]){"\x1b", (int64_t[]){0, 3, 6, 9, 9, 12}, "SPYSPYxxxSPY"});
    check_five_texts(&column, "Z");
    column = sample_of("u", 2, 0, 3, (const void *[]){NULL, (int32_t[]){0, 0, 0}, NULL});
    za_table table;
    const za_column *read = read_good(&column, &table, ZA_COLUMN_TEXT);
    CHECK(read != NULL && read->text_count == 1 && codes_of(read)[1] == 0);
    za_table_free(&table);
    column = sample_of("u", 0, 0, 3, (const void *[]){NULL, NULL, NULL});
    read = read_good(&column, &table, ZA_COLUMN_TEXT);
    CHECK(read != NULL && read->text_count == 0);
    za_table_free(&table);
}

static void test_broken_texts(void)
{
    sample column = sample_of("u", 2, 0, 3, (const void *[]){NULL, (int32_t[]){0, 3, 2}, "abc"});
    check_broken(&column, "column 'x', row 0: the offsets");
    column = sample_of("U", 2, 0, 3, (const void *[]){NULL, (int64_t[]){0, 1, -1}, "abc"});
    check_broken(&column, "column 'x', row 0: the offsets");
    column = sample_of("u", 2, 0, 3, (const void *[]){NULL, (int32_t[]){-1, 1, 2}, "abc"});
    check_broken(&column, "column 'x', row 0: the offsets");
    column = sample_of("u", 1, 0, 3, (const void *[]){NULL, (int32_t[]){0, 3}, NULL});
    check_broken(&column, "column 'x', row 0: the bytes");
    static const char *const wrong[] = {"\xff\x41\x41\x41", "\xc0\x80\x41\x41", "\xed\xa0\x80\x41", "\xf4\x90\x80\x80",
                                        "AAA\xc3",          "A\xe2\x82\x41",    "\xe0\x80\x80\x41", "\xf0\x8f\xbf\xbf"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        column = sample_of("u", 1, 0, 3, (const void *[]){NULL, (int32_t[]){0, 4}, wrong[i]});
        check_broken(&column, "column 'x', row 0: the text is not UTF-8");
    }
}

static void test_every_length_of_utf8(void)
{
    za_table table;
    sample column =
        sample_of("u", 1, 0, 3, (const void *[]){NULL, (int32_t[]){0, 10}, "A\xc3\xa9\xe2\x82\xac\xf0\x9f\x93\x88"});
    const za_column *read = read_good(&column, &table, ZA_COLUMN_TEXT);
    CHECK(read != NULL && read->text_lengths[0] == 10 && read->texts[0][10] == '\0');
    za_table_free(&table);
}

typedef struct view {
    int32_t length;
    union {
        char inside[12];
        struct {
            char prefix[4];
            int32_t buffer, offset;
        } outside;
    } where;
} view;

static void test_text_views(void)
{
    static const view views[] = {{3, {.inside = "SPY"}},
                                 {3, {.inside = "SPY"}},
                                 {-9, {.inside = "null"}},
                                 {0, {.inside = ""}},
                                 {3, {.inside = "SPY"}}};
    sample column = sample_of("vu", 5, 1, 3, (const void *[]){"\x1b", views, NULL});
    check_five_texts(&column, "vu");
    static const view outside[] = {{13, {.outside = {"lon", 1, 2}}},
                                   {12, {.inside = {'t', 'w', 'e', 'l', 'v', 'e', ' ', 'b', 'y', 't', 'e', 's'}}}};
    column = sample_of("vu", 2, 0, 5, (const void *[]){NULL, outside, "", "__long text 13 ", (int64_t[]){0, 15}});
    za_table table;
    const za_column *read = read_good(&column, &table, ZA_COLUMN_TEXT);
    CHECK(read != NULL && strcmp(read->texts[0], "long text 13 ") == 0 && strcmp(read->texts[1], "twelve bytes") == 0);
    za_table_free(&table);
}

static void test_broken_text_views(void)
{
    static const view wrong[] = {{-1, {.inside = ""}},
                                 {13, {.outside = {"lon", 1, 0}}},
                                 {13, {.outside = {"lon", -1, 0}}},
                                 {13, {.outside = {"lon", 0, -1}}},
                                 {13, {.outside = {"lon", 0, 3}}},
                                 {INT32_MAX, {.outside = {"lon", 0, INT32_MAX}}}};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        sample column = sample_of("vu", 1, 0, 4, (const void *[]){NULL, &wrong[i], "__long text 13 ", (int64_t[]){15}});
        check_broken(&column, "column 'x', row 0: the ");
    }
    sample column = sample_of("vu", 1, 0, 2, (const void *[]){NULL, wrong});
    check_broken(&column, "too few buffers");
}

/* `indices` into the texts "QQQ", "SPY", "", null. */
static sample text_dictionary(sample *values, const char *format, const void **index_buffers)
{
    static const int32_t offsets[] = {0, 3, 6, 6, 6};
    static const void *buffers[] = {"\x07", offsets, "QQQSPY"};
    *values = sample_of("u", 4, 1, 3, buffers);
    sample column = sample_of(format, 5, 0, 2, index_buffers);
    column.schema.dictionary = &values->schema;
    column.array.dictionary = &values->array;
    return column;
}

static void test_text_dictionaries(void)
{
    sample values;
    sample column = text_dictionary(&values, "c", (const void *[]){NULL, (int8_t[]){1, 1, 3, 2, 1}});
    check_five_texts(&column, "u");
    column = text_dictionary(&values, "L", (const void *[]){"\x1b", (uint64_t[]){1, 1, 999, 2, 1}});
    column.array.null_count = 1;
    check_five_texts(&column, "u");
    column = text_dictionary(&values, "i", (const void *[]){NULL, (int32_t[]){1, 4, 3, 2, 1}});
    check_broken(&column, "column 'x', row 1: the index");
    column = text_dictionary(&values, "i", (const void *[]){NULL, (int32_t[]){1, 1, -1, 2, 1}});
    check_broken(&column, "column 'x', row 2: the index");
    column = text_dictionary(&values, "g", (const void *[]){NULL, (double[]){0, 0, 0, 0, 0}});
    check_refused(&column, ZA_BAD_VALUE, "whole numbers");
    column = text_dictionary(&values, "i", (const void *[]){NULL, (int32_t[]){1, 1, 0, 2, 1}});
    column.array.dictionary = NULL;
    check_broken(&column, "dictionary");
}

/* One more layer: indices {2, null, 0} into `values`. */
static sample dictionary_of(sample *values)
{
    static const int32_t indices[] = {2, 99, 0};
    static const void *buffers[] = {"\x05", indices};
    sample column = sample_of("i", 3, 1, 2, buffers);
    column.schema.dictionary = &values->schema;
    column.array.dictionary = &values->array;
    return column;
}

static void test_other_dictionaries(void)
{
    za_table table;
    sample values = sample_of("f", 3, 0, 2, (const void *[]){NULL, (float[]){1, 2, 3}});
    sample column = dictionary_of(&values);
    const za_column *read = read_good(&column, &table, ZA_COLUMN_NUMBER);
    CHECK(read != NULL && numbers_of(read)[0] == 3 && isnan(numbers_of(read)[1]) && numbers_of(read)[2] == 1);
    za_table_free(&table);
    values = sample_of("tdD", 3, 1, 2, (const void *[]){"\x06", (int32_t[]){1, 2, 3}});
    column = dictionary_of(&values);
    read = read_good(&column, &table, ZA_COLUMN_TIME);
    CHECK(read != NULL && integers_of(read)[0] == INT64_C(3) * 86400000000000 && integers_of(read)[2] == INT64_MIN);
    za_table_free(&table);
    values = sample_of("l", 3, 1, 2, (const void *[]){"\x06", (int64_t[]){1, 2, 3}});
    column = dictionary_of(&values);
    read = read_good(&column, &table, ZA_COLUMN_WHOLE);
    CHECK(read != NULL && integers_of(read)[0] == 3 && read->missing != NULL &&
          memcmp(read->missing, "\0\1\1", 3) == 0);
    za_table_free(&table);
    column.array.null_count = 0;
    column.array.length = 1;
    read = read_good(&column, &table, ZA_COLUMN_WHOLE);
    CHECK(read != NULL && integers_of(read)[0] == 3 && read->missing == NULL);
    za_table_free(&table);
    values = sample_of("tss:", 3, 0, 2, (const void *[]){NULL, (int64_t[]){1, INT64_MAX, 3}});
    column = dictionary_of(&values);
    read = read_good(&column, &table, ZA_COLUMN_TIME); /* no row has the time that is out of range */
    CHECK(read != NULL && read->fault == NULL && integers_of(read)[0] == INT64_C(3) * 1000000000);
    za_table_free(&table);
    values = sample_of("tss:", 3, 0, 2, (const void *[]){NULL, (int64_t[]){INT64_MAX, INT64_MAX - 1, 3}});
    column = dictionary_of(&values);
    check_far_time(&column, 2, "column 'x', row 2: 9223372036854775807 s is");
}

static void test_offsets(void)
{
    za_table table = {0};
    sample column = sample_of("i", 4, -1, 2, (const void *[]){"\xfd", (int32_t[]){10, 11, 12, 13, 14, 15}});
    column.array.offset = 2;
    za_error error = {0};
    CHECK(read_slice(&column, 1, 2, &table, &error) == ZA_OK);
    CHECK(table.rows == 2 && table.columns[0].kind == ZA_COLUMN_WHOLE && integers_of(&table.columns[0])[0] == 13);
    CHECK(table.rows == 2 && integers_of(&table.columns[0])[1] == 14);
    za_table_free(&table);
    CHECK(read_slice(&column, 3, 2, &table, &error) == ZA_OK);
    CHECK(table.columns[0].kind == ZA_COLUMN_BROKEN && strstr(table.columns[0].fault, "shorter") != NULL);
    za_table_free(&table);
    column = sample_of("u", 2, 0, 3, (const void *[]){NULL, (int32_t[]){0, 1, 2, 3, 4}, "abcd"});
    column.array.offset = 2;
    CHECK(read_slice(&column, 1, 1, &table, &error) == ZA_OK);
    CHECK(table.rows == 1 && strcmp(table.columns[0].texts[0], "d") == 0);
    za_table_free(&table);
}

static void test_broken_arrays(void)
{
    const void *buffers[] = {NULL, (double[]){1, 2}};
    sample column = sample_of("g", 2, 0, 2, buffers);
    column.array.offset = -1;
    check_broken(&column, "column 'x': the array's length or offset");
    column.array.offset = INT64_MAX;
    check_broken(&column, "column 'x': the array's length or offset");
    column = sample_of("g", -1, 0, 2, buffers);
    check_refused(&column, ZA_BAD_VALUE, "length or offset is negative");
    column = sample_of("g", 2, 1, 2, buffers);
    check_broken(&column, "bitmap is missing");
    column = sample_of("g", 2, 3, 2, (const void *[]){"\x01", buffers[1]});
    check_broken(&column, "count of nulls");
    column = sample_of("g", 2, 0, 1, buffers);
    check_broken(&column, "too few buffers");
    column = sample_of("g", 2, 0, 2, NULL);
    check_broken(&column, "too few buffers");
    column = sample_of("g", 2, 0, 2, (const void *[]){NULL, NULL});
    check_broken(&column, "no values");
    column = sample_of(NULL, 2, 0, 2, buffers);
    check_refused(&column, ZA_BAD_VALUE, "no format");
    column = sample_of("n", INT64_MAX / 16, 0, 0, NULL);
    check_refused(&column, ZA_NO_MEMORY, "memory");
}

/* More texts than the set starts with, each told apart from all others. */
static void test_many_texts(void)
{
    enum { COUNT = 20000, WIDTH = 9 };
    char *bytes = za_alloc(COUNT, WIDTH + 1);
    int32_t *offsets = za_alloc(COUNT + 1, sizeof *offsets);
    if (!CHECK(bytes != NULL && offsets != NULL)) {
        return;
    }
    for (int i = 0; i <= COUNT; i++) {
        offsets[i] = i * WIDTH;
        if (i < COUNT) {
            (void)snprintf(bytes + offsets[i], WIDTH + 1, "S%08u", (unsigned)i / 2 % 100000000);
        }
    }
    za_table table;
    sample column = sample_of("u", COUNT, 0, 3, (const void *[]){NULL, offsets, bytes});
    const za_column *read = read_good(&column, &table, ZA_COLUMN_TEXT);
    if (read != NULL && CHECK(read->text_count == COUNT / 2)) {
        CHECK(codes_of(read)[COUNT - 1] == COUNT / 2 - 1 && strcmp(read->texts[7], "S00000007") == 0);
    }
    za_table_free(&table);
    za_free(offsets);
    za_free(bytes);
}

int main(void)
{
    test_whole_numbers();
    test_whole_numbers_at_their_limits();
    test_whole_numbers_with_nulls();
    test_floats();
    test_half_floats();
    test_nothing();
    test_times();
    test_decimals();
    test_other_types_are_named();
    test_texts();
    test_broken_texts();
    test_every_length_of_utf8();
    test_text_views();
    test_broken_text_views();
    test_text_dictionaries();
    test_other_dictionaries();
    test_offsets();
    test_broken_arrays();
    test_many_texts();
    return check_report("arrow");
}
