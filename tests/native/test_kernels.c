/* The form of the kernels: the same bits at every width, in blocks of every size, from late starts and after revisions.
 */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/cpu.h"
#include "base/memory.h"
#include "check.h"
#include "kernels_sample.h"

enum { TICKERS = 8, BARS = 330 };

/* Bars of eight tickers, as plain columns, and room for the outputs of one indicator over them. */
typedef struct market {
    double *column[ZA_FIELD_COUNT][TICKERS];
    int64_t bars;
} market;

static void fill_ticker(market *m, int ticker, double price)
{
    for (int64_t t = 0; t < m->bars; ++t) {
        double close = price * (1.0 + 0.04 * (random_unit() - 0.5));
        m->column[ZA_OPEN][ticker][t] = price;
        m->column[ZA_HIGH][ticker][t] = fmax(price, close) * (1.0 + 0.01 * random_unit());
        m->column[ZA_LOW][ticker][t] = fmin(price, close) * (1.0 - 0.01 * random_unit());
        m->column[ZA_CLOSE][ticker][t] = close;
        m->column[ZA_VOLUME][ticker][t] = floor(1e6 * random_unit());
        price = close;
    }
}

/* Prices of every size; the last ticker never moves. */
static market market_make(int64_t bars)
{
    static const double prices[TICKERS] = {100.0, 1e-6, 1e13, 3.5, 0.07, 4000.0, 1.0, 12.3};
    market m = {.bars = bars};
    for (int field = 0; field < ZA_FIELD_COUNT; ++field) {
        for (int ticker = 0; ticker < TICKERS; ++ticker) {
            m.column[field][ticker] = za_alloc_aligned((size_t)bars, sizeof(double));
        }
    }
    for (int ticker = 0; ticker < TICKERS; ++ticker) {
        fill_ticker(&m, ticker, prices[ticker]);
    }
    for (int field = 0; field < ZA_FIELD_COUNT; ++field) {
        for (int64_t t = 0; t < bars; ++t) {
            m.column[field][TICKERS - 1][t] = 12.3;
        }
    }
    return m;
}

static void market_free(market *m)
{
    for (int field = 0; field < ZA_FIELD_COUNT; ++field) {
        for (int ticker = 0; ticker < TICKERS; ++ticker) {
            za_free(m->column[field][ticker]);
        }
    }
}

/* Tiles of `set->lanes` tickers from `ticker` on for every input of the indicator. */
static za_kernel_block block_make(const za_lane_set *set, za_indicator indicator, const za_params *params,
                                  const market *m, int ticker)
{
    za_kernel_block block = {.indicator = indicator, .params = params, .bars = m->bars};
    for (int input = 0; input < za_indicator_info_of(indicator)->input_count; ++input) {
        const double *columns[TICKERS];
        for (int lane = 0; lane < set->lanes; ++lane) {
            columns[lane] = m->column[za_indicator_info_of(indicator)->inputs[input]][ticker + lane];
        }
        double *tile = za_alloc_aligned((size_t)(m->bars * set->lanes), sizeof(double));
        set->transpose(columns, m->bars, tile);
        block.in[input] = tile;
    }
    block.state = za_alloc_aligned(set->state_bytes(indicator, params), 1);
    return block;
}

static void block_free(za_kernel_block *block)
{
    for (int input = 0; input < ZA_MAX_INPUTS; ++input) {
        za_free((void *)(uintptr_t)block->in[input]);
    }
    za_free(block->state);
}

/* The header is as before again, as it is when a bar that is still forming is revised. In every other lane so is all
 * else: there the bar has not entered yet. */
static void put_back(const za_lane_set *set, size_t header, size_t bytes, const double *before, double *state)
{
    memcpy(state, before, header);
    for (size_t i = header / sizeof *state; i < bytes / sizeof *state; ++i) {
        state[i] = i % (size_t)set->lanes % 2 == 1 ? before[i] : state[i];
    }
}

/* Runs `step` bars at a time. With `again`, each bar enters twice, first with other values. */
static void run_in_steps(const za_lane_set *set, const za_kernel_block *whole, int64_t step, bool again)
{
    size_t header = set->header_bytes(whole->indicator), bytes = set->state_bytes(whole->indicator, whole->params);
    double *before = za_alloc_aligned(bytes, 1);
    for (int64_t bar = 0; bar < whole->bars; bar += step) {
        za_kernel_block part = block_part(set, whole, bar, whole->bars - bar < step ? whole->bars - bar : step);
        if (again) {
            za_kernel_block draft = part;
            memcpy(before, part.state, bytes);
            for (int input = 0; input < ZA_MAX_INPUTS && part.in[input] != NULL; ++input) {
                draft.in[input] = whole->in[input]; /* bars of the beginning */
            }
            set->run(&draft);
            put_back(set, header, bytes, before, part.state);
        }
        set->run(&part);
    }
    za_free(before);
}

/* The series of all tickers as out[output][bar][ticker]; `out` is one block of ZA_MAX_OUTPUTS * bars * TICKERS. The
 * bars enter `step` at a time (0: all at once), `again` as above. */
static void run_series(const za_lane_set *set, const za_kernel_block *of, const market *m, int64_t step, bool again,
                       double *out)
{
    size_t plane = (size_t)(m->bars * set->lanes);
    double *part = za_alloc_aligned(ZA_MAX_OUTPUTS * plane, sizeof *part);
    int outputs = za_indicator_info_of(of->indicator)->output_count;
    for (int ticker = 0; ticker < TICKERS; ticker += set->lanes) {
        za_kernel_block block = block_make(set, of->indicator, of->params, m, ticker);
        for (int output = 0; output < outputs; ++output) {
            block.out[output] = part + (size_t)output * plane;
        }
        set->start(of->indicator, of->params, 0, block.state);
        run_in_steps(set, &block, step == 0 ? m->bars : step, again);
        block_free(&block);
        for (int output = 0; output < outputs; ++output) {
            for (int64_t t = 0; t < m->bars; ++t) {
                memcpy(out + (output * m->bars + t) * TICKERS + ticker, part + (size_t)output * plane + t * set->lanes,
                       (size_t)set->lanes * sizeof *out);
            }
        }
    }
    za_free(part);
}

/* A start at bar `start` gives the rows of the series from the bar on at which only bars since then count. */
static bool late_start_agrees(const za_lane_set *set, const za_kernel_block *of, const market *m, const double *series,
                              int64_t start)
{
    int64_t first = start + za_memory_of(of->indicator, of->params).bars - 1;
    int outputs = za_indicator_info_of(of->indicator)->output_count;
    size_t plane = (size_t)(m->bars * set->lanes);
    double *out = za_alloc_aligned(ZA_MAX_OUTPUTS * plane, sizeof *out);
    bool agrees = true;
    for (int ticker = 0; ticker < TICKERS; ticker += set->lanes) {
        za_kernel_block block = block_make(set, of->indicator, of->params, m, ticker);
        for (int output = 0; output < outputs; ++output) {
            block.out[output] = out + (size_t)output * plane;
        }
        za_kernel_block part = block_part(set, &block, start, m->bars - start);
        part.from = first - start;
        set->start(of->indicator, of->params, start, block.state);
        set->run(&part);
        for (int output = 0; output < outputs; ++output) {
            for (int64_t t = first; t < m->bars; ++t) {
                agrees = agrees && memcmp(series + (output * m->bars + t) * TICKERS + ticker,
                                          block.out[output] + t * set->lanes, (size_t)set->lanes * sizeof *out) == 0;
            }
        }
        block_free(&block);
    }
    za_free(out);
    return agrees;
}

/* NaN exactly before the lookback. */
static bool starts_at_lookback(za_indicator indicator, const za_params *params, const market *m, const double *series)
{
    int64_t lookback = za_lookback(indicator, params);
    for (int output = 0; output < za_indicator_info_of(indicator)->output_count; ++output) {
        for (int64_t t = 0; t < m->bars; ++t) {
            for (int ticker = 0; ticker < TICKERS; ++ticker) {
                double value = series[(output * m->bars + t) * TICKERS + ticker];
                if (isnan(value) != (t < lookback)) {
                    return false;
                }
            }
        }
    }
    return true;
}

/* Bars [first, last) of tickers from `ticker` on, which a kernel reads from their columns; out as [output][lane][bar].
 */
static bool run_direct(const za_lane_set *set, const za_kernel_block *of, const market *m, int ticker, int64_t first,
                       int64_t last, double *out)
{
    const za_indicator_info *info = za_indicator_info_of(of->indicator);
    const double *column[ZA_MAX_INPUTS][TICKERS], *const *columns[ZA_MAX_INPUTS];
    double *result[ZA_MAX_OUTPUTS][TICKERS], *const *results[ZA_MAX_OUTPUTS] = {NULL};
    for (int lane = 0; lane < set->lanes; ++lane) {
        for (int input = 0; input < info->input_count; ++input) {
            column[input][lane] = m->column[info->inputs[input]][ticker + lane] + first;
            columns[input] = column[input];
        }
        for (int output = 0; output < info->output_count; ++output) {
            result[output][lane] = out + (output * set->lanes + lane) * m->bars + first;
            results[output] = result[output];
        }
    }
    za_kernel_block block = *of;
    block.age = first;
    block.bars = last - first;
    block.streamed = ticker % 2 == 0;
    return set->run_direct(&block, columns, columns, results);
}

/* Columns that a kernel transposes itself, in two blocks, give the rows of the series. */
static bool direct_agrees(const za_lane_set *set, const za_kernel_block *of, const market *m, const double *series)
{
    int outputs = za_indicator_info_of(of->indicator)->output_count;
    int64_t first = 16, last = m->bars / set->lanes * set->lanes;
    double *out = za_alloc_aligned((size_t)(outputs * set->lanes * m->bars), sizeof *out);
    za_kernel_block block = *of;
    block.state = za_alloc_aligned(set->state_bytes(of->indicator, of->params), 1);
    bool agrees = true;
    for (int ticker = 0; ticker < TICKERS; ticker += set->lanes) {
        set->start(of->indicator, of->params, 0, block.state);
        agrees = run_direct(set, &block, m, ticker, 0, first, out) && agrees;
        agrees = run_direct(set, &block, m, ticker, first, last, out) && agrees;
        for (int row = 0; row < outputs * set->lanes; ++row) {
            const double *wanted = series + row / set->lanes * m->bars * TICKERS + ticker + row % set->lanes;
            for (int64_t t = 0; t < last; ++t) {
                agrees = agrees && memcmp(&out[row * m->bars + t], &wanted[t * TICKERS], sizeof *out) == 0;
            }
        }
    }
    za_free(block.state);
    za_free(out);
    return agrees;
}

/* Whatever lane and bar it is that holds no number, it is told. */
static void check_direct_holes(void)
{
    enum { LAST = BARS / TICKERS * TICKERS };
    market m = market_make(BARS);
    static double out[TICKERS * BARS];
    za_params params = za_params_default(ZA_INDICATOR_sma);
    for (int isa = 0; isa < ZA_ISA_COUNT; ++isa) {
        const za_lane_set *set = za_lane_set_of((za_isa)isa);
        for (int64_t bar = 3; set != NULL && set->lanes > 1 && bar < LAST; bar += 36) {
            za_kernel_block block = {.indicator = ZA_INDICATOR_sma, .params = &params};
            block.state = za_alloc_aligned(set->state_bytes(ZA_INDICATOR_sma, &params), 1);
            double *value = &m.column[ZA_CLOSE][bar % set->lanes][bar], whole = *value;
            set->start(ZA_INDICATOR_sma, &params, 0, block.state);
            *value = bar % 2 == 0 ? NAN : INFINITY;
            CHECK(!run_direct(set, &block, &m, 0, 0, LAST, out));
            *value = whole;
            za_free(block.state);
        }
    }
    market_free(&m);
}

static void check_indicator(za_indicator indicator, const za_params *params, const market *m)
{
    size_t count = (size_t)(za_indicator_info_of(indicator)->output_count * m->bars) * TICKERS;
    double *wanted = za_alloc(count, sizeof *wanted), *got = za_alloc(count, sizeof *got);
    za_kernel_block of = {.indicator = indicator, .params = params};
    za_memory memory = za_memory_of(indicator, params);
    run_series(za_lane_set_one(), &of, m, 0, false, wanted);
    bool good = CHECK(starts_at_lookback(indicator, params, m, wanted));
    good = CHECK(memory.kind != ZA_REACH || memory.bars > za_lookback(indicator, params)) && good;
    for (int isa = 0; isa < ZA_ISA_COUNT; ++isa) {
        static const int64_t steps[] = {0, 1, 16, 64};
        const za_lane_set *set = za_lane_set_of((za_isa)isa);
        for (size_t i = 0; set != NULL && i < sizeof steps / sizeof *steps; ++i) {
            run_series(set, &of, m, steps[i], false, got);
            good = CHECK(memcmp(wanted, got, count * sizeof *got) == 0) && good;
        }
        if (set != NULL) {
            run_series(set, &of, m, 1, true, got);
            good = CHECK(memcmp(wanted, got, count * sizeof *got) == 0) && good;
            good = CHECK(set->lanes == 1 || direct_agrees(set, &of, m, wanted)) && good;
        }
        /* In steps of five, a start comes at each place within a block of 64 bars. */
        for (int64_t bar = 0; set != NULL && memory.kind == ZA_REACH && bar + memory.bars <= m->bars; bar += 5) {
            good = CHECK(late_start_agrees(set, &of, m, wanted, bar)) && good;
        }
    }
    if (!good) {
        (void)fprintf(stderr, "  that was %s(%g, %g, %g)\n", za_indicator_info_of(indicator)->name, params->value[0],
                      params->value[1], params->value[2]);
    }
    za_free(wanted);
    za_free(got);
}

static void check_widths_and_drivers(void)
{
    static const double periods[] = {1.0, 2.0, 3.0, 7.0, 20.0, 61.0};
    market m = market_make(BARS);
    for (int i = 0; i < ZA_INDICATOR_COUNT; ++i) {
        za_params params = za_params_default((za_indicator)i);
        check_indicator((za_indicator)i, &params, &m);
        for (size_t p = 0; p < sizeof periods / sizeof *periods; ++p) {
            params.value[0] = periods[p];
            if (za_params_check((za_indicator)i, &params, NULL) == ZA_OK) {
                check_indicator((za_indicator)i, &params, &m);
            }
        }
    }
    market_free(&m);
}

/* There and back again, of every number of bars. */
static void check_transpose(void)
{
    market m = market_make(21);
    const double *columns[TICKERS];
    _Alignas(64) double tile[21 * TICKERS];
    _Alignas(64) double back[TICKERS][24];
    double *spread[TICKERS];
    for (int isa = 0; isa < ZA_ISA_COUNT; ++isa) {
        const za_lane_set *set = za_lane_set_of((za_isa)isa);
        for (int64_t bars = 0; set != NULL && bars <= m.bars; ++bars) {
            bool right = true, streamed = bars % 2 != 0;
            for (int lane = 0; lane < set->lanes; ++lane) {
                columns[lane] = m.column[ZA_CLOSE][lane];
                spread[lane] = back[lane] + (bars % 3 == 0);
            }
            set->transpose(columns, bars, tile);
            for (int64_t cell = 0; cell < bars * set->lanes; ++cell) {
                right = right && tile[cell] == columns[cell % set->lanes][cell / set->lanes];
            }
            set->spread(tile, bars, spread, streamed);
            for (int lane = 0; lane < set->lanes; ++lane) {
                right = right && memcmp(spread[lane], columns[lane], (size_t)bars * sizeof(double)) == 0;
            }
            CHECK(right);
        }
    }
    market_free(&m);
}

/* A parameter that is out of its bounds, not whole or not finite is refused by name. */
static void check_bounds(za_indicator indicator, int number)
{
    const za_param_info *param = &za_indicator_info_of(indicator)->params[number];
    const double bad[] = {NAN,
                          INFINITY,
                          -INFINITY,
                          param->least - fabs(param->least) - 1.0,
                          2.0 * param->most + 1.0,
                          param->whole ? param->least + 0.5 : NAN};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; ++i) {
        za_error error;
        za_params params = za_params_default(indicator);
        params.value[number] = bad[i];
        CHECK(za_params_check(indicator, &params, &error) == ZA_BAD_VALUE);
        CHECK(strstr(error.text, za_indicator_info_of(indicator)->name) != NULL);
        CHECK(strstr(error.text, param->name) != NULL);
    }
}

static void check_parameters(void)
{
    for (int i = 0; i < ZA_INDICATOR_COUNT; ++i) {
        const za_indicator_info *info = za_indicator_info_of((za_indicator)i);
        za_params params = za_params_default((za_indicator)i);
        CHECK(za_indicator_find(info->name) == (za_indicator)i);
        CHECK(info->input_count >= 1 && info->output_count >= 1 && info->summary[0] != '\0');
        CHECK(za_params_check((za_indicator)i, &params, NULL) == ZA_OK);
        for (int number = 0; number < info->param_count; ++number) {
            check_bounds((za_indicator)i, number);
        }
    }
    CHECK(za_indicator_find("no such indicator") == ZA_INDICATOR_COUNT);
    za_params params = {{12.0, 26.0, 9.0}};
    CHECK(za_lookback(ZA_INDICATOR_macd, &params) == 33);
    CHECK(za_lookback(ZA_INDICATOR_adx, &(za_params){{14.0}}) == 27);
    CHECK(za_lookback(ZA_INDICATOR_rsi, &(za_params){{14.0}}) == 14);
    za_memory window = za_memory_of(ZA_INDICATOR_roc, &(za_params){{20.0}});
    CHECK(window.kind == ZA_REACH && window.bars == 21);
    za_memory recursion = za_memory_of(ZA_INDICATOR_ema, &(za_params){{20.0}});
    CHECK(recursion.kind == ZA_FADING && recursion.bars == 400);
}

static void check_choice(void)
{
    za_isa isa = ZA_ISA_COUNT;
    CHECK(za_isa_from_name("avx2", &isa) && isa == ZA_ISA_AVX2);
    CHECK(!za_isa_from_name("sse9", &isa) && isa == ZA_ISA_AVX2);
    CHECK(strcmp(za_isa_name(ZA_ISA_SCALAR), "scalar") == 0);
    CHECK(za_lane_set_of(ZA_ISA_SCALAR) == za_lane_set_one() && za_lane_set_one()->lanes == 1);
    CHECK(setenv("ZIGGY_ASYNC_ISA", "scalar", 1) == 0);
    CHECK(za_lane_set_widest() == za_lane_set_one());
    CHECK(za_cpu_count() >= 1);
}

/* The engine keeps the breadth's averages on its stack, in room for four rows of one lane. */
static void check_state_of_breadth(void)
{
    za_params params = {{50}};
    CHECK(za_lane_set_one()->state_bytes(ZA_INDICATOR_sma, &params) <= 4 * 50 * sizeof(double));
}

int main(void)
{
    check_state_of_breadth();
    check_choice();
    check_parameters();
    check_transpose();
    check_direct_holes();
    check_widths_and_drivers();
    return check_report("kernels");
}
