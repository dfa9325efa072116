/* Live states: after any bars, revisions, loads and drops they are the last values of a plan over the bars that they
 * have seen, however many threads append and update. */
#include <pthread.h>
#include <sched.h>

#include "live/record.h"
#include "live_sample.h"

enum { BARS = 300 };

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

/* Another ticker that has seen bars, and has given nothing at any of them. */
static void test_states_of_others_without_values(void)
{
    uint64_t dice = 2;
    family f = some_family(&dice, true);
    market m;
    open_market(&m, CAPACITY);
    za_live *live = live_of(&m, f.plan);
    size_t bytes;
    char *others = za_live_take_others(live, &bytes);
    CHECK(za_live_put_others(live, others, bytes, NULL) == ZA_OK);
    const int64_t bars = 1;
    memcpy(others, &bars, sizeof bars);
    CHECK(za_live_put_others(live, others, bytes, NULL) == ZA_BAD_VALUE);
    za_free(others);
    za_live_free(live);
    za_store_free(m.store);
    free_family(f);
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
    test_states_of_others_without_values();
    test_sections();
    test_threads(false);
    test_threads(true);
    test_views_among_sections();
    return check_report("live");
}
