/* Markets whose tickers live states follow, and what the states of a plan show as its run says it. */
#ifndef ZA_TESTS_LIVE_SAMPLE_H
#define ZA_TESTS_LIVE_SAMPLE_H

#include "base/memory.h"
#include "live/live.h"
#include "live/read.h"
#include "plan/pin.h"
#include "plan/stages.h"
#include "plan_sample.h"
#include "store/universe.h"

enum { OTHERS = 2, SYMBOLS = 21, CAPACITY = 1000, STEPS = 40 };

/* A plan, and those that make columns of it. */
typedef struct family {
    za_plan *plan, *finished, *forming, *hours, *inside, *other;
} family;

static inline void free_family(family f)
{
    za_plan_free(f.plan);
    za_plan_free(f.other);
    za_plan_free(f.inside);
    za_plan_free(f.hours);
    za_plan_free(f.forming);
    za_plan_free(f.finished);
}

static inline za_source of_periods(const za_plan *plan, uint64_t *dice, int results, bool forming)
{
    return (za_source){.kind = ZA_SOURCE_PERIOD,
                       .plan = plan,
                       .output = (int)roll(dice, (uint64_t)results),
                       .period = {(za_period_unit)roll(dice, ZA_PERIOD_UNIT_COUNT), 120},
                       .forming = forming};
}

static inline za_source of_ticker(const za_plan *plan, uint64_t *dice, int results, int ticker)
{
    return (za_source){
        .kind = ZA_SOURCE_TICKER, .plan = plan, .output = (int)roll(dice, (uint64_t)results), .ticker = ticker};
}

/* With sources it reads periods, ticker 0, and ticker 1 as it reads periods and ticker 0. */
static inline family some_family(uint64_t *dice, bool with_sources)
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

static inline void open_market(market *m, int64_t capacity)
{
    m->store = store_of(capacity);
    m->now = (int64_t)1e18;
    for (int i = 0; i < SYMBOLS; i++) {
        m->symbols[i] = numbered(m->names[i], i);
    }
}

static inline za_bar some_bar(int64_t time, uint64_t *dice)
{
    double close = 100.0 + (double)roll(dice, 100);
    return (za_bar){.time = time, .figure = {close, close * 1.01, close * 0.99, close, (double)roll(dice, 5)}};
}

/* Whether a bar is left out; none is before the first. */
static inline bool is_missing(market *m, int symbol, uint64_t *dice, uint64_t missing)
{
    return roll(dice, 1000) < missing && za_store_contains(m->store, m->symbols[symbol]);
}

/* A bar of each symbol, but of `missing` in a thousand; some come once more. */
static inline void append_some(market *m, uint64_t *dice, uint64_t missing)
{
    m->now += 3600 * (int64_t)1e9 * (1 + (int64_t)roll(dice, 30));
    for (int i = 0; i < SYMBOLS; i++) {
        for (uint64_t again = is_missing(m, i, dice, missing) ? 0 : 1 + roll(dice, 2); again > 0; again--) {
            za_bar bar = some_bar(m->now, dice);
            CHECK(za_store_append(m->store, m->symbols[i], &bar, NULL) == ZA_OK);
        }
    }
}

static inline za_live *live_of(market *m, const za_plan *plan)
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
static inline void append_sections(market *m, za_universe *universe, uint64_t *dice, uint64_t missing)
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
static inline void check_current(market *m, za_live *live, const za_plan *plan)
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

static inline void update(za_live *live)
{
    int64_t taken;
    CHECK(za_live_update(live, NULL, 0, &taken, NULL) == ZA_OK);
}

#endif
