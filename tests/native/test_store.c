/* The store: what it keeps, what a view keeps, what it refuses, and that a failure leaves nothing half done. */
#include "bars_sample.h"
#include "base/memory.h"
#include "check.h"
#include "pool/shared_pool.h"
#include "store/breadth.h"

static void test_append_keeps_the_last_bars(void)
{
    for (int64_t capacity = 1; capacity <= 12; capacity++) {
        za_store *store = store_of(capacity);
        for (int64_t time = 0; time < 100; time++) {
            int64_t kept = time + 1 < capacity ? time + 1 : capacity;
            CHECK(append_at(store, "A", time));
            CHECK(shows(store, "A", time + 1 - kept, kept));
        }
        za_store_stats stats = za_store_stats_of(store);
        CHECK(stats.symbols == 1 && stats.bars == capacity && stats.appended == 100 && stats.replaced == 0);
        CHECK(za_store_options_of(store).capacity == capacity && za_store_options_of(store).ordered);
        za_store_free(store);
    }
}

static void test_same_time_replaces(void)
{
    za_store *store = store_of(4);
    CHECK(append_at(store, "A", 1) && append_at(store, "A", 2));
    za_bar forming = bar_of(2, 7, 70);
    CHECK(za_store_append(store, symbol_of("A"), &forming, NULL) == ZA_OK);
    za_view view = za_store_view(store, symbol_of("A"));
    CHECK(view.rows.count == 2 && same_bar(za_rows_bar(&view.rows, 1), forming));
    za_view_release(&view);
    za_store_stats stats = za_store_stats_of(store);
    CHECK(stats.appended == 2 && stats.replaced == 1 && stats.rejected == 0 && stats.bars == 2);
    za_store_free(store);
}

static void test_older_time_is_refused(void)
{
    za_store *store = store_of(4);
    za_error error = {0};
    CHECK(append_at(store, "A", 5));
    za_bar older = bar_at(4);
    CHECK(za_store_append(store, symbol_of("A"), &older, &error) == ZA_BAD_VALUE);
    CHECK(strstr(error.text, "A: timestamp 1970-01-01T00:00:00.000000004+00:00 is before") != NULL);
    CHECK(shows(store, "A", 5, 1) && za_store_stats_of(store).rejected == 1);
    za_store_free(store);
}

static void test_unordered_takes_any_time(void)
{
    static const int64_t times[] = {5, 5, 3, 9, 1};
    za_store *store = za_store_new((za_store_options){.capacity = 4});
    for (int i = 0; i < 5; i++) {
        za_bar bar = {.time = times[i], .figure = {5, 1, 9, 3, 0}}; /* a high below the low is let pass too */
        CHECK(za_store_append(store, symbol_of("A"), &bar, NULL) == ZA_OK);
    }
    za_view view = za_store_view(store, symbol_of("A"));
    CHECK(view.rows.count == 4 && memcmp(view.rows.time, times + 1, 4 * sizeof *times) == 0);
    za_view_release(&view);
    za_bar bad = {.time = 1, .figure = {5, 1, 9, -3, 0}};
    CHECK(za_store_append(store, symbol_of("A"), &bad, NULL) == ZA_BAD_VALUE);
    CHECK(isnan(za_store_breadth(store)));
    za_store_free(store);
}

typedef struct fault {
    za_bar bar;
    const char *text;
} fault;

static void test_faults_are_named(void)
{
    static const fault faults[] = {
        {{.time = 1, .figure = {NAN, 2, 1, 1, 0}}, "AAPL: open is missing (NaN or None)"},
        {{.time = 1, .figure = {1, INFINITY, 1, 1, 0}}, "AAPL: high inf is not finite"},
        {{.time = 1, .figure = {1, 2, 0, 1, 0}}, "AAPL: low 0 is not positive"},
        {{.time = 1, .figure = {1, 2, 1, -3, 0}}, "AAPL: close -3 is not positive"},
        {{.time = 1, .figure = {1, 2, 1, 1, -1}}, "AAPL: volume -1 is negative"},
        {{.time = 1, .figure = {1, 2, 1, 1, 1e101}}, "is above 1e100"},
        {{.time = 1, .figure = {1, 2, 1, 1e-101, 0}}, "is out of the range of prices"},
        {{.time = 1, .figure = {1, 1e101, 1, 1, 0}}, "is out of the range of prices"},
        {{.time = 1, .figure = {2, 1, 3, 2, 0}}, "AAPL: high 1 is below low 3"},
        {{.time = 1, .figure = {0.5, 2, 1, 1, 0}}, "AAPL: open 0.5 is below low 1"},
        {{.time = 1, .figure = {3, 2, 1, 1, 0}}, "AAPL: open 3 is above high 2"},
        {{.time = 1, .figure = {1, 2, 1, 0.5, 0}}, "AAPL: close 0.5 is below low 1"},
        {{.time = 1, .figure = {1, 2, 1, 3, 0}}, "AAPL: close 3 is above high 2"},
        {{.time = ZA_TIME_MISSING, .figure = {1, 2, 1, 1, 0}}, "AAPL: timestamp is missing"},
    };
    za_store *store = store_of(4);
    int64_t count = sizeof faults / sizeof *faults;
    for (int64_t i = 0; i < count; i++) {
        za_error error = {0};
        CHECK(za_store_append(store, symbol_of("AAPL"), &faults[i].bar, &error) == ZA_BAD_VALUE);
        CHECK(strstr(error.text, faults[i].text) != NULL);
    }
    za_store_stats stats = za_store_stats_of(store);
    CHECK(stats.symbols == 0 && stats.bytes == 0 && stats.rejected == count);
    za_bar good = bar_at(1);
    CHECK(za_store_append(store, symbol_of(""), &good, NULL) == ZA_BAD_VALUE);
    za_store_free(store);
}

/* A long name is cut for a sentence, but none of its characters. */
static void test_long_names_are_cut(void)
{
    enum { SHORT = 62, ROOM = 70 };
    static const char *const characters[] = {"x", "\u00e9", "\u20ac", "\U0001f600"}; /* of 1 to 4 bytes */
    static const int shown[] = {64, 64, 62, 62};
    for (int i = 0; i < 4; i++) {
        char name[ROOM + 1], wanted[ROOM + 2];
        size_t used = SHORT;
        memset(name, 'x', SHORT);
        while (used + strlen(characters[i]) <= ROOM) {
            memcpy(name + used, characters[i], strlen(characters[i]));
            used += strlen(characters[i]);
        }
        name[used] = '\0';
        za_store *store = store_of(10);
        za_bar bar = bar_of(1, -1, 1);
        za_error error;
        CHECK(za_symbol_shown(symbol_of(name)) == shown[i]);
        CHECK(za_store_append(store, symbol_of(name), &bar, &error) == ZA_BAD_VALUE);
        (void)snprintf(wanted, sizeof wanted, "%.*s:", shown[i], name);
        CHECK(strncmp(error.text, wanted, strlen(wanted)) == 0);
        za_store_free(store);
    }
}

static void test_cross_section_is_all_or_nothing(void)
{
    za_symbol symbols[] = {symbol_of("A"), symbol_of("B"), symbol_of("C")};
    za_bar bars[] = {bar_at(5), bar_at(5), bar_at(5)};
    za_store *store = store_of(4);
    za_error error = {0};
    CHECK(za_store_append_all(store, symbols, bars, 3, NULL) == ZA_OK);
    bars[0] = bars[1] = bars[2] = bar_at(6);
    bars[2].figure[ZA_FIGURE_LOW] = NAN;
    CHECK(za_store_append_all(store, symbols, bars, 3, &error) == ZA_BAD_VALUE);
    CHECK(strstr(error.text, "C, row 2: low is missing") != NULL);
    bars[2] = bar_at(4);
    CHECK(za_store_append_all(store, symbols, bars, 3, &error) == ZA_BAD_VALUE);
    CHECK(strstr(error.text, "C, row 2: timestamp") != NULL);
    symbols[1] = symbol_of("new");
    CHECK(za_store_append_all(store, symbols, bars, 3, NULL) == ZA_BAD_VALUE);
    CHECK(shows(store, "A", 5, 1) && shows(store, "B", 5, 1) && shows(store, "C", 5, 1));
    CHECK(za_store_length(store) == 3 && !za_store_contains(store, symbol_of("new")));
    CHECK(za_store_append_all(store, symbols, bars, 0, NULL) == ZA_OK);
    za_store_free(store);
}

static void test_cross_section_names_each_symbol_once(void)
{
    za_symbol symbols[] = {symbol_of("A"), symbol_of("B"), symbol_of("new"), symbol_of("A"), symbol_of("new")};
    za_bar bars[] = {bar_at(6), bar_at(6), bar_at(6), bar_at(6), bar_at(6)};
    za_store *store = store_of(4);
    za_error error = {0};
    CHECK(append_at(store, "A", 5));
    CHECK(za_store_append_all(store, symbols, bars, 4, &error) == ZA_BAD_VALUE);
    CHECK(strstr(error.text, "A appears twice in one cross section, again at position 3") != NULL);
    CHECK(za_store_append_all(store, symbols + 1, bars, 4, &error) == ZA_BAD_VALUE);
    CHECK(strstr(error.text, "new appears twice in one cross section, again at position 3") != NULL);
    CHECK(za_store_stats_of(store).rejected == 2);
    CHECK(shows(store, "A", 5, 1) && za_store_length(store) == 1);
    CHECK(za_store_append_all(store, symbols, bars, 3, NULL) == ZA_OK && shows(store, "A", 5, 2));
    za_store_free(store);
}

/* Every way in which bars move or go, under a view of them. */
static void test_views_stay(void)
{
    enum { CAPACITY = 6, MOVES = 40 };
    za_store *store = store_of(CAPACITY);
    pinned views[MOVES];
    for (int i = 0; i < MOVES; i++) { /* through growth and several compactions */
        CHECK(append_at(store, "A", i));
        views[i] = pin(store, symbol_of("A"));
        za_bar forming = bar_of(i, 3, 3);
        CHECK(za_store_append(store, symbol_of("A"), &forming, NULL) == ZA_OK);
        forming = bar_at(i);
        CHECK(za_store_append(store, symbol_of("A"), &forming, NULL) == ZA_OK);
    }
    CHECK(shows(store, "A", MOVES - CAPACITY, CAPACITY));
    za_bar loaded[] = {bar_at(100), bar_at(101)};
    CHECK(load_bars(store, symbol_of("A"), loaded, 2, NULL, NULL) == ZA_OK);
    pinned before_drop = pin(store, symbol_of("A"));
    CHECK(za_store_drop(store, symbol_of("A")) && !za_store_drop(store, symbol_of("A")));
    CHECK(append_at(store, "A", 7));
    pinned before_clear = pin(store, symbol_of("A")), nothing = pin(store, symbol_of("B"));
    za_store_clear(store);
    CHECK(nothing.view.block == NULL && nothing.view.rows.count == 0);
    CHECK(append_at(store, "A", 1));
    pinned before_end = pin(store, symbol_of("A"));
    za_store_free(store);
    for (int i = 0; i < MOVES; i++) {
        CHECK(unpin(&views[i]));
    }
    CHECK(unpin(&before_drop) && unpin(&before_clear) && unpin(&nothing) && unpin(&before_end));
}

static void test_views_of_many_symbols(void)
{
    za_store *store = store_of(4);
    CHECK(append_at(store, "A", 1) && append_at(store, "B", 2) && append_at(store, "B", 3));
    za_symbol symbols[] = {symbol_of("B"), symbol_of("none"), symbol_of("A"), symbol_of("B")};
    za_view views[4];
    (void)za_store_views(store, symbols, 4, views);
    CHECK(views[0].rows.count == 2 && views[1].rows.count == 0 && views[2].rows.count == 1);
    CHECK(views[3].block == views[0].block && figure_before(&views[3].rows, ZA_FIGURE_CLOSE, 1) == 102);
    for (int i = 0; i < 4; i++) {
        za_view_release(&views[i]);
        CHECK(views[i].block == NULL);
    }
    za_store_free(store);
}

static bool names_are(za_store *store, const char *const *wanted, size_t count)
{
    size_t found;
    za_symbol *names = za_store_symbols(store, &found);
    bool same = names != NULL && found == count;
    for (size_t i = 0; same && i < count; i++) {
        same = names[i].length == strlen(wanted[i]) && memcmp(names[i].text, wanted[i], names[i].length) == 0;
    }
    za_free(names);
    return same;
}

static za_progress progress_of(za_store *store, const char *symbol)
{
    za_view view = za_store_view(store, symbol_of(symbol));
    za_progress progress = view.progress;
    za_view_release(&view);
    return progress;
}

static void test_progress_counts_bars_and_revisions_of_a_generation(void)
{
    za_store *store = store_of(3);
    CHECK(progress_of(store, "A").generation == 0);
    for (int64_t time = 1; time <= 5; time++) {
        uint64_t before = za_store_sequence(store);
        CHECK(append_at(store, "A", time) && za_store_sequence(store) != before);
    }
    za_progress appended = progress_of(store, "A");
    CHECK(appended.generation != 0 && appended.end == 5 && appended.revisions == 0);
    CHECK(append_at(store, "A", 5) && append_at(store, "A", 5) && append_at(store, "A", 6));
    za_progress revised = progress_of(store, "A");
    CHECK(revised.generation == appended.generation && revised.end == 6 && revised.revisions == 2);
    uint64_t before = za_store_sequence(store);
    CHECK(!append_at(store, "A", 1) && za_store_sequence(store) == before);
    za_bar bars[] = {bar_at(1), bar_at(2)};
    CHECK(load_bars(store, symbol_of("A"), bars, 2, NULL, NULL) == ZA_OK && za_store_sequence(store) != before);
    za_progress loaded = progress_of(store, "A");
    CHECK(loaded.generation != revised.generation && loaded.end == 2 && loaded.revisions == 0);
    CHECK(za_store_drop(store, symbol_of("A")) && progress_of(store, "A").generation == 0);
    CHECK(append_at(store, "A", 1));
    za_progress again = progress_of(store, "A");
    CHECK(again.generation != loaded.generation && again.generation != 0 && again.end == 1);
    za_store_free(store);
}

static void test_names_in_order_of_arrival(void)
{
    za_store *store = store_of(2);
    CHECK(names_are(store, NULL, 0));
    CHECK(append_at(store, "B", 1) && append_at(store, "A", 1) && append_at(store, "a", 1) && append_at(store, "B", 2));
    CHECK(names_are(store, (const char *[]){"B", "A", "a"}, 3));
    CHECK(za_store_drop(store, symbol_of("B")) && append_at(store, "B", 1));
    CHECK(names_are(store, (const char *[]){"A", "a", "B"}, 3));
    za_bar bar = bar_at(1);
    za_symbol with_nul = {"x\0y", 3};
    CHECK(za_store_append(store, with_nul, &bar, NULL) == ZA_OK);
    CHECK(za_store_contains(store, with_nul) && !za_store_contains(store, symbol_of("x")));
    za_store_clear(store);
    CHECK(names_are(store, NULL, 0) && za_store_length(store) == 0);
    za_store_free(store);
}

/* Dropping leaves holes in the index that searches must pass; adding closes them. */
static void test_drop_and_add_again(void)
{
    enum { NAMES = 300, STEPS = 20000 };
    static bool there[NAMES];
    int64_t count = 0;
    uint64_t dice = 7;
    char text[NAME_ROOM];
    za_store *store = store_of(2);
    for (int step = 0; step < STEPS; step++) {
        int name = (int)roll(&dice, NAMES);
        za_symbol symbol = numbered(text, name);
        za_bar bar = bar_at(1);
        CHECK(za_store_contains(store, symbol) == there[name]);
        if (there[name]) {
            CHECK(za_store_drop(store, symbol));
        } else {
            CHECK(za_store_append(store, symbol, &bar, NULL) == ZA_OK);
        }
        there[name] = !there[name];
        count += there[name] ? 1 : -1;
        CHECK(za_store_length(store) == count);
    }
    for (int name = 0; name < NAMES; name++) {
        CHECK(za_store_contains(store, numbered(text, name)) == there[name]);
        CHECK(za_store_drop(store, numbered(text, name)) == there[name]);
    }
    za_store_stats stats = za_store_stats_of(store);
    CHECK(stats.symbols == 0 && stats.bars == 0 && stats.bytes == 0);
    za_store_free(store);
}

static void test_a_hundred_thousand_symbols(void)
{
    enum { NAMES = 100000 };
    char text[NAME_ROOM];
    bool good = true;
    za_store *store = store_of(512);
    for (int64_t time = 1; time <= 2; time++) {
        for (int name = 0; good && name < NAMES; name++) {
            za_bar bar = bar_at(time);
            good = za_store_append(store, numbered(text, name), &bar, NULL) == ZA_OK;
        }
    }
    CHECK(good);
    for (int name = 0; good && name < NAMES; name += 2) {
        good = za_store_drop(store, numbered(text, name));
    }
    CHECK(good);
    for (int name = 0; good && name < NAMES; name++) {
        good = za_store_contains(store, numbered(text, name)) == (name % 2 == 1);
    }
    CHECK(good);
    za_store_stats stats = za_store_stats_of(store);
    CHECK(stats.symbols == NAMES / 2 && stats.bars == NAMES && stats.appended == 2 * NAMES);
    za_store_free(store);
}

/* At most twice what the bars need, or 20 rows while they are few. */
static void test_memory_is_bounded(void)
{
    const int64_t bar_bytes = 48, few = 20;
    for (int64_t capacity = 1; capacity <= 600; capacity = capacity * 3 / 2 + 1) {
        za_store *store = store_of(capacity);
        for (int64_t time = 0; time < 4 * capacity; time++) {
            za_view view = za_store_view(store, symbol_of("A")); /* makes every full block move, not compact */
            CHECK(append_at(store, "A", time));
            za_view_release(&view);
            za_store_stats stats = za_store_stats_of(store);
            int64_t bound = 2 * stats.bars > few ? 2 * stats.bars : few;
            CHECK(stats.bytes >= stats.bars * bar_bytes && stats.bytes <= bound * bar_bytes);
        }
        CHECK(za_store_drop(store, symbol_of("A")) && za_store_stats_of(store).bytes == 0);
        za_store_free(store);
    }
}

/* By the process's pool where they are many, by the caller when that is closed; a view of them stays good. */
static void test_many_bars_are_freed_later(void)
{
    enum { MANY = (1 << 16) - 16, ROUNDS = 4 };
    const int64_t second = 1000000000, bars[ROUNDS] = {MANY - 1, MANY, MANY, MANY}, submitted[] = {0, 1, 2, 2};
    za_pool *pool = za_pool_shared();
    CHECK(za_pool_drain(pool, 60 * second)); /* of the stores before */
    int64_t before = za_pool_stats_of(pool).submitted;
    for (int i = 0; i < ROUNDS; i++) {
        za_store *store = store_of(MANY);
        bool good = true;
        for (int64_t time = 0; good && time < bars[i]; time++) {
            good = append_at(store, "A", time);
        }
        CHECK(good);
        pinned view = pin(store, symbol_of("A"));
        CHECK(i < 3 || za_pool_shared_close(60 * second));
        if (i == 2) {
            za_store_clear(store);
            CHECK(za_store_stats_of(store).bytes == 0 && append_at(store, "A", 1) && shows(store, "A", 1, 1));
        }
        za_store_free(store);
        CHECK(za_pool_stats_of(pool).submitted == before + submitted[i] && za_pool_drain(pool, 60 * second));
        CHECK(unpin(&view));
    }
}

/* Some of the cross section's symbols are new, some full, some shown by a view: the store needs memory for each. */
static void test_cross_section_without_memory(void)
{
    enum { NAMES = 40, CAPACITY = 3 };
    char texts[NAMES][NAME_ROOM];
    za_symbol symbols[NAMES];
    za_bar bars[NAMES];
    pinned held[NAMES] = {0};
    za_store *store = store_of(CAPACITY);
    for (int i = 0; i < NAMES; i++) {
        symbols[i] = numbered(texts[i], i);
        bars[i] = bar_at(100);
        for (int64_t time = 0; i % 2 == 0 && time < 6; time++) {
            CHECK(append_at(store, texts[i], time));
        }
        held[i] = pin(store, symbols[i]);
    }
    za_code code = ZA_NO_MEMORY;
    long refused = 0;
    for (; code == ZA_NO_MEMORY && refused < 1000; refused++) {
        za_memory_fail_after(refused);
        code = za_store_append_all(store, symbols, bars, NAMES, NULL);
        za_memory_fail_after(-1);
        for (int i = 0; code != ZA_OK && i < NAMES; i++) {
            CHECK(i % 2 == 0 ? shows(store, texts[i], 3, CAPACITY) : !za_store_contains(store, symbols[i]));
        }
    }
    CHECK(code == ZA_OK && refused > NAMES / 2 && za_store_stats_of(store).rejected == 0);
    for (int i = 0; i < NAMES; i++) {
        CHECK(unpin(&held[i]));
        CHECK(i % 2 == 0 || shows(store, texts[i], 100, 1));
    }
    za_store_free(store);
}

static void test_without_memory(void)
{
    za_memory_fail_after(0);
    CHECK(store_of(4) == NULL);
    za_memory_fail_after(-1);
    za_store_free(NULL);
    za_store *store = store_of(4);
    CHECK(append_at(store, "A", 1));
    pinned held = pin(store, symbol_of("A"));
    za_bar forming = bar_of(1, 5, 5);
    za_error error = {0};
    size_t count;
    za_memory_fail_after(0);
    CHECK(za_store_append(store, symbol_of("A"), &forming, &error) == ZA_NO_MEMORY && error.code == ZA_NO_MEMORY);
    CHECK(za_store_symbols(store, &count) == NULL);
    za_memory_fail_after(-1);
    CHECK(shows(store, "A", 1, 1) && unpin(&held));
    za_store_free(store);
}

int main(void)
{
    test_append_keeps_the_last_bars();
    test_same_time_replaces();
    test_older_time_is_refused();
    test_unordered_takes_any_time();
    test_faults_are_named();
    test_long_names_are_cut();
    test_cross_section_is_all_or_nothing();
    test_cross_section_names_each_symbol_once();
    test_views_stay();
    test_views_of_many_symbols();
    test_progress_counts_bars_and_revisions_of_a_generation();
    test_names_in_order_of_arrival();
    test_drop_and_add_again();
    test_a_hundred_thousand_symbols();
    test_memory_is_bounded();
    test_cross_section_without_memory();
    test_without_memory();
    test_many_bars_are_freed_later();
    return check_report("store");
}
