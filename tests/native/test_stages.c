/* Plans of plans: on a pool and off it, with memory that fails, and given up on the way. */
#include <math.h>
#include <pthread.h>

#include "bars_sample.h"
#include "base/memory.h"
#include "market_sample.h"
#include "plan/pin.h"
#include "plan/stages.h"

enum { GROUPS = 60, MOST_BARS = 300, RESULTS = 5, TICKERS = 12, TICKER_BARS = 40 };

/* Between two bars: three of them are an hour. */
#define STEP (INT64_C(20) * 60 * 1000000000)

/* Groups that lack some of the times. */
typedef struct table {
    double values[COLUMN_COUNT][GROUPS * MOST_BARS];
    const double *columns[COLUMN_COUNT];
    int64_t times[GROUPS * MOST_BARS], offsets[GROUPS + 1];
    int32_t labels[GROUPS * MOST_BARS];
} table;

static void fill_table(table *t, uint64_t *dice)
{
    int64_t rows = 0;
    for (int group = 0; group < GROUPS; group++) {
        for (int64_t bar = 0; bar < MOST_BARS; bar++) {
            if (roll(dice, 10) == 0) {
                continue;
            }
            for (int column = 0; column < COLUMN_COUNT; column++) {
                t->values[column][rows] = 1.0 + (double)roll(dice, 1000);
            }
            t->labels[rows] = (int32_t)roll(dice, 4) - 1;
            t->times[rows++] = STEP * bar;
        }
        t->offsets[group + 1] = rows;
    }
    for (int column = 0; column < COLUMN_COUNT; column++) {
        t->columns[column] = t->values[column];
    }
}

/* close - of(group 3, sma(close, 5)) -> rank by label and demean -> sma of the rank, and the rest; and an ema of hours,
 * of those that are finished and of those that form. */
typedef struct plans {
    za_plan *other, *first, *hours, *forming, *top;
} plans;

static plans make_plans(void)
{
    plans p;
    sketch s = {.count = 0};
    int column = sketch_column(&s, COLUMN_CLOSE), mean = sketch_kernel(&s, ZA_INDICATOR_sma, column, 5);
    p.other = sketch_plan(&s, &mean, 1);
    s.count = 0;
    int average = sketch_kernel(&s, ZA_INDICATOR_ema, sketch_column(&s, COLUMN_HIGH), 4);
    p.hours = sketch_plan(&s, &average, 1);
    p.forming = sketch_plan(&s, &average, 1);
    s.count = 0;
    za_source of = {.kind = ZA_SOURCE_TICKER, .plan = p.other};
    int less =
        sketch_operation(&s, ZA_OPERATION_subtract, sketch_column(&s, COLUMN_CLOSE), sketch_column(&s, COLUMN_COUNT));
    p.first = sketch_plan_with(&s, &less, 1, &of, 1);
    s.count = 0;
    const za_source sources[] = {
        {.kind = ZA_SOURCE_ACROSS, .plan = p.first, .labels = 0},
        {.kind = ZA_SOURCE_ACROSS, .plan = p.first, .across = ZA_ACROSS_DEMEAN, .labels = -1},
        {.kind = ZA_SOURCE_VALUE, .plan = p.first},
        {.kind = ZA_SOURCE_PERIOD, .plan = p.hours, .period = {ZA_PERIOD_MINUTES, 60}},
        {.kind = ZA_SOURCE_PERIOD, .plan = p.forming, .period = {ZA_PERIOD_MINUTES, 60}, .forming = true}};
    int rank = sketch_column(&s, COLUMN_COUNT);
    int outputs[RESULTS] = {sketch_kernel(&s, ZA_INDICATOR_sma, rank, 3), sketch_column(&s, COLUMN_COUNT + 1),
                            sketch_column(&s, COLUMN_COUNT + 2), sketch_column(&s, COLUMN_COUNT + 3),
                            sketch_column(&s, COLUMN_COUNT + 4)};
    p.top = sketch_plan_with(&s, outputs, RESULTS, sources, 5);
    CHECK(za_plan_has_sources(p.top) && za_plan_reads_times(p.top) && !za_plan_reads_times(p.other));
    CHECK(za_plan_lookback(p.top, 0) == 2 && za_plan_reach(p.top, 0) == 7);
    return p;
}

static void free_plans(plans p)
{
    za_plan_free(p.top);
    za_plan_free(p.first);
    za_plan_free(p.other);
    za_plan_free(p.hours);
    za_plan_free(p.forming);
}

/* One run of all stages. */
typedef struct staged {
    za_table groups;
    za_run run;
    za_label_codes labels;
    int64_t group;
    za_others others;
    za_stages *stages;
} staged;

static za_code prepare(staged *s, const table *t, const za_plan *plan, bool last, double *values)
{
    za_error error;
    s->stages = NULL;
    s->groups = (za_table){t->columns, t->times, t->offsets, figures_of_columns};
    s->run = (za_run){.plan = plan,
                      .table = &s->groups,
                      .count = GROUPS,
                      .last = last,
                      .rows = last ? GROUPS : t->offsets[GROUPS],
                      .values = values};
    s->labels = (za_label_codes){t->labels, 3};
    s->group = 3;
    s->others = (za_others){.groups = &s->group, .count = 1, .labels = &s->labels};
    za_code code = za_run_init(&s->run, &error);
    return code == ZA_OK ? za_stages_new(&s->run, &s->others, &s->stages, &error) : code;
}

static za_code compute(const table *t, const za_plan *plan, bool last, za_pool *pool, double *values)
{
    staged s;
    za_error error;
    za_code code = prepare(&s, t, plan, last, values);
    code = code == ZA_OK ? za_stages_wait(s.stages, pool, &error) : code;
    za_stages_free(s.stages);
    return code;
}

/* Tickers of a store, all of which have all times, by which no table is read. */
typedef struct tickers {
    za_store *store;
    za_symbol symbols[TICKERS];
    char names[TICKERS][NAME_ROOM];
    int32_t labels[TICKERS];
} tickers;

static void open_tickers(tickers *k, uint64_t *dice)
{
    k->store = store_of(TICKER_BARS);
    for (int i = 0; i < TICKERS; i++) {
        k->symbols[i] = numbered(k->names[i], i);
        k->labels[i] = i % 4 - 1;
        for (int64_t bar = 0; bar < TICKER_BARS; bar++) {
            za_bar made = bar_of(STEP * bar, 1.0 + (double)roll(dice, 1000), 1.0);
            CHECK(za_store_append(k->store, k->symbols[i], &made, NULL) == ZA_OK);
        }
    }
}

static za_code compute_tickers(const tickers *k, const za_plan *plan, bool last, za_pool *pool, double *values)
{
    za_label_codes labels = {k->labels, 3};
    za_others others = {.symbols = &k->symbols[3], .count = 1, .labels = &labels};
    za_run run = {.plan = plan,
                  .tickers = {.store = k->store, .symbols = k->symbols, .columns = figures_of_columns},
                  .count = TICKERS,
                  .last = last,
                  .rows = TICKERS,
                  .values = values};
    za_stages *stages = NULL;
    za_error error;
    za_code code = za_run_init(&run, &error);
    code = code == ZA_OK ? za_run_pin(&run, INT64_MIN, INT64_MAX, &error) : code;
    code = code == ZA_OK ? za_stages_new(&run, &others, &stages, &error) : code;
    code = code == ZA_OK ? za_stages_wait(stages, pool, &error) : code;
    za_stages_free(stages);
    za_run_release(&run);
    return code;
}

static bool same(const double *a, const double *b, int64_t count)
{
    bool equal = true;
    for (int64_t i = 0; equal && i < count; i++) {
        equal = memcmp(&a[i], &b[i], sizeof *a) == 0 || (isnan(a[i]) && isnan(b[i]));
    }
    return equal;
}

static table t;
static double wanted[RESULTS * GROUPS * MOST_BARS], found[RESULTS * GROUPS * MOST_BARS];

static void test_waiting(const plans *p, za_pool *pool)
{
    int64_t rows = t.offsets[GROUPS], newest = STEP * (MOST_BARS - 1);
    CHECK(compute(&t, p->top, false, NULL, wanted) == ZA_OK);
    CHECK(compute(&t, p->top, false, pool, found) == ZA_OK && same(found, wanted, RESULTS * rows));
    CHECK(compute(&t, p->top, true, pool, found) == ZA_OK);
    for (int group = 0; group < GROUPS; group++) {
        int64_t last = t.offsets[group + 1] - 1;
        for (int result = 0; result < RESULTS; result++) {
            double value = found[result * GROUPS + group];
            bool compared = result < 2 && t.times[last] != newest;
            CHECK(compared ? isnan(value) : same(&value, &wanted[result * rows + last], 1));
        }
    }
}

/* What an hour has given is known in the next one, and is what it gave at its last bar while it was forming. */
static void test_hours(void)
{
    enum { FINISHED = 3, FORMING = 4 };
    int64_t rows = t.offsets[GROUPS], compared = 0;
    for (int group = 0; group < GROUPS; group++) {
        double last = NAN;
        for (int64_t row = t.offsets[group]; row < t.offsets[group + 1]; row++) {
            if (row > t.offsets[group] && t.times[row] / (3 * STEP) != t.times[row - 1] / (3 * STEP)) {
                last = wanted[FORMING * rows + row - 1];
            }
            CHECK(same(&wanted[FINISHED * rows + row], &last, 1));
            compared += !isnan(last);
        }
    }
    CHECK(compared > GROUPS * MOST_BARS / 2);
}

/* The last bars of tickers that are all at the newest time are as in their history. */
static void test_tickers(const plans *p, const tickers *k, za_pool *pool)
{
    enum { ROWS = TICKERS * TICKER_BARS };
    double last[RESULTS * TICKERS], history[RESULTS * ROWS];
    CHECK(compute_tickers(k, p->top, false, pool, history) == ZA_OK);
    CHECK(compute_tickers(k, p->top, true, pool, last) == ZA_OK);
    for (int i = 0; i < RESULTS * TICKERS; i++) {
        CHECK(same(&last[i], &history[i * TICKER_BARS + TICKER_BARS - 1], 1));
    }
}

/* Of the tickers, or of the table where there are none. */
static za_code compute_series(const tickers *k, const za_plan *plan, bool last, za_pool *pool, double *values)
{
    return k != NULL ? compute_tickers(k, plan, last, pool, values) : compute(&t, plan, last, pool, values);
}

/* Each allocation of a run fails once, the last one's included, and what comes at last is whole. */
static void check_memory_that_fails(const plans *p, const tickers *k, bool last, za_pool *pool)
{
    static double whole[RESULTS * GROUPS * MOST_BARS];
    int64_t rows = last ? GROUPS : t.offsets[GROUPS];
    if (k != NULL) {
        rows = last ? TICKERS : TICKERS * TICKER_BARS;
    }
    CHECK(compute_series(k, p->top, last, pool, whole) == ZA_OK);
    za_code code = ZA_NO_MEMORY;
    long failed = 0;
    for (; code == ZA_NO_MEMORY; failed++) {
        za_memory_fail_after(failed);
        code = compute_series(k, p->top, last, pool, found);
        za_memory_fail_after(-1);
    }
    CHECK(code == ZA_OK && failed > 20 && same(found, whole, RESULTS * rows));
}

/* A plan with sources is made as any other, or not at all. */
static void test_plans_without_memory(const plans *p)
{
    sketch s = {.count = 0};
    int column = sketch_column(&s, COLUMN_COUNT);
    const za_source source = {.kind = ZA_SOURCE_PERIOD, .plan = p->hours, .period = {ZA_PERIOD_MINUTES, 60}};
    const za_plan_spec spec = {.nodes = s.nodes,
                               .outputs = &column,
                               .node_count = s.count,
                               .output_count = 1,
                               .column_count = COLUMN_COUNT,
                               .sources = &source,
                               .source_count = 1};
    za_plan *plan = NULL;
    long failed = 0;
    for (; plan == NULL && failed < 1000; failed++) {
        za_error error = {0};
        za_memory_fail_after(failed);
        plan = za_plan_new(&spec, &error);
        za_memory_fail_after(-1);
        CHECK(plan != NULL || error.code == ZA_NO_MEMORY);
    }
    CHECK(plan != NULL && failed > 4);
    za_plan_free(plan);
}

typedef struct ending {
    staged s; /* first, whose run is given back */
    pthread_mutex_t mutex;
    pthread_cond_t ended;
    int count; /* guarded by the mutex */
} ending;

static void end(za_job *job)
{
    ending *e = (ending *)(void *)((char *)job - offsetof(ending, s.run.job));
    pthread_mutex_lock(&e->mutex);
    e->count++;
    pthread_cond_signal(&e->ended);
    pthread_mutex_unlock(&e->mutex);
}

/* `done` is called once, whenever the stages are given up. */
static void test_submitting(const plans *p, za_pool *pool)
{
    for (int round = 0; round < 30; round++) {
        ending e = {.mutex = PTHREAD_MUTEX_INITIALIZER, .ended = PTHREAD_COND_INITIALIZER};
        za_error error;
        CHECK(prepare(&e.s, &t, p->top, false, found) == ZA_OK);
        e.s.run.job.done = end;
        CHECK(za_stages_submit(e.s.stages, pool, &error) == ZA_OK);
        if (round % 3 != 0) {
            for (volatile int spin = 0; spin < round * 20000; spin++) {
            }
            za_run_cancel(&e.s.run);
            za_stages_cancel(e.s.stages, pool);
        }
        pthread_mutex_lock(&e.mutex);
        while (e.count == 0) {
            pthread_cond_wait(&e.ended, &e.mutex);
        }
        pthread_mutex_unlock(&e.mutex);
        CHECK(za_pool_drain(pool, INT64_C(10000000000)) && e.count == 1);
        za_code code = za_run_finish(&e.s.run, &error);
        CHECK(code == ZA_OK ? same(found, wanted, RESULTS * t.offsets[GROUPS]) : code == ZA_CANCELLED);
        CHECK(round % 3 != 0 || code == ZA_OK);
        za_stages_free(e.s.stages);
    }
}

static void test_refused_sources(const plans *p)
{
    sketch s = {.count = 0};
    int column = sketch_column(&s, COLUMN_COUNT);
    const za_source sources[] = {{.plan = NULL},
                                 {.plan = p->first, .output = 1},
                                 {.plan = p->first, .output = -1},
                                 {.kind = ZA_SOURCE_KIND_COUNT, .plan = p->first},
                                 {.kind = ZA_SOURCE_ACROSS, .plan = p->first, .across = ZA_ACROSS_COUNT},
                                 {.kind = ZA_SOURCE_ACROSS, .plan = p->first, .share = NAN},
                                 {.kind = ZA_SOURCE_ACROSS, .plan = p->first, .share = 0.6},
                                 {.kind = ZA_SOURCE_TICKER, .plan = p->first, .ticker = -1},
                                 {.kind = ZA_SOURCE_PERIOD, .plan = p->first, .period = {ZA_PERIOD_DAY, 0}},
                                 {.kind = ZA_SOURCE_PERIOD, .plan = p->hours, .period = {ZA_PERIOD_MINUTES, 7}},
                                 {.kind = ZA_SOURCE_PERIOD, .plan = p->hours, .period = {ZA_PERIOD_UNIT_COUNT, 0}}};
    for (size_t i = 0; i < sizeof sources / sizeof *sources; i++) {
        za_error error;
        CHECK(za_plan_new(&(za_plan_spec){.nodes = s.nodes,
                                          .outputs = &column,
                                          .node_count = 1,
                                          .output_count = 1,
                                          .column_count = COLUMN_COUNT,
                                          .sources = &sources[i],
                                          .source_count = 1},
                          &error) == NULL);
    }
}

int main(void)
{
    uint64_t dice = 17;
    fill_table(&t, &dice);
    plans p = make_plans();
    za_pool *pool = za_pool_new(3);
    test_waiting(&p, pool);
    test_hours();
    tickers k;
    open_tickers(&k, &dice);
    test_tickers(&p, &k, pool);
    for (int mode = 0; mode < 8; mode++) {
        check_memory_that_fails(&p, mode < 4 ? NULL : &k, mode % 2 == 0, mode % 4 < 2 ? NULL : pool);
    }
    za_store_free(k.store);
    test_plans_without_memory(&p);
    test_submitting(&p, pool);
    test_refused_sources(&p);
    CHECK(za_pool_free(pool, INT64_C(10000000000)));
    free_plans(p);
    return check_report("stages");
}
