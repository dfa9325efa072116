/* Live states: after any bars, revisions, loads and drops they are the last values of a plan over the bars that they
 * have seen, whichever allocation fails and however many threads append and update. */
#include <pthread.h>
#include <sched.h>

#include "base/memory.h"
#include "live/live.h"
#include "live/read.h"
#include "live/record.h"
#include "plan/stages.h"
#include "plan_sample.h"
#include "store/universe.h"

enum { OTHERS = 2, SYMBOLS = 21, CAPACITY = 1000, STEPS = 40, BARS = 300 };

/* A plan, and those that make columns of it. */
typedef struct family {
    za_plan *plan, *finished, *forming, *hours, *inside, *other;
} family;

static void free_family(family f)
{
    za_plan_free(f.plan);
    za_plan_free(f.other);
    za_plan_free(f.inside);
    za_plan_free(f.hours);
    za_plan_free(f.forming);
    za_plan_free(f.finished);
}

static za_source of_periods(const za_plan *plan, uint64_t *dice, int results, bool forming)
{
    return (za_source){.kind = ZA_SOURCE_PERIOD,
                       .plan = plan,
                       .output = (int)roll(dice, (uint64_t)results),
                       .period = {(za_period_unit)roll(dice, ZA_PERIOD_UNIT_COUNT), 120},
                       .forming = forming};
}

static za_source of_ticker(const za_plan *plan, uint64_t *dice, int results, int ticker)
{
    return (za_source){
        .kind = ZA_SOURCE_TICKER, .plan = plan, .output = (int)roll(dice, (uint64_t)results), .ticker = ticker};
}

/* With sources it reads periods, ticker 0, and ticker 1 as it reads periods and ticker 0. */
static family some_family(uint64_t *dice, bool with_sources)
{
    family f = {0};
    int results;
    if (!with_sources) {
        f.plan = some_plan(dice, &results);
        return f;
    }
    f.finished = some_plan(dice, &results);
    za_source finished = of_periods(f.finished, dice, results, false), again = finished;
    again.output = (int)roll(dice, (uint64_t)results);
    f.forming = some_plan(dice, &results);
    za_source forming = of_periods(f.forming, dice, results, true);
    f.inside = some_plan(dice, &results);
    za_source inside = of_ticker(f.inside, dice, results, 0);
    f.hours = some_plan(dice, &results);
    const za_source read[] = {of_periods(f.hours, dice, results, roll(dice, 2) == 0), inside};
    f.other = some_plan_with(dice, read, 2, &results);
    const za_source all[] = {finished, forming, again, of_ticker(f.other, dice, results, 1), inside};
    f.plan = some_plan_with(dice, all, 5, &results);
    return f;
}

typedef struct market {
    za_store *store;
    za_symbol symbols[SYMBOLS];
    char names[SYMBOLS][NAME_ROOM];
    int64_t now;
} market;

static void open_market(market *m, int64_t capacity)
{
    m->store = store_of(capacity);
    m->now = (int64_t)1e18;
    for (int i = 0; i < SYMBOLS; i++) {
        m->symbols[i] = numbered(m->names[i], i);
    }
}

static za_bar some_bar(int64_t time, uint64_t *dice)
{
    double close = 100.0 + (double)roll(dice, 100);
    return (za_bar){.time = time, .figure = {close, close * 1.01, close * 0.99, close, (double)roll(dice, 5)}};
}

/* Whether a bar is left out; none is before the first. */
static bool is_missing(market *m, int symbol, uint64_t *dice, uint64_t missing)
{
    return roll(dice, 1000) < missing && za_store_contains(m->store, m->symbols[symbol]);
}

/* A bar of each symbol, but of `missing` in a thousand; some come once more. */
static void append_some(market *m, uint64_t *dice, uint64_t missing)
{
    m->now += 3600 * (int64_t)1e9 * (1 + (int64_t)roll(dice, 30));
    for (int i = 0; i < SYMBOLS; i++) {
        for (uint64_t again = is_missing(m, i, dice, missing) ? 0 : 1 + roll(dice, 2); again > 0; again--) {
            za_bar bar = some_bar(m->now, dice);
            CHECK(za_store_append(m->store, m->symbols[i], &bar, NULL) == ZA_OK);
        }
    }
}

static za_live *live_of(market *m, const za_plan *plan)
{
    za_live_spec spec = {.plan = plan,
                         .store = m->store,
                         .columns = figures_of_columns,
                         .symbols = m->symbols,
                         .count = SYMBOLS,
                         .others = m->symbols};
    return za_live_new(&spec, NULL);
}

/* Cross-sections of a universe, of which `missing` in a thousand bars are left out; some come twice. */
static void append_sections(market *m, za_universe *universe, uint64_t *dice, uint64_t missing)
{
    m->now += 3600 * (int64_t)1e9;
    for (uint64_t again = 1 + roll(dice, 2); again > 0; again--) {
        double values[SYMBOLS][ZA_FIGURE_COUNT];
        for (int i = 0; i < SYMBOLS; i++) {
            za_bar bar = some_bar(m->now, dice);
            bool is_left_out = is_missing(m, i, dice, missing);
            for (int figure = 0; figure < ZA_FIGURE_COUNT; figure++) {
                values[i][figure] = is_left_out ? NAN : bar.figure[figure];
            }
        }
        const za_matrix matrix = {.time = m->now, .values = values[0]};
        CHECK(za_universe_append(m->store, universe, &matrix, NULL) == ZA_OK);
    }
}

/* What a snapshot of the store says. */
static void check_current(market *m, za_live *live, const za_plan *plan)
{
    int results = za_plan_output_count(plan);
    double *values = za_alloc((size_t)results * SYMBOLS, sizeof *values);
    za_run run = {.plan = plan,
                  .tickers = {.store = m->store, .symbols = m->symbols, .columns = figures_of_columns},
                  .count = SYMBOLS,
                  .last = true,
                  .rows = SYMBOLS,
                  .values = values};
    za_error error;
    za_others others = {.symbols = m->symbols, .count = OTHERS};
    za_stages *stages = NULL;
    CHECK(za_run_init(&run, &error) == ZA_OK);
    if (za_plan_has_sources(plan)) {
        CHECK(za_run_pin(&run, INT64_MIN, INT64_MAX, &error) == ZA_OK);
        CHECK(za_stages_new(&run, &others, &stages, &error) == ZA_OK);
        CHECK(za_stages_wait(stages, NULL, &error) == ZA_OK);
        za_stages_free(stages);
        za_run_release(&run);
    } else {
        CHECK(za_run_wait(&run, NULL, &error) == ZA_OK);
    }
    za_live_board *board = za_live_board_of(live);
    CHECK(same_values(board->values, values, (size_t)results * SYMBOLS));
    za_live_board_release(board);
    za_free(values);
}

static void update(za_live *live)
{
    int64_t taken;
    CHECK(za_live_update(live, NULL, 0, &taken, NULL) == ZA_OK);
}

/* Records of one become the states of another. */
static za_live *copy_of(market *m, za_live *live, const za_plan *plan)
{
    za_live *copy = live_of(m, plan);
    za_live_record record = {.states = za_alloc((size_t)za_live_record_doubles(live), sizeof(double))};
    size_t bytes;
    char *others = za_live_take_others(live, &bytes);
    CHECK(za_live_put_others(copy, others, bytes, NULL) == ZA_OK);
    za_free(others);
    for (int64_t row = 0; row < SYMBOLS; row++) {
        za_live_take(live, row, &record);
        CHECK(record.bars == 0 || za_live_put(copy, row, &record, NULL) == ZA_OK);
    }
    za_free(record.states);
    return copy;
}

static void test_any_plan(void)
{
    for (uint64_t seed = 1; seed <= 200; seed++) {
        uint64_t dice = seed;
        family f = some_family(&dice, seed % 2 == 0);
        const za_plan *plan = f.plan;
        market m;
        open_market(&m, CAPACITY);
        za_live *live = live_of(&m, plan);
        for (int step = 0; step < STEPS; step++) {
            append_some(&m, &dice, step < STEPS / 2 ? 10 : 400);
            if (roll(&dice, 10) == 0) {
                (void)za_store_drop(m.store, m.symbols[OTHERS + roll(&dice, SYMBOLS - OTHERS)]);
            }
            if (roll(&dice, 3) > 0) {
                update(live);
                check_current(&m, live, plan);
            }
        }
        update(live);
        za_live *copy = copy_of(&m, live, plan);
        append_some(&m, &dice, 100);
        update(copy);
        check_current(&m, copy, plan);
        za_live_free(copy);
        za_live_free(live);
        za_store_free(m.store);
        free_family(f);
    }
}

static void test_sections(void)
{
    for (uint64_t seed = 1; seed <= 60; seed++) {
        uint64_t dice = seed;
        family f = some_family(&dice, seed % 2 == 0);
        const za_plan *plan = f.plan;
        market m;
        open_market(&m, CAPACITY);
        za_universe *universe = za_universe_new(m.store, m.symbols, SYMBOLS, NULL);
        za_live *live = live_of(&m, plan);
        for (int step = 0; step < STEPS; step++) {
            append_sections(&m, universe, &dice, step < STEPS / 2 ? 10 : 400);
            if (roll(&dice, 4) == 0) {
                append_some(&m, &dice, 900);
            }
            if (roll(&dice, 3) > 0) {
                update(live);
                check_current(&m, live, plan);
            }
        }
        za_live_free(live);
        za_universe_free(m.store, universe);
        za_store_free(m.store);
        free_family(f);
    }
}

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

/* Records that come back at last. */
static void check_put_without_memory(market *m, za_live *live, const za_plan *plan)
{
    za_live *copy = live_of(m, plan);
    size_t bytes;
    char *others = za_live_take_others(live, &bytes);
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

typedef struct crowd {
    market m;
    za_live *live;
    za_pool *pool;
    atomic_int appending;
    atomic_llong taken;
} crowd;

/* Bars of every other symbol, one by one. */
static void *append_even(void *argument)
{
    crowd *c = argument;
    uint64_t dice = 1;
    for (int64_t bar = 1; bar <= BARS; bar++) {
        for (int i = 0; i < SYMBOLS; i += 2) {
            za_bar next = some_bar(c->m.now + bar, &dice);
            CHECK(za_store_append(c->m.store, c->m.symbols[i], &next, NULL) == ZA_OK);
        }
    }
    atomic_fetch_sub(&c->appending, 1);
    return NULL;
}

/* Bars of the others, as cross-sections of a universe. */
static void *append_odd(void *argument)
{
    crowd *c = argument;
    uint64_t dice = 2;
    za_symbol odd[SYMBOLS / 2];
    for (int i = 0; i < SYMBOLS / 2; i++) {
        odd[i] = c->m.symbols[2 * i + 1];
    }
    za_universe *universe = za_universe_new(c->m.store, odd, SYMBOLS / 2, NULL);
    for (int64_t bar = 1; bar <= BARS; bar++) {
        double values[SYMBOLS / 2][ZA_FIGURE_COUNT];
        for (int i = 0; i < SYMBOLS / 2; i++) {
            za_bar next = some_bar(c->m.now + bar, &dice);
            memcpy(values[i], next.figure, sizeof values[i]);
        }
        const za_matrix matrix = {.time = c->m.now + bar, .values = values[0]};
        CHECK(za_universe_append(c->m.store, universe, &matrix, NULL) == ZA_OK);
    }
    za_universe_free(c->m.store, universe);
    atomic_fetch_sub(&c->appending, 1);
    return NULL;
}

static void *update_all_the_time(void *argument)
{
    crowd *c = argument;
    do {
        int64_t taken;
        CHECK(za_live_update(c->live, c->pool, 0, &taken, NULL) == ZA_OK);
        atomic_fetch_add(&c->taken, taken);
        za_live_board *board = za_live_board_of(c->live);
        double values[SYMBOLS * MOST_NODES];
        int64_t times[SYMBOLS];
        za_live_copy(c->live, board, values, times);
        za_live_board_release(board);
    } while (atomic_load(&c->appending) > 0);
    return NULL;
}

static void test_threads(bool with_sources)
{
    uint64_t dice = 3;
    family f = some_family(&dice, with_sources);
    const za_plan *plan = f.plan;
    crowd c = {.pool = za_pool_new(2)};
    open_market(&c.m, CAPACITY);
    append_some(&c.m, &dice, 0);
    c.live = live_of(&c.m, plan);
    update(c.live);
    atomic_init(&c.appending, 2);
    void *(*const bodies[])(void *) = {append_even, append_odd, update_all_the_time, update_all_the_time};
    pthread_t threads[4];
    for (int i = 0; i < 4; i++) {
        CHECK(pthread_create(&threads[i], NULL, bodies[i], &c) == 0);
    }
    for (int i = 0; i < 4; i++) {
        CHECK(pthread_join(threads[i], NULL) == 0);
    }
    int64_t taken;
    CHECK(za_live_update(c.live, c.pool, 0, &taken, NULL) == ZA_OK);
    int64_t all = atomic_load(&c.taken) + taken; /* what others change is taken in again */
    CHECK(with_sources ? all >= BARS * SYMBOLS : all == BARS * SYMBOLS);
    check_current(&c.m, c.live, plan);
    za_live_free(c.live);
    CHECK(za_pool_free(c.pool, INT64_C(10000000000)));
    za_store_free(c.m.store);
    free_family(f);
}

enum { TOGETHER = SYMBOLS - 1, ROUNDS = 2000, SECTIONS = 3 };

typedef struct race {
    market m;
    atomic_llong round;
} race;

/* In each round cross-sections of all symbols but the last, while an update is under way. */
static void *append_rounds(void *argument)
{
    race *r = argument;
    uint64_t dice = 5;
    za_universe *universe = za_universe_new(r->m.store, r->m.symbols, TOGETHER, NULL);
    for (int64_t bar = 1; bar <= ROUNDS * SECTIONS; bar++) {
        double values[TOGETHER][ZA_FIGURE_COUNT];
        for (int i = 0; i < TOGETHER; i++) {
            memcpy(values[i], some_bar(0, &dice).figure, sizeof values[i]);
        }
        while (atomic_load(&r->round) * SECTIONS < bar) {
            (void)sched_yield();
        }
        za_matrix matrix = {.time = r->m.now + bar, .values = &values[0][0]};
        CHECK(za_universe_append(r->m.store, universe, &matrix, NULL) == ZA_OK);
    }
    za_universe_free(r->m.store, universe);
    return NULL;
}

/* A bar that a view has shown is not taken in again by its cross-section. The last symbol's bars, which come one by
 * one, make updates look at the others of its tile by views. */
static void test_views_among_sections(void)
{
    uint64_t dice = 3;
    int64_t taken, total = 0;
    family f = some_family(&dice, false);
    const za_plan *plan = f.plan;
    race r = {0};
    open_market(&r.m, ROUNDS * SECTIONS + 10);
    append_some(&r.m, &dice, 0);
    za_live *live = live_of(&r.m, plan);
    update(live);
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, append_rounds, &r) == 0);
    for (int64_t round = 1; round <= ROUNDS; round++) {
        za_bar next = some_bar(r.m.now + round, &dice);
        CHECK(za_store_append(r.m.store, r.m.symbols[TOGETHER], &next, NULL) == ZA_OK);
        atomic_store(&r.round, round);
        CHECK(za_live_update(live, NULL, 0, &taken, NULL) == ZA_OK);
        total += taken;
    }
    CHECK(pthread_join(thread, NULL) == 0);
    CHECK(za_live_update(live, NULL, 0, &taken, NULL) == ZA_OK);
    CHECK(total + taken == ROUNDS * (SECTIONS * TOGETHER + 1));
    check_current(&r.m, live, plan);
    za_live_free(live);
    za_store_free(r.m.store);
    free_family(f);
}

int main(void)
{
    test_any_plan();
    for (uint64_t seed = 1; seed <= 10; seed++) {
        test_without_memory(seed, false);
        test_without_memory(seed, true);
    }
    test_sections();
    test_threads(false);
    test_threads(true);
    test_views_among_sections();
    return check_report("live");
}
