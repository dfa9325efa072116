/* Whole tables into the store: order, doubles, rows left out, and all or nothing, against a plain reading of them. */
#include "bars_sample.h"
#include "base/memory.h"
#include "check.h"

static void test_load_replaces(void)
{
    za_bar bars[10];
    za_store *store = store_of(4);
    for (int i = 0; i < 10; i++) {
        bars[i] = bar_at(i);
    }
    CHECK(append_at(store, "A", 50));
    CHECK(load_bars(store, symbol_of("A"), bars, 3, NULL, NULL) == ZA_OK && shows(store, "A", 0, 3));
    CHECK(load_bars(store, symbol_of("A"), bars, 10, NULL, NULL) == ZA_OK && shows(store, "A", 6, 4));
    CHECK(append_at(store, "A", 10) && shows(store, "A", 7, 4));
    za_store_stats stats = za_store_stats_of(store);
    CHECK(stats.symbols == 1 && stats.bars == 4 && stats.loaded == 7 && stats.appended == 2 && stats.dropped == 6);
    za_store_free(store);
}

/* Loads a good row, the bad one, a good row; the sentence must hold `text`, and skipping leaves the two good ones. */
static void check_fault(za_bar bad, const char *text)
{
    za_bar bars[] = {bar_at(3), bad, bar_at(4)};
    za_store *store = store_of(4);
    za_error error = {0};
    za_skipped skipped = {.rows = -1};
    CHECK(append_at(store, "AAPL", 9));
    CHECK(load_bars(store, symbol_of("AAPL"), bars, 3, NULL, &error) == ZA_BAD_VALUE);
    CHECK(strstr(error.text, text) != NULL && shows(store, "AAPL", 9, 1));
    CHECK(za_store_stats_of(store).rejected == 1);
    CHECK(load_bars(store, symbol_of("AAPL"), bars, 3, &skipped, &error) == ZA_OK && skipped.rows == 1);
    CHECK(shows(store, "AAPL", 3, 2) && za_store_stats_of(store).rejected == 2);
    za_store_free(store);
}

static void test_faults(void)
{
    check_fault((za_bar){.time = 3, .figure = {1, 2, 1, 1, 0}},
                "AAPL, row 1: timestamp 1970-01-01T00:00:00.000000003+00:00 is the same");
    check_fault((za_bar){.time = 2, .figure = {1, 2, 1, 1, 0}},
                "AAPL, row 1: timestamp 1970-01-01T00:00:00.000000002+00:00 is before");
    check_fault((za_bar){.time = ZA_TIME_MISSING, .figure = {1, 2, 1, 1, 0}}, "AAPL, row 1: timestamp is missing");
    check_fault((za_bar){.time = 4, .figure = {1, 2, NAN, 1, 0}}, "AAPL, row 1: low is missing (NaN or None)");
    check_fault((za_bar){.time = 4, .figure = {1, 2, 1, 1, -2}}, "AAPL, row 1: volume -2 is negative");
    check_fault((za_bar){.time = 4, .figure = {1, 2, 3, 1, 0}}, "AAPL, row 1: high 2 is below low 3");
}

static void test_reasons_are_counted(void)
{
    za_bar bars[] = {bar_at(3), bar_at(3), bar_at(2), bar_at(4), bar_at(5), bar_at(6), bar_at(7)};
    bars[4].figure[ZA_FIGURE_CLOSE] = NAN;
    za_store *store = store_of(9);
    za_skipped skipped = {0};
    CHECK(load_bars(store, symbol_of("A"), bars, 7, &skipped, NULL) == ZA_OK && skipped.rows == 3);
    CHECK(skipped.by_fault[ZA_FAULT_TIME_REPEATED][0] == 1 && skipped.by_fault[ZA_FAULT_TIME_BEFORE][0] == 1);
    CHECK(skipped.by_fault[ZA_FAULT_NAN][ZA_FIGURE_CLOSE] == 1);
    char text[ZA_REASON_TEXT];
    za_fault_reason((za_fault){.kind = ZA_FAULT_NAN, .figure = ZA_FIGURE_CLOSE}, text);
    CHECK(strcmp(text, "close is missing or no number") == 0);
    za_fault_reason((za_fault){.kind = ZA_FAULT_TIME_MISSING}, text);
    CHECK(strcmp(text, "timestamp is missing or no time") == 0);
    za_store_free(store);
}

/* Newest first, and one row of the far future in front: neither is the fault of most rows. */
static void test_most_rows_are_never_skipped_for_their_order(void)
{
    za_bar newest_first[] = {bar_at(4), bar_at(3), bar_at(2), bar_at(1)};
    za_bar far_first[] = {bar_at(1000), bar_at(1), bar_at(2), bar_at(3)};
    za_store *store = store_of(9);
    za_error error = {0};
    za_skipped skipped = {0};
    CHECK(load_bars(store, symbol_of("A"), newest_first, 4, NULL, &error) == ZA_BAD_VALUE);
    CHECK(strstr(error.text, "A, row 1: timestamp") != NULL && strstr(error.text, "load_unsorted") != NULL);
    CHECK(load_bars(store, symbol_of("A"), newest_first, 4, &skipped, &error) == ZA_BAD_VALUE);
    CHECK(strstr(error.text, "A: 3 of 4 rows are older than a row above them; load_unsorted") != NULL);
    skipped = (za_skipped){0};
    CHECK(load_bars(store, symbol_of("A"), far_first, 4, &skipped, &error) == ZA_BAD_VALUE);
    CHECK(za_store_length(store) == 0);
    za_store_free(store);
}

static void test_prices_of_one_bar_may_differ_by_rounding(void)
{
    za_bar close = {.time = 1, .figure = {100, 100, 100, 100 * (1 + 9e-10), 0}};
    za_bar high = {.time = 2, .figure = {100, 100 * (1 - 9e-10), 100, 100, 0}};
    za_bar apart = {.time = 3, .figure = {100, 100, 100, 100 * (1 + 2e-9), 0}};
    za_store *store = store_of(9);
    CHECK(za_store_append(store, symbol_of("A"), &close, NULL) == ZA_OK &&
          za_store_append(store, symbol_of("A"), &high, NULL) == ZA_OK);
    CHECK(za_store_append(store, symbol_of("A"), &apart, NULL) == ZA_BAD_VALUE);
    za_view view = za_store_view(store, symbol_of("A"));
    CHECK(view.rows.count == 2 && view.rows.figure[ZA_FIGURE_CLOSE][0] == close.figure[ZA_FIGURE_CLOSE]);
    CHECK(view.rows.figure[ZA_FIGURE_HIGH][1] == high.figure[ZA_FIGURE_HIGH]);
    za_view_release(&view);
    za_store_free(store);
}

static void test_nothing_to_load(void)
{
    za_bar bad = {.time = 1};
    za_store *store = store_of(4);
    za_error error = {0};
    za_skipped skipped = {.rows = -1};
    CHECK(append_at(store, "A", 9));
    CHECK(load_bars(store, symbol_of("A"), &bad, 0, NULL, &error) == ZA_BAD_VALUE);
    CHECK(strstr(error.text, "A: no rows") != NULL);
    CHECK(load_bars(store, symbol_of("A"), &bad, 1, &skipped, &error) == ZA_BAD_VALUE && skipped.rows == -1);
    CHECK(strstr(error.text, "A: no valid row") != NULL);
    CHECK(load_bars(store, symbol_of(""), &bad, 1, NULL, NULL) == ZA_BAD_VALUE);
    CHECK(shows(store, "A", 9, 1) && za_store_length(store) == 1);
    za_store_free(store);
}

static void test_unordered_rows_stay_as_they_are(void)
{
    za_bar bars[] = {bar_at(5), bar_at(3), bar_at(3)};
    za_store *store = za_store_new((za_store_options){.capacity = 4});
    CHECK(load_bars(store, symbol_of("A"), bars, 3, NULL, NULL) == ZA_OK);
    za_view view = za_store_view(store, symbol_of("A"));
    CHECK(view.rows.count == 3 && view.rows.time[0] == 5 && view.rows.time[1] == 3);
    za_view_release(&view);
    za_store_free(store);
}

/* A long table: rows, and which of the names each belongs to. */
typedef struct long_table {
    za_symbol names[4];
    int32_t name_count;
    int32_t codes[64];
    za_bar bars[64];
    int64_t count;
} long_table;

/* The rows of a block in chunks of so many. */
static za_long_table in_chunks(const long_table *table, const za_block *block, int64_t length, za_chunk *chunks)
{
    za_long_table whole = {.codes = table->codes, .names = table->names, .name_count = table->name_count};
    whole.chunks = (za_chunks){.at = chunks, .rows = table->count};
    for (int64_t row = 0; row < table->count; row += length) {
        int64_t end = row + length < table->count ? row + length : table->count;
        chunks[whole.chunks.count++] = (za_chunk){.first = row, .rows = za_block_rows(block, row, end)};
    }
    return whole;
}

static za_code load_chunks(za_store *store, const long_table *table, int64_t length, za_skipped *skipped,
                           za_error *error)
{
    za_chunk chunks[64];
    za_block *block = block_of(table->bars, table->count);
    if (block == NULL) {
        return za_fail_memory(error);
    }
    za_long_table whole = in_chunks(table, block, length, chunks);
    za_code code = za_store_load_groups(store, &whole, skipped, error);
    za_block_release(block);
    return code;
}

static za_code load_table(za_store *store, const long_table *table, za_skipped *skipped, za_error *error)
{
    return load_chunks(store, table, 64, skipped, error);
}

static void add_row(long_table *table, int32_t code, za_bar bar)
{
    table->codes[table->count] = code;
    table->bars[table->count++] = bar;
}

static long_table empty_table(void)
{
    return (long_table){.names = {{"A", 1}, {"B", 1}, {"C", 1}, {"D", 1}}, .name_count = 4};
}

static void test_groups_in_any_order(void)
{
    static const int64_t times[] = {8, 3, 9, 1, 7, 2, 6, 4, 5, 0};
    long_table sorted = empty_table(), mixed = empty_table();
    za_store *store = store_of(6);
    for (int i = 0; i < 10; i++) {
        add_row(&sorted, 0, bar_at(i));
        add_row(&mixed, 1, bar_at(times[i]));
        add_row(&mixed, 3, bar_at(9 - i));
    }
    CHECK(append_at(store, "B", 100) && append_at(store, "C", 100));
    CHECK(load_table(store, &sorted, NULL, NULL) == ZA_OK && load_table(store, &mixed, NULL, NULL) == ZA_OK);
    CHECK(shows(store, "A", 4, 6) && shows(store, "B", 4, 6) && shows(store, "D", 4, 6));
    CHECK(shows(store, "C", 100, 1)); /* its name was there, without rows */
    CHECK(za_store_stats_of(store).loaded == 18);
    za_store_free(store);
}

static void test_groups_doubles(void)
{
    long_table table = empty_table();
    za_store *store = store_of(6);
    za_error error = {0};
    za_skipped skipped = {.rows = -1};
    add_row(&table, 0, bar_at(4));
    add_row(&table, 1, bar_at(2));
    add_row(&table, 1, bar_at(1));
    add_row(&table, 1, bar_of(2, 55, 5)); /* the later of two rows of a time is the invalid one */
    CHECK(load_table(store, &table, NULL, &error) == ZA_BAD_VALUE);
    CHECK(strstr(error.text, "B, row 3: timestamp") != NULL && strstr(error.text, "is the same") != NULL);
    CHECK(za_store_length(store) == 0);
    CHECK(load_table(store, &table, &skipped, &error) == ZA_OK && skipped.rows == 1);
    CHECK(shows(store, "A", 4, 1) && shows(store, "B", 1, 2));
    za_store_free(store);
}

static void test_groups_all_or_nothing(void)
{
    long_table table = empty_table();
    za_store *store = store_of(6);
    za_error error = {0};
    za_skipped skipped = {.rows = -1};
    CHECK(append_at(store, "A", 9));
    CHECK(load_table(store, &table, NULL, &error) == ZA_BAD_VALUE);
    CHECK(strcmp(error.text, "the table has no rows") == 0);
    add_row(&table, 0, bar_at(1));
    add_row(&table, 1, (za_bar){.time = 2});
    CHECK(load_table(store, &table, NULL, &error) == ZA_BAD_VALUE && strstr(error.text, "B, row 1: open 0") != NULL);
    table.codes[0] = 1;
    table.bars[0] = table.bars[1];
    CHECK(load_table(store, &table, &skipped, &error) == ZA_BAD_VALUE && skipped.rows == -1);
    CHECK(strcmp(error.text, "B: no valid row") == 0);
    table.codes[0] = 0;
    table.bars[0] = bar_at(9);
    CHECK(load_table(store, &table, &skipped, &error) == ZA_OK && skipped.rows == 1); /* B is left out */
    CHECK(shows(store, "A", 9, 1) && za_store_length(store) == 1);
    table.bars[0] = bar_at(1);
    table.codes[1] = 4;
    CHECK(load_table(store, &table, &skipped, &error) == ZA_BAD_VALUE && strstr(error.text, "code") != NULL);
    table.codes[1] = -1;
    CHECK(load_table(store, &table, NULL, NULL) == ZA_BAD_VALUE);
    table.codes[1] = 1;
    table.bars[1] = bar_at(1);
    table.names[1] = symbol_of("");
    CHECK(load_table(store, &table, NULL, NULL) == ZA_BAD_VALUE);
    CHECK(shows(store, "A", 9, 1) && za_store_length(store) == 1);
    za_store_free(store);
}

/* With `allowed` allocations: old symbols get their new bars and new ones come, or neither. */
static za_code load_scarcely(const long_table *table, const za_block *block, long allowed)
{
    za_store *store = store_of(6);
    za_skipped skipped = {0};
    CHECK(append_at(store, "A", 90) && append_at(store, "B", 90));
    pinned held = pin(store, symbol_of("A"));
    za_chunk chunks[64];
    za_long_table whole = in_chunks(table, block, 5, chunks);
    za_memory_fail_after(allowed);
    za_code code = za_store_load_groups(store, &whole, allowed % 2 == 0 ? &skipped : NULL, NULL);
    za_memory_fail_after(-1);
    za_store_stats stats = za_store_stats_of(store);
    CHECK(stats.rejected == 0 && unpin(&held));
    if (code == ZA_OK) {
        CHECK(stats.symbols == 4 && stats.bars == 24);
    } else {
        CHECK(code == ZA_NO_MEMORY && stats.symbols == 2 && stats.bars == 2 && stats.loaded == 0);
        CHECK(shows(store, "A", 90, 1) && shows(store, "B", 90, 1));
    }
    za_store_free(store);
    return code;
}

static void test_groups_without_memory(void)
{
    long_table table = empty_table();
    table.names[2] = symbol_of("a name too long to lie within its entry"); /* an allocation of its own */
    table.names[3] = symbol_of("another name too long to lie within its entry");
    for (int i = 0; i < 32; i++) {
        add_row(&table, i % 4, bar_at(100 - i));
    }
    za_block *block = block_of(table.bars, table.count);
    long allowed = 0;
    while (load_scarcely(&table, block, allowed) != ZA_OK && allowed < 100) {
        allowed++;
    }
    CHECK(allowed > 8 && allowed < 100);
    za_block_release(block);
}

static void test_load_without_memory(void)
{
    za_bar bars[] = {bar_at(1), bar_at(2)};
    za_store *store = store_of(6);
    za_block *block = block_of(bars, 2);
    za_chunk chunks[] = {{.rows = za_block_rows(block, 0, 1)}, {.first = 1, .rows = za_block_rows(block, 1, 2)}};
    za_chunks two = {.at = chunks, .count = 2, .rows = 2};
    za_code code = ZA_NO_MEMORY;
    za_skipped skipped = {.rows = -1};
    for (long refused = 0; code == ZA_NO_MEMORY && refused < 100; refused++) {
        za_memory_fail_after(refused);
        code = za_store_load(store, symbol_of("A"), two, &skipped, NULL);
        za_memory_fail_after(-1);
        CHECK(code == ZA_OK ? skipped.rows == 0 : za_store_length(store) == 0 && skipped.rows == -1);
    }
    CHECK(code == ZA_OK && shows(store, "A", 1, 2));
    za_block_release(block);
    za_store_free(store);
}

/* A name's rows that lie together in one chunk, in parts of several, and in several whole ones. */
static void test_rows_that_span_chunks(void)
{
    for (int64_t length = 1; length <= 30; length++) {
        long_table table = empty_table();
        za_store *store = store_of(20);
        for (int64_t i = 0; i < 30; i++) {
            add_row(&table, i < 3 ? 0 : i < 18 ? 1 : 2, bar_at(i));
        }
        CHECK(load_chunks(store, &table, length, NULL, NULL) == ZA_OK);
        CHECK(shows(store, "A", 0, 3) && shows(store, "B", 3, 15) && shows(store, "C", 18, 12));
        za_store_free(store);
    }
}

enum { ROUNDS = 2000, MODEL_CAPACITY = 7 };

static bool is_valid(const long_table *table, int64_t row)
{
    const za_bar *bar = &table->bars[row];
    for (int64_t i = 0; i < row; i++) { /* the first valid row of a time is the one that stays */
        if (table->codes[i] == table->codes[row] && table->bars[i].time == bar->time && is_valid(table, i)) {
            return false;
        }
    }
    return bar->figure[ZA_FIGURE_CLOSE] > 0;
}

/* The name's valid rows by time, found by looking for the least one again and again. */
static int64_t plain_reading(const long_table *table, int32_t code, za_bar *bars)
{
    int64_t count = 0, after = -1;
    for (;;) {
        int64_t next = -1;
        for (int64_t row = 0; row < table->count; row++) {
            if (table->codes[row] == code && table->bars[row].time > after && is_valid(table, row) &&
                (next < 0 || table->bars[row].time < table->bars[next].time)) {
                next = row;
            }
        }
        if (next < 0) {
            return count;
        }
        after = table->bars[next].time;
        bars[count++] = table->bars[next];
    }
}

static void check_name(za_store *store, const long_table *table, int32_t code, int64_t *valid)
{
    za_bar bars[64];
    int64_t count = plain_reading(table, code, bars), kept = count < MODEL_CAPACITY ? count : MODEL_CAPACITY;
    za_view view = za_store_view(store, table->names[code]);
    CHECK(view.rows.count == kept);
    for (int64_t i = 0; i < kept && i < view.rows.count; i++) {
        CHECK(same_bar(za_rows_bar(&view.rows, i), bars[count - kept + i]));
    }
    za_view_release(&view);
    *valid += count;
}

/* Random tables in chunks of any length, each name with one good row at least. */
static void test_groups_against_a_model(void)
{
    uint64_t dice = 3;
    for (int round = 0; round < ROUNDS; round++) {
        long_table table = empty_table();
        za_store *store = store_of(MODEL_CAPACITY);
        for (int32_t code = 0; code < 4; code++) {
            add_row(&table, code, bar_at(50));
        }
        int64_t rows = (int64_t)roll(&dice, 60), length = 1 + (int64_t)roll(&dice, 64), valid = 0;
        za_skipped skipped = {.rows = -1};
        for (int64_t i = 0; i < rows; i++) {
            double close = roll(&dice, 10) == 0 ? -1.0 : 1.0 + (double)roll(&dice, 100);
            add_row(&table, (int32_t)roll(&dice, 4), bar_of((int64_t)roll(&dice, 100), close, 1));
        }
        CHECK(load_chunks(store, &table, length, &skipped, NULL) == ZA_OK);
        for (int32_t code = 0; code < 4; code++) {
            check_name(store, &table, code, &valid);
        }
        CHECK(skipped.rows == table.count - valid && za_store_stats_of(store).rejected == skipped.rows);
        CHECK(skipped.rows == 0 || load_table(store, &table, NULL, NULL) == ZA_BAD_VALUE);
        za_store_free(store);
    }
}

int main(void)
{
    test_load_replaces();
    test_faults();
    test_reasons_are_counted();
    test_most_rows_are_never_skipped_for_their_order();
    test_prices_of_one_bar_may_differ_by_rounding();
    test_nothing_to_load();
    test_unordered_rows_stay_as_they_are();
    test_groups_in_any_order();
    test_groups_doubles();
    test_groups_all_or_nothing();
    test_rows_that_span_chunks();
    test_groups_without_memory();
    test_load_without_memory();
    test_groups_against_a_model();
    return check_report("load");
}
