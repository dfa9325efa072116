/* Plans: every way of cutting the work gives the same bits, and what cannot be a plan is refused. */
#include <math.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>

#include "base/memory.h"
#include "gate.h"
#include "kernels/lanes.h"
#include "plan/run.h"
#include "plan_sample.h"

enum { GROUPS = 24, MOST_BARS = 400 };

/* A table of groups of many lengths, some of them equal, with three columns. */
typedef struct table {
    double values[COLUMN_COUNT][GROUPS * MOST_BARS];
    const double *columns[COLUMN_COUNT];
    int64_t times[GROUPS * MOST_BARS], offsets[GROUPS + 1];
} table;

/* `holes` in a thousand values are not finite. */
static void fill_table(table *t, uint64_t *dice, uint64_t holes)
{
    static const int64_t lengths[] = {0, 1, 7, 60, 60, 60, 61, 64, 150, 150, MOST_BARS, MOST_BARS};
    static const double odd[] = {NAN, INFINITY, -INFINITY};
    t->offsets[0] = 0;
    for (int group = 0; group < GROUPS; group++) {
        double level = 50.0 + (double)roll(dice, 100);
        int64_t first = t->offsets[group], last = first + lengths[roll(dice, 12)];
        for (int64_t row = first; row < last; row++) {
            level *= 1.0 + 0.01 * around_zero(dice);
            t->values[COLUMN_CLOSE][row] = level;
            t->values[COLUMN_HIGH][row] = level * 1.01;
            t->values[COLUMN_LOW][row] = level * 0.99;
            t->times[row] = (int64_t)1e18 + row * 3600 * (int64_t)1e9;
            if (roll(dice, 1000) < holes) {
                t->values[roll(dice, COLUMN_COUNT)][row] = odd[roll(dice, 3)];
            }
        }
        t->offsets[group + 1] = last;
    }
    for (int column = 0; column < COLUMN_COUNT; column++) {
        t->columns[column] = t->values[column];
    }
}

static za_run run_of(const za_plan *plan, const za_table *groups, bool last, za_cut_options cut)
{
    return (za_run){.plan = plan,
                    .table = groups,
                    .count = GROUPS,
                    .last = last,
                    .cut = cut,
                    .rows = last ? GROUPS : groups->offsets[GROUPS]};
}

static za_code compute(const za_plan *plan, const table *t, bool last, za_cut_options cut, double *values)
{
    const za_table groups = {t->columns, t->times, t->offsets, NULL};
    za_run run = run_of(plan, &groups, last, cut);
    run.values = values;
    za_error error;
    za_code code = za_run_init(&run, &error);
    return code == ZA_OK ? za_run_wait(&run, NULL, &error) : code;
}

static bool has_lanes(int lanes)
{
    bool has = false;
    for (int isa = 0; isa < ZA_ISA_COUNT; isa++) {
        const za_lane_set *set = za_lane_set_of((za_isa)isa);
        has = has || (set != NULL && set->lanes == lanes);
    }
    return has;
}

static void check_cuts(const za_plan *plan, const table *t, int results)
{
    static const int lanes[] = {1, 4, 8};
    static const int64_t blocks[] = {1, 16, 64, 0};
    int64_t rows = t->offsets[GROUPS];
    size_t count = (size_t)(rows * results);
    double *wanted = za_alloc(count, sizeof *wanted), *found = za_alloc(count, sizeof *found);
    double *tails = za_alloc((size_t)(GROUPS * results), sizeof *tails);
    CHECK(compute(plan, t, false, (za_cut_options){1, 1, true}, wanted) == ZA_OK);
    for (size_t i = 0; i < 12; i++) {
        za_cut_options cut = {lanes[i % 3], blocks[i / 3], false};
        if (has_lanes(cut.lanes)) {
            CHECK(compute(plan, t, false, cut, found) == ZA_OK && same_values(found, wanted, count));
            CHECK(compute(plan, t, true, cut, tails) == ZA_OK);
            for (int64_t group = 0; group < GROUPS; group++) {
                int64_t last = t->offsets[group + 1] - 1;
                for (int result = 0; last >= t->offsets[group] && result < results; result++) {
                    CHECK(same_values(&tails[result * GROUPS + group], &wanted[result * rows + last], 1));
                }
            }
        }
    }
    za_free(wanted);
    za_free(found);
    za_free(tails);
}

static void test_cuts(void)
{
    static table t;
    uint64_t dice = 11;
    for (int round = 0; round < 60; round++) {
        int results;
        fill_table(&t, &dice, round % 3 == 0 ? 0 : round % 3 == 1 ? 5 : 100);
        za_plan *plan = some_plan(&dice, &results);
        check_cuts(plan, &t, results);
        za_plan_free(plan);
    }
}

enum { LONG_BARS = 30000 };

/* One long series, and what came out of it whole and in pieces. */
typedef struct long_series {
    double values[COLUMN_COUNT][LONG_BARS];
    double whole[ZA_MAX_OUTPUTS * LONG_BARS], pieces[ZA_MAX_OUTPUTS * LONG_BARS];
} long_series;

static void fill_long(long_series *series, uint64_t *dice)
{
    double level = 100.0;
    for (int i = 0; i < LONG_BARS; i++) {
        level *= 1.0 + 0.01 * around_zero(dice);
        series->values[COLUMN_HIGH][i] = level * (1.0 + 0.001 * (double)roll(dice, 10));
        series->values[COLUMN_LOW][i] = level * (1.0 - 0.001 * (double)roll(dice, 10));
        series->values[COLUMN_CLOSE][i] = level;
    }
}

/* On the calling thread, and on others too. */
static void check_pieces(const za_plan *plan, long_series *series)
{
    const double *columns[] = {series->values[0], series->values[1], series->values[2]};
    const int64_t offsets[] = {0, LONG_BARS};
    const za_table one = {columns, NULL, offsets, NULL};
    za_run whole = {
        .plan = plan, .table = &one, .count = 1, .values = series->whole, .rows = LONG_BARS, .cut = {1, 0, true}};
    CHECK(za_run_init(&whole, NULL) == ZA_OK && za_run_wait(&whole, NULL, NULL) == ZA_OK);
    za_pool *pool = za_pool_new(3);
    for (int shared = 0; shared < 2; shared++) {
        za_run pieces = {.plan = plan, .table = &one, .count = 1, .values = series->pieces, .rows = LONG_BARS};
        memset(series->pieces, 0, sizeof series->pieces);
        CHECK(za_run_init(&pieces, NULL) == ZA_OK && za_run_wait(&pieces, shared ? pool : NULL, NULL) == ZA_OK);
        CHECK(same_values(series->whole, series->pieces, (size_t)(za_plan_output_count(plan) * LONG_BARS)));
    }
    CHECK(za_pool_free(pool, INT64_C(10000000000)));
}

/* Each kernel by itself, with small parameters so that the series is cut. */
static void test_pieces_of_every_kernel(void)
{
    static long_series series;
    uint64_t dice = 29;
    fill_long(&series, &dice);
    for (int indicator = 0; indicator < ZA_INDICATOR_COUNT; indicator++) {
        const za_indicator_info *info = za_indicator_info_of((za_indicator)indicator);
        sketch s = {.count = 0};
        int outputs[ZA_MAX_OUTPUTS];
        za_node_spec kernel = {.kind = ZA_NODE_KERNEL, .which = indicator, .input_count = info->input_count};
        for (int i = 0; i < info->param_count; i++) {
            kernel.params.value[i] = info->params[i].whole ? info->params[i].least + 2.0 + i : info->params[i].initial;
        }
        for (int i = 0; i < COLUMN_COUNT; i++) {
            (void)sketch_column(&s, i);
        }
        for (int i = 0; i < info->input_count; i++) {
            kernel.inputs[i] = (COLUMN_CLOSE + i) % COLUMN_COUNT;
        }
        int node = sketch_node(&s, kernel);
        for (int k = 0; k < info->output_count; k++) {
            outputs[k] =
                sketch_node(&s, (za_node_spec){.kind = ZA_NODE_OUTPUT, .which = k, .input_count = 1, .inputs = {node}});
        }
        za_plan *plan = sketch_plan(&s, outputs, info->output_count);
        check_pieces(plan, &series);
        za_plan_free(plan);
    }
}

/* Operations bar by bar, which only threads divide. */
static void test_pieces_of_what_remembers_nothing(void)
{
    static long_series series;
    uint64_t dice = 17;
    sketch s = {.count = 0};
    int high = sketch_column(&s, COLUMN_HIGH), low = sketch_column(&s, COLUMN_LOW);
    int sum = sketch_operation(&s, ZA_OPERATION_add, high, low);
    int outputs[] = {sum, high};
    (void)sketch_column(&s, COLUMN_CLOSE);
    fill_long(&series, &dice);
    series.values[COLUMN_HIGH][LONG_BARS / 3] = NAN;
    za_plan *plan = sketch_plan(&s, outputs, 2);
    check_pieces(plan, &series);
    za_plan_free(plan);
}

/* Several windows together; then with a value that is not finite in a piece, and one before the first. */
static void test_pieces_with_holes(void)
{
    static long_series series;
    uint64_t dice = 3;
    sketch s = {.count = 0};
    int column = sketch_column(&s, 0);
    int outputs[] = {sketch_kernel(&s, ZA_INDICATOR_sma, column, 20), sketch_kernel(&s, ZA_INDICATOR_ema, column, 12),
                     sketch_kernel(&s, ZA_INDICATOR_rsi, column, 14),
                     sketch_kernel(&s, ZA_INDICATOR_highest, column, 5)};
    za_plan *plan = sketch_plan(&s, outputs, 4);
    fill_long(&series, &dice);
    for (int round = 0; round < 3; round++) {
        check_pieces(plan, &series);
        series.values[0][round == 0 ? LONG_BARS / 2 : 40] = NAN;
    }
    za_plan_free(plan);
}

/* By hand: two values are skipped from the first that is a number, also in the last value alone. */
static void test_skip_counts_from_the_first_number(void)
{
    static const double values[] = {NAN, 1, 2, 3, NAN, 5, 7, 8, 9}, wanted[] = {NAN, NAN, NAN, 3, NAN, 5, NAN, NAN, 9};
    sketch s = {.count = 0};
    int column = sketch_column(&s, 0);
    int skip =
        sketch_node(&s, (za_node_spec){.kind = ZA_NODE_SKIP, .input_count = 1, .inputs = {column}, .params = {{2}}});
    za_plan *plan = sketch_plan(&s, &skip, 1);
    const double *columns[] = {values, values, values};
    const int64_t offsets[] = {0, 6, 9};
    const za_table groups = {columns, NULL, offsets, NULL};
    for (int last = 0; last <= 1; last++) {
        double found[9];
        za_run run = {
            .plan = plan, .table = &groups, .count = 2, .last = last == 1, .rows = last == 1 ? 2 : 9, .values = found};
        CHECK(za_run_init(&run, NULL) == ZA_OK && za_run_wait(&run, NULL, NULL) == ZA_OK);
        CHECK(last == 1 ? found[0] == 5 && found[1] == 9 : same_values(found, wanted, 9));
    }
    za_plan_free(plan);
}

/* Node lists as nobody writes them: a plan or a sentence, never anything else. */
static void test_hostile_nodes(void)
{
    static const double numbers[] = {0, 1, 2, 14, 100000, 1e9, -1, 0.5, NAN, INFINITY, 1e300};
    uint64_t dice = 5;
    int made = 0;
    for (int round = 0; round < 20000; round++) {
        za_node_spec nodes[6];
        int outputs[2] = {(int)roll(&dice, 8) - 1, (int)roll(&dice, 6)};
        for (int i = 0; i < 6; i++) {
            nodes[i] = (za_node_spec){.kind = (za_node_kind)roll(&dice, ZA_NODE_KIND_COUNT + 1),
                                      .which = (int)roll(&dice, round % 2 == 0 ? 3 : 70),
                                      .input_count = (int)roll(&dice, round % 2 == 0 ? 2 : ZA_MAX_INPUTS + 1)};
            for (int k = 0; k < ZA_MAX_INPUTS; k++) {
                nodes[i].inputs[k] = (int)roll(&dice, (uint64_t)i + 2) - (round % 2);
            }
            for (int k = 0; k < ZA_MAX_PARAMS; k++) {
                nodes[i].params.value[k] = numbers[roll(&dice, 11)];
            }
        }
        za_error error = {0};
        za_plan *plan = za_plan_new(&(za_plan_spec){.nodes = nodes,
                                                    .outputs = outputs,
                                                    .node_count = 1 + (int)roll(&dice, 6),
                                                    .output_count = 2,
                                                    .column_count = 2},
                                    &error);
        CHECK((plan != NULL) != (error.text[0] != '\0'));
        made += plan != NULL;
        za_plan_free(plan);
    }
    CHECK(made > 0);
}

/* As many as are too much for four tickers side by side, too, as on processors without AVX-512. */
static void test_huge_windows_are_refused(void)
{
    enum { WINDOWS = 200 };
    sketch s = {.count = 0};
    int column = sketch_column(&s, 0);
    for (int i = 0; i < WINDOWS; i++) {
        (void)sketch_kernel(&s, ZA_INDICATOR_stddev, column, 100000.0 - i);
    }
    int outputs[WINDOWS];
    for (int i = 0; i < WINDOWS; i++) {
        outputs[i] = column + 1 + i;
    }
    za_error error;
    CHECK(za_plan_new(&(za_plan_spec){.nodes = s.nodes,
                                      .outputs = outputs,
                                      .node_count = s.count,
                                      .output_count = WINDOWS,
                                      .column_count = COLUMN_COUNT},
                      &error) == NULL);
    CHECK(error.code == ZA_BAD_VALUE && strstr(error.text, "MiB") != NULL);
}

/* A pool that closes as soon as a series is shared with it; its only thread is held. */
typedef struct closing {
    za_job held; /* first */
    gate gate;
    za_pool *pool;
    atomic_bool over;
} closing;

static void hold(za_job *job, size_t begin, size_t end, za_scratch *scratch)
{
    (void)begin, (void)end, (void)scratch;
    gate_pass(&((closing *)(void *)job)->gate);
}

static void let_go(za_job *job)
{
    (void)job;
}

static void *close_pool(void *argument)
{
    closing *c = argument;
    while (za_pool_stats_of(c->pool).queued == 0 && !atomic_load(&c->over)) {
        (void)sched_yield();
    }
    (void)za_pool_close(c->pool, 0);
    return NULL;
}

static void check_closed_pool(const za_plan *plan, const long_series *series, double *found)
{
    const double *columns[] = {series->values[0], series->values[1], series->values[2]};
    const int64_t offsets[] = {0, LONG_BARS};
    const za_table one = {columns, NULL, offsets, NULL};
    za_run run = {.plan = plan, .table = &one, .count = 1, .values = found, .rows = LONG_BARS};
    closing c = {
        .held = {.run = hold, .done = let_go, .count = 1, .grain = 1}, .gate = GATE_CLOSED, .pool = za_pool_new(1)};
    pthread_t closer;
    CHECK(za_pool_submit(c.pool, &c.held, NULL) == ZA_OK);
    gate_await(&c.gate, 1);
    CHECK(pthread_create(&closer, NULL, close_pool, &c) == 0);
    CHECK(za_run_init(&run, NULL) == ZA_OK && za_run_wait(&run, c.pool, NULL) == ZA_OK);
    atomic_store(&c.over, true);
    gate_open(&c.gate);
    CHECK(pthread_join(closer, NULL) == 0 && za_pool_free(c.pool, INT64_C(10000000000)));
}

/* What the pool gives up is computed all the same. */
static void test_pieces_while_the_pool_closes(void)
{
    static long_series series;
    uint64_t dice = 31;
    fill_long(&series, &dice);
    sketch s = {.count = 0};
    int close = sketch_column(&s, COLUMN_CLOSE), outputs[2] = {sketch_kernel(&s, ZA_INDICATOR_quantile, close, 20),
                                                               sketch_kernel(&s, ZA_INDICATOR_ema, close, 5)};
    za_plan *plan = sketch_plan(&s, outputs, 2);
    check_pieces(plan, &series);
    for (int round = 0; round < 50; round++) {
        memset(series.pieces, 0, sizeof series.pieces);
        check_closed_pool(plan, &series, series.pieces);
        CHECK(same_values(series.whole, series.pieces, 2 * (size_t)LONG_BARS));
    }
    za_plan_free(plan);
}

/* Windows whose sizes have no common multiple that 64 bits hold: no series is cut by them. */
static void test_sizes_without_a_common_multiple(void)
{
    sketch s = {.count = 0};
    int column = sketch_column(&s, 0), outputs[2] = {sketch_kernel(&s, ZA_INDICATOR_sma, column, 100000)};
    outputs[1] = sketch_node(&s, (za_node_spec){.kind = ZA_NODE_KERNEL,
                                                .which = ZA_INDICATOR_ultosc,
                                                .input_count = 3,
                                                .inputs = {column, column, column},
                                                .params = {{99991, 99989, 99971}}});
    za_plan *plan = sketch_plan(&s, outputs, 2);
    CHECK(za_plan_lookback(plan, 1) == 99991 && za_plan_reach(plan, 1) == 99992);
    za_plan_free(plan);
}

static void test_without_memory(void)
{
    static table t;
    static double values[GROUPS * MOST_BARS * MOST_NODES];
    uint64_t dice = 17;
    int results;
    fill_table(&t, &dice, 5);
    za_plan *plan = some_plan(&dice, &results);
    za_code code = ZA_NO_MEMORY;
    long refused = 0;
    for (; code == ZA_NO_MEMORY && refused < 1000; refused++) {
        za_memory_fail_after(refused);
        code = compute(plan, &t, false, (za_cut_options){0}, values);
        za_memory_fail_after(-1);
    }
    CHECK(code == ZA_OK && refused > 1);
    za_plan_free(plan);
}

/* Each allocation that makes a plan fails once. */
static void test_plans_without_memory(void)
{
    sketch s = {.count = 0};
    for (int column = 0; column < COLUMN_COUNT; column++) {
        (void)sketch_column(&s, column);
    }
    int mean = sketch_kernel(&s, ZA_INDICATOR_sma, COLUMN_CLOSE, 20);
    const int outputs[] = {sketch_operation(&s, ZA_OPERATION_add, mean, COLUMN_HIGH),
                           sketch_kernel(&s, ZA_INDICATOR_ema, mean, 5), sketch_atr(&s, 14), mean};
    za_plan *plan = NULL;
    long refused = 0;
    for (; plan == NULL && refused < 1000; refused++) {
        za_error error = {0};
        za_memory_fail_after(refused);
        plan = za_plan_new(&(za_plan_spec){.nodes = s.nodes,
                                           .outputs = outputs,
                                           .node_count = s.count,
                                           .output_count = 4,
                                           .column_count = COLUMN_COUNT},
                           &error);
        za_memory_fail_after(-1);
        CHECK(plan != NULL || error.code == ZA_NO_MEMORY);
    }
    CHECK(plan != NULL && refused > 4);
    za_plan_free(plan);
}

int main(void)
{
    test_cuts();
    test_pieces_of_every_kernel();
    test_pieces_of_what_remembers_nothing();
    test_pieces_with_holes();
    test_pieces_while_the_pool_closes();
    test_skip_counts_from_the_first_number();
    test_hostile_nodes();
    test_huge_windows_are_refused();
    test_sizes_without_a_common_multiple();
    test_without_memory();
    test_plans_without_memory();
    return check_report("plan");
}
