/* Breadth and the level of the VIX: kept figures against plain ones, after anything that can happen to a store. */
#include "bars_sample.h"
#include "check.h"
#include "store/breadth.h"

enum { NAMES = 12, CAPACITY = 55, AVERAGED = 50 };

static const char *const names[NAMES] = {"A", "B", "C", "D", "E", "^GSPC", "^VIX", "F", "G", "H", "I", "J"};

/* -1: does not count, else whether the close is above the mean of the last 50. */
static int side(za_store *store, const char *name)
{
    za_view view = za_store_view(store, symbol_of(name));
    int found = -1;
    if (name[0] != '^' && view.rows.count >= AVERAGED) {
        double sum = 0;
        for (int i = 0; i < AVERAGED; i++) {
            sum += figure_before(&view.rows, ZA_FIGURE_CLOSE, i);
        }
        found = figure_before(&view.rows, ZA_FIGURE_CLOSE, 0) > sum / (double)AVERAGED;
    }
    za_view_release(&view);
    return found;
}

static double plain_breadth(za_store *store)
{
    int counted = 0, above = 0;
    for (int i = 0; i < NAMES; i++) {
        int found = side(store, names[i]);
        counted += found >= 0;
        above += found > 0;
    }
    return counted == 0 ? NAN : 100.0 * above / counted;
}

/* Whole prices: the mean of 50 of them and its comparison are then exact enough not to depend on the order of sums. */
static za_bar roll_bar(uint64_t *dice, int64_t time)
{
    return bar_of(time, 2.0 + 2.0 * (double)roll(dice, 500), 1);
}

static void load_some(za_store *store, uint64_t *dice, const char *name, int64_t *now)
{
    za_bar bars[CAPACITY];
    int64_t count = 40 + (int64_t)roll(dice, 16);
    for (int64_t i = 0; i < count; i++) {
        bars[i] = roll_bar(dice, ++*now);
    }
    CHECK(load_bars(store, symbol_of(name), bars, count, NULL, NULL) == ZA_OK);
}

static void append_one(za_store *store, uint64_t *dice, const char *name, int64_t *now)
{
    *now += (int64_t)roll(dice, 2); /* the last bar again, now and then */
    za_bar bar = roll_bar(dice, *now);
    CHECK(za_store_append(store, symbol_of(name), &bar, NULL) == ZA_OK);
}

static void test_against_plain_figures(void)
{
    za_store *store = store_of(CAPACITY);
    uint64_t dice = 11;
    int64_t now = 0;
    for (int step = 0; step < 30000; step++) {
        const char *name = names[roll(&dice, NAMES)];
        uint64_t what = roll(&dice, 200);
        if (what == 0 && roll(&dice, 10) == 0) {
            za_store_clear(store);
        } else if (what < 3) {
            (void)za_store_drop(store, symbol_of(name));
        } else if (what < 10) {
            load_some(store, &dice, name, &now);
        } else {
            append_one(store, &dice, name, &now);
        }
        if (roll(&dice, 3) == 0) { /* sometimes many changes between two questions, sometimes none */
            CHECK_NEAR(za_store_breadth(store), plain_breadth(store), 0);
        }
    }
    za_store_free(store);
}

static void test_edges(void)
{
    za_store *store = store_of(CAPACITY);
    CHECK(isnan(za_store_breadth(store)));
    for (int64_t time = 1; time <= AVERAGED; time++) {
        CHECK(isnan(za_store_breadth(store)));
        za_bar rising = bar_of(time, 100 + (double)time, 1), flat = bar_of(time, 100, 1);
        CHECK(za_store_append(store, symbol_of("A"), &rising, NULL) == ZA_OK);
        CHECK(za_store_append(store, symbol_of("^A"), &rising, NULL) == ZA_OK);
        CHECK(za_store_append(store, symbol_of("B"), &flat, NULL) == ZA_OK);
    }
    CHECK_NEAR(za_store_breadth(store), 50, 0); /* a close at its average is not above it */
    CHECK(za_store_drop(store, symbol_of("B")));
    CHECK_NEAR(za_store_breadth(store), 100, 0);
    za_store_clear(store);
    CHECK(isnan(za_store_breadth(store)));
    za_store_free(store);
}

/* More changed symbols than one look at the list takes. */
static void test_many_symbols(void)
{
    enum { MANY = 1000 };
    za_store *store = store_of(CAPACITY);
    char text[NAME_ROOM];
    for (int i = 0; i < MANY; i++) {
        for (int64_t time = 1; time <= AVERAGED; time++) {
            za_bar bar = bar_of(time, i % 4 == 0 ? 200.0 + (double)time : 200.0 - (double)time, 1);
            (void)za_store_append(store, numbered(text, i), &bar, NULL);
        }
    }
    CHECK(za_store_length(store) == MANY);
    CHECK_NEAR(za_store_breadth(store), 25, 0);
    za_store_free(store);
}

static void test_vix(void)
{
    za_store *store = store_of(CAPACITY);
    za_bar bar = bar_of(1, 31, 0);
    CHECK_NEAR(za_store_vix(store), 20, 0);
    CHECK(za_store_append(store, symbol_of("VIX"), &bar, NULL) == ZA_OK);
    CHECK_NEAR(za_store_vix(store), 31, 0);
    bar = bar_of(1, 17, 0);
    CHECK(za_store_append(store, symbol_of("^VIX"), &bar, NULL) == ZA_OK);
    CHECK_NEAR(za_store_vix(store), 17, 0);
    bar = bar_of(2, 18, 0);
    CHECK(za_store_append(store, symbol_of("^VIX"), &bar, NULL) == ZA_OK);
    CHECK_NEAR(za_store_vix(store), 18, 0);
    CHECK(za_store_drop(store, symbol_of("^VIX")));
    CHECK_NEAR(za_store_vix(store), 31, 0);
    za_store_free(store);
}

int main(void)
{
    test_against_plain_figures();
    test_edges();
    test_many_symbols();
    test_vix();
    return check_report("breadth");
}
