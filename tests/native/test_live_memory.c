/* Live states of which any allocation fails: what was left out for it is taken in by the next update. */
#include "kernels/lanes.h"
#include "live/memory.h"
#include "live/record.h"
#include "live_sample.h"

/* Updates until one has the memory that it needs: each of its allocations fails once. */
static void update_at_last(za_live *live)
{
    za_code code = ZA_NO_MEMORY;
    for (long successes = 0; code == ZA_NO_MEMORY; successes++) {
        int64_t taken;
        za_memory_fail_after(successes);
        code = za_live_update(live, NULL, 0, &taken, NULL);
        za_memory_fail_after(-1);
    }
    CHECK(code == ZA_OK);
}

static za_live *live_at_last(market *m, const za_plan *plan)
{
    za_live *live = NULL;
    for (long successes = 0; live == NULL; successes++) {
        za_memory_fail_after(successes);
        live = live_of(m, plan);
        za_memory_fail_after(-1);
    }
    return live;
}

static char *others_at_last(za_live *live, size_t *bytes)
{
    char *others = NULL;
    for (long successes = 0; others == NULL; successes++) {
        za_memory_fail_after(successes);
        others = za_live_take_others(live, bytes);
        za_memory_fail_after(-1);
    }
    return others;
}

/* Records that come back at last. */
static void check_put_without_memory(market *m, za_live *live, const za_plan *plan)
{
    za_live *copy = live_of(m, plan);
    size_t bytes;
    char *others = others_at_last(live, &bytes);
    za_code back = ZA_NO_MEMORY;
    for (long successes = 0; back == ZA_NO_MEMORY; successes++) {
        za_memory_fail_after(successes);
        back = za_live_put_others(copy, others, bytes, NULL);
        za_memory_fail_after(-1);
    }
    CHECK(back == ZA_OK);
    za_free(others);
    za_live_record record = {.states = za_alloc((size_t)za_live_record_doubles(live), sizeof(double))};
    for (int64_t row = 0; row < SYMBOLS; row++) {
        za_live_take(live, row, &record);
        za_code code = record.bars == 0 ? ZA_OK : ZA_NO_MEMORY;
        for (long successes = 0; code == ZA_NO_MEMORY; successes++) {
            za_memory_fail_after(successes);
            code = za_live_put(copy, row, &record, NULL);
            za_memory_fail_after(-1);
        }
        CHECK(code == ZA_OK);
    }
    za_free(record.states);
    update_at_last(copy);
    check_current(m, copy, plan);
    za_live_free(copy);
}

/* What no memory has left out, the next update takes in. Tickers that were dropped begin anew. */
static void test_without_memory(uint64_t seed, bool by_sections)
{
    uint64_t dice = seed;
    family f = some_family(&dice, seed % 2 == 0);
    const za_plan *plan = f.plan;
    market m;
    open_market(&m, CAPACITY);
    append_some(&m, &dice, 0);
    za_universe *universe = za_universe_new(m.store, m.symbols, SYMBOLS, NULL);
    za_live *live = live_at_last(&m, plan);
    for (int step = 0; step < STEPS; step++) {
        if (by_sections) {
            append_sections(&m, universe, &dice, 300);
        } else {
            append_some(&m, &dice, 300);
            (void)za_store_drop(m.store, m.symbols[OTHERS + roll(&dice, SYMBOLS - OTHERS)]);
        }
        update_at_last(live);
        check_current(&m, live, plan);
    }
    check_put_without_memory(&m, live, plan);
    za_live_free(live);
    za_universe_free(m.store, universe);
    za_store_free(m.store);
    free_family(f);
}

/* Tickers that come apart in cross-sections, while one allocation of the update fails: what it has left out, the next
 * one takes in. False once the update needs no more memory. */
static bool check_apart_without_memory(long successes)
{
    uint64_t dice = 5;
    family f = some_family(&dice, false);
    market m;
    open_market(&m, CAPACITY);
    append_some(&m, &dice, 0);
    za_universe *universe = za_universe_new(m.store, m.symbols, SYMBOLS, NULL);
    za_live *live = live_of(&m, f.plan);
    update(live);
    append_sections(&m, universe, &dice, 300);
    int64_t taken;
    za_memory_fail_after(successes);
    za_code code = za_live_update(live, NULL, 0, &taken, NULL);
    za_memory_fail_after(-1);
    CHECK(code == ZA_OK || code == ZA_NO_MEMORY);
    append_sections(&m, universe, &dice, 0);
    update(live);
    check_current(&m, live, f.plan);
    za_live_free(live);
    za_universe_free(m.store, universe);
    za_store_free(m.store);
    free_family(f);
    return code == ZA_NO_MEMORY;
}

static void test_apart_without_memory(void)
{
    for (long successes = 0; check_apart_without_memory(successes); successes++) {
    }
}

/* An average that leaves bars out, other ones of each ticker: their histories are taken in one by one. */
static void test_holes_without_memory(void)
{
    uint64_t dice = 3;
    sketch s = {.count = 0};
    int above =
        sketch_operation(&s, ZA_OPERATION_subtract, sketch_column(&s, COLUMN_CLOSE), sketch_constant(&s, 150.0));
    int root = sketch_operation(&s, ZA_OPERATION_power, above, sketch_constant(&s, 0.5));
    int average = sketch_kernel(&s, ZA_INDICATOR_ema, root, 5);
    za_plan *plan = sketch_plan(&s, &average, 1);
    market m;
    open_market(&m, CAPACITY);
    for (int bar = 0; bar < STEPS; bar++) {
        append_some(&m, &dice, 0);
    }
    za_code code = ZA_NO_MEMORY;
    for (long successes = 0; code == ZA_NO_MEMORY; successes++) {
        za_live *live = live_of(&m, plan);
        int64_t taken;
        za_memory_fail_after(successes);
        code = za_live_update(live, NULL, 0, &taken, NULL);
        za_memory_fail_after(-1);
        update(live);
        check_current(&m, live, plan);
        za_live_free(live);
    }
    CHECK(code == ZA_OK);
    za_store_free(m.store);
    za_plan_free(plan);
}

/* A piece or a page that cannot be had is none, and the next one that is asked for is there. */
static void test_pages_without_memory(void)
{
    enum { PIECES = 60, PIECE_BYTES = ZA_LARGE_PAGE / 20 };
    const za_lane_set *set = za_lane_set_widest();
    za_live_memory memory;
    za_live_piece pieces[PIECES];
    int refused = 0;
    za_live_memory_init(&memory, set, 1, PIECE_BYTES / ((int64_t)sizeof(double) * set->lanes));
    for (int i = 0; i < PIECES; i++) {
        za_memory_fail_after(0);
        pieces[i] = za_live_memory_take(&memory);
        za_memory_fail_after(-1);
        if (pieces[i].slots == NULL) {
            refused++;
            pieces[i] = za_live_memory_take(&memory);
        }
        CHECK(pieces[i].slots != NULL);
    }
    CHECK(pieces[0].page == NULL && pieces[PIECES - 1].page != NULL && refused > 3 && refused < PIECES / 2);
    for (int i = 0; i < PIECES; i++) {
        za_live_memory_give_back(&memory, pieces[i]);
    }
    za_live_memory_destroy(&memory);
}

int main(void)
{
    for (uint64_t seed = 1; seed <= 10; seed++) {
        test_without_memory(seed, false);
        test_without_memory(seed, true);
    }
    test_apart_without_memory();
    test_holes_without_memory();
    test_pages_without_memory();
    return check_report("live memory");
}
