/* The kernels: the same bits at every width and from both drivers, values worked out by hand, and windows that forget.
 */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/cpu.h"
#include "base/memory.h"
#include "check.h"
#include "kernels/lanes.h"

enum { TICKERS = 8, BARS = 330 };

/* Bars of eight tickers, as plain columns, and room for the outputs of one indicator over them. */
typedef struct market {
    double *column[ZA_FIELD_COUNT][TICKERS];
    int64_t bars;
} market;

static uint64_t random_state = 88172645463325252u;

/* Xorshift; uniform in [0, 1). */
static double random_unit(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (double)(random_state >> 11) * 0x1p-53;
}

static void fill_ticker(market *m, int ticker, double price)
{
    double other = price;
    for (int64_t t = 0; t < m->bars; ++t) {
        double close = price * (1.0 + 0.04 * (random_unit() - 0.5));
        m->column[ZA_OPEN][ticker][t] = price;
        m->column[ZA_HIGH][ticker][t] = fmax(price, close) * (1.0 + 0.01 * random_unit());
        m->column[ZA_LOW][ticker][t] = fmin(price, close) * (1.0 - 0.01 * random_unit());
        m->column[ZA_CLOSE][ticker][t] = close;
        m->column[ZA_VOLUME][ticker][t] = floor(1e6 * random_unit());
        m->column[ZA_OTHER][ticker][t] = other;
        price = close;
        other *= 1.0 + 0.04 * (random_unit() - 0.5);
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

/* Tiles of `set->lanes` tickers from `ticker` on, holding bars [start, start + bars). Columns that the indicator does
 * not read stay NULL, which shows that it does not read them. */
static za_frame frame_make(const za_lane_set *set, za_indicator indicator, const market *m, int ticker, int64_t start,
                           int64_t bars)
{
    za_frame frame = {.bars = bars};
    for (int field = 0; field < ZA_FIELD_COUNT; ++field) {
        if ((za_indicator_info_of(indicator)->inputs & (1u << field)) == 0) {
            continue;
        }
        const double *columns[TICKERS];
        for (int lane = 0; lane < set->lanes; ++lane) {
            columns[lane] = m->column[field][ticker + lane] + start;
        }
        double *tile = za_alloc_aligned((size_t)(bars * set->lanes), sizeof(double));
        set->transpose(columns, bars, tile);
        frame.column[field] = tile;
    }
    return frame;
}

static void frame_free(za_frame *frame)
{
    for (int field = 0; field < ZA_FIELD_COUNT; ++field) {
        za_free((void *)(uintptr_t)frame->column[field]);
    }
}

/* The series of all tickers as out[output][bar][ticker]; `out` is one block of ZA_MAX_OUTPUTS * bars * TICKERS. */
static void run_series(const za_lane_set *set, za_indicator indicator, const za_params *params, const market *m,
                       double *out)
{
    void *state = za_alloc_aligned(set->state_bytes(indicator, params), 1);
    size_t plane = (size_t)(m->bars * set->lanes);
    double *part = za_alloc(ZA_MAX_OUTPUTS * plane, sizeof *part);
    double *outputs[ZA_MAX_OUTPUTS] = {part, part + plane, part + 2 * plane, part + 3 * plane};
    for (int ticker = 0; ticker < TICKERS; ticker += set->lanes) {
        za_frame frame = frame_make(set, indicator, m, ticker, 0, m->bars);
        set->series(indicator, params, &frame, state, outputs);
        frame_free(&frame);
        for (int output = 0; output < za_indicator_info_of(indicator)->output_count; ++output) {
            for (int64_t t = 0; t < m->bars; ++t) {
                memcpy(out + (output * m->bars + t) * TICKERS + ticker, outputs[output] + t * set->lanes,
                       (size_t)set->lanes * sizeof *out);
            }
        }
    }
    za_free(part);
    za_free(state);
}

/* Snapshots over the first `bars` bars, begun at `start`, must be the rows of the series at the last of them. */
static bool snapshot_agrees(const za_lane_set *set, za_indicator indicator, const za_params *params, const market *m,
                            const double *series, int64_t start, int64_t bars)
{
    void *state = za_alloc_aligned(set->state_bytes(indicator, params), 1);
    double out[ZA_MAX_OUTPUTS * TICKERS];
    bool agrees = true;
    for (int ticker = 0; ticker < TICKERS; ticker += set->lanes) {
        za_frame frame = frame_make(set, indicator, m, ticker, start, bars - start);
        set->snapshot(indicator, params, &frame, state, out);
        frame_free(&frame);
        for (int output = 0; output < za_indicator_info_of(indicator)->output_count; ++output) {
            const double *row = series + (output * m->bars + bars - 1) * TICKERS + ticker;
            agrees = agrees && memcmp(row, out + output * set->lanes, (size_t)set->lanes * sizeof *out) == 0;
        }
    }
    za_free(state);
    return agrees;
}

/* NaN exactly before the lookback, finite from there on. */
static bool starts_at_lookback(za_indicator indicator, const za_params *params, const market *m, const double *series)
{
    int64_t lookback = za_lookback(indicator, params);
    for (int output = 0; output < za_indicator_info_of(indicator)->output_count; ++output) {
        for (int64_t t = 0; t < m->bars; ++t) {
            for (int ticker = 0; ticker < TICKERS; ++ticker) {
                double value = series[(output * m->bars + t) * TICKERS + ticker];
                if (t < lookback ? !isnan(value) : !isfinite(value)) {
                    return false;
                }
            }
        }
    }
    return true;
}

static void check_indicator(za_indicator indicator, const za_params *params, const market *m)
{
    size_t count = (size_t)(za_indicator_info_of(indicator)->output_count * m->bars) * TICKERS;
    double *wanted = za_alloc(count, sizeof *wanted), *got = za_alloc(count, sizeof *got);
    int64_t lookback = za_lookback(indicator, params);
    run_series(za_lane_set_one(), indicator, params, m, wanted);
    bool good = CHECK(starts_at_lookback(indicator, params, m, wanted));
    for (int isa = 0; isa < ZA_ISA_COUNT; ++isa) {
        const za_lane_set *set = za_lane_set_of((za_isa)isa);
        if (set == NULL) {
            continue;
        }
        run_series(set, indicator, params, m, got);
        good = CHECK(memcmp(wanted, got, count * sizeof *got) == 0) && good;
        for (int64_t bars = lookback + 1; bars <= m->bars; bars += bars < lookback + 70 ? 1 : 37) {
            int64_t start = za_snapshot_start(indicator, params, bars);
            good = CHECK(start >= 0 && start <= bars - 1 - lookback) && good;
            good = CHECK(snapshot_agrees(set, indicator, params, m, wanted, 0, bars)) && good;
            good = CHECK(snapshot_agrees(set, indicator, params, m, wanted, start, bars)) && good;
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

static void check_transpose(void)
{
    market m = market_make(21);
    const double *columns[TICKERS];
    double tile[21 * TICKERS];
    for (int isa = 0; isa < ZA_ISA_COUNT; ++isa) {
        const za_lane_set *set = za_lane_set_of((za_isa)isa);
        for (int64_t bars = 0; set != NULL && bars <= m.bars; ++bars) {
            bool right = true;
            for (int lane = 0; lane < set->lanes; ++lane) {
                columns[lane] = m.column[ZA_CLOSE][lane];
            }
            set->transpose(columns, bars, tile);
            for (int64_t cell = 0; cell < bars * set->lanes; ++cell) {
                right = right && tile[cell] == columns[cell % set->lanes][cell / set->lanes];
            }
            CHECK(right);
        }
    }
    market_free(&m);
}

/* The snapshot of one ticker: every field that the indicator reads is `column`, but for the second series. */
static void snapshot_of(const char *name, za_params params, const double *column, const double *other, int64_t bars,
                        double out[ZA_MAX_OUTPUTS])
{
    const za_lane_set *set = za_lane_set_one();
    za_indicator indicator = za_indicator_find(name);
    void *state = za_alloc_aligned(set->state_bytes(indicator, &params), 1);
    za_frame frame = {.column = {column, column, column, column, other, other}, .bars = bars};
    set->snapshot(indicator, &params, &frame, state, out);
    za_free(state);
}

static double value_of(const char *name, double period, const double *column, const double *other, int64_t bars)
{
    za_params params = za_params_default(za_indicator_find(name));
    double out[ZA_MAX_OUTPUTS];
    params.value[0] = period;
    snapshot_of(name, params, column, other, bars, out);
    return out[0];
}

static void check_by_hand(void)
{
    static const double c[] = {2.0, 4.0, 4.0, 5.0, 9.0}, v[] = {1.0, 0.0, 2.0, 4.0, 3.0};
    CHECK_NEAR(value_of("sma", 3, c, NULL, 5), 6.0, 1e-15);
    CHECK_NEAR(value_of("ema", 3, c, NULL, 5), (((2.0 + 4.0 + 4.0) / 3.0 + 5.0) / 2.0 + 9.0) / 2.0, 1e-15);
    CHECK_NEAR(value_of("turnover", 2, c, v, 5), (5.0 * 4.0 + 9.0 * 3.0) / 2.0, 1e-15);
    CHECK_NEAR(value_of("rsi", 2, (const double[]){1, 2, 1.5, 2.5}, NULL, 4), 100.0 * 0.75 / 0.875, 1e-15);
    CHECK_NEAR(value_of("rsi_cutler", 2, (const double[]){1, 2, 1.5, 2.5}, NULL, 4), 100.0 * 1.0 / 1.5, 1e-15);
    CHECK_NEAR(value_of("roc", 2, c, NULL, 5), 125.0, 1e-15);
    CHECK_NEAR(value_of("highest", 3, c, NULL, 4), 5.0, 0.0);
    CHECK_NEAR(value_of("lowest", 3, c, NULL, 5), 4.0, 0.0);
    CHECK_NEAR(value_of("stddev", 5, c, NULL, 5), sqrt(5.36), 1e-15);
    CHECK_NEAR(value_of("zscore", 5, c, NULL, 5), (9.0 - 4.8) / sqrt(5.36), 1e-15);
    CHECK_NEAR(value_of("slope", 5, c, NULL, 5), 1.5, 1e-15);
    CHECK_NEAR(value_of("slope_percent", 5, c, NULL, 5), 150.0 / 4.8, 1e-15);
    CHECK_NEAR(value_of("atr", 2, c, NULL, 5), (((2.0 + 0.0) / 2.0 + 1.0) / 2.0 + 4.0) / 2.0, 1e-15);
    CHECK_NEAR(value_of("atr_simple", 2, c, NULL, 5), 2.5, 1e-15);
    CHECK_NEAR(value_of("volatility", 2, c, NULL, 5), 0.275 * sqrt(252.0), 1e-14);
    CHECK_NEAR(value_of("correlation", 5, c, v, 5), 9.0 / sqrt(26.8 * 10.0), 1e-14);
    CHECK_NEAR(value_of("adx", 2, c, NULL, 4), 100.0, 1e-15);
}

static void check_several_outputs(void)
{
    static const double c[] = {2.0, 4.0, 4.0, 5.0, 9.0};
    double out[ZA_MAX_OUTPUTS];
    snapshot_of("bollinger", (za_params){{5.0, 2.0}}, c, NULL, 5, out);
    CHECK_NEAR(out[0], 4.8 + 2.0 * sqrt(5.36), 1e-15);
    CHECK_NEAR(out[1], 4.8, 1e-15);
    CHECK_NEAR(out[2], 4.8 - 2.0 * sqrt(5.36), 1e-14);
    /* Fast: 4 at bar 2, then 14/3, then 68/9. Slow: 10/3 at bar 2, then 25/6, then 79/12. */
    snapshot_of("macd", (za_params){{2.0, 3.0, 2.0}}, c, NULL, 5, out);
    double seed = (2.0 / 3.0 + 0.5) / 2.0, line = 68.0 / 9.0 - 79.0 / 12.0;
    CHECK_NEAR(out[0], line, 1e-14);
    CHECK_NEAR(out[1], seed + (line - seed) * 2.0 / 3.0, 1e-14);
    CHECK_NEAR(out[2], line - out[1], 1e-14);
    double swapped[ZA_MAX_OUTPUTS];
    snapshot_of("macd", (za_params){{3.0, 2.0, 2.0}}, c, NULL, 5, swapped);
    CHECK(memcmp(out, swapped, 3 * sizeof *out) == 0);
    snapshot_of("return_correlation", (za_params){{3.0}}, c, (const double[]){1.0, 2.0, 2.0, 2.5, 4.5}, 5, out);
    CHECK_NEAR(out[0], 1.0, 1e-15);
    CHECK(out[1] == 1.0);
}

static void check_flat(void)
{
    enum { FLAT = 90 };
    double c[FLAT];
    double out[ZA_MAX_OUTPUTS];
    for (int t = 0; t < FLAT; ++t) {
        c[t] = 0.1;
    }
    CHECK(value_of("sma", 7, c, NULL, FLAT) == 0.1);
    CHECK(value_of("ema", 7, c, NULL, FLAT) == 0.1);
    CHECK(value_of("rsi", 14, c, NULL, FLAT) == 50.0);
    CHECK(value_of("rsi_cutler", 14, c, NULL, FLAT) == 100.0);
    static const char *const zero[] = {"macd",          "roc",    "adx",         "slope",
                                       "slope_percent", "atr",    "atr_simple",  "volatility",
                                       "stddev",        "zscore", "correlation", "return_correlation"};
    for (size_t i = 0; i < sizeof zero / sizeof *zero; ++i) {
        CHECK(value_of(zero[i], 12, c, c, FLAT) == 0.0);
    }
    snapshot_of("bollinger", (za_params){{20.0, 2.0}}, c, NULL, FLAT, out);
    CHECK(out[0] == 0.1 && out[1] == 0.1 && out[2] == 0.1);
    snapshot_of("return_correlation", (za_params){{20.0}}, c, c, FLAT, out);
    CHECK(out[0] == 0.0 && out[1] == 0.0);
}

/* What is not a price may be 0 or below: still no NaN comes out. */
static void check_zero_columns(void)
{
    static const double levels[] = {0.0, -1.0};
    for (size_t level = 0; level < 2; ++level) {
        double c[120], out[ZA_MAX_OUTPUTS];
        for (int t = 0; t < 120; ++t) {
            c[t] = t % 3 == 0 ? levels[level] : 0.0;
        }
        for (int i = 0; i < ZA_INDICATOR_COUNT; ++i) {
            const za_indicator_info *info = za_indicator_info_of((za_indicator)i);
            snapshot_of(info->name, za_params_default((za_indicator)i), c, c, 120, out);
            for (int output = 0; output < info->output_count; ++output) {
                CHECK(isfinite(out[output]));
            }
        }
    }
}

/* Once 1e9 has left the window, the value has the bits that it has without it. */
static void check_outlier(void)
{
    enum { LENGTH = 120, PERIOD = 20 };
    static const char *const windowed[] = {
        "sma",         "turnover",           "rsi_cutler", "slope",      "slope_percent", "highest",
        "lowest",      "bollinger",          "atr_simple", "volatility", "stddev",        "zscore",
        "correlation", "return_correlation", "roc"};
    double calm[LENGTH], shocked[LENGTH];
    for (int t = 0; t < LENGTH; ++t) {
        calm[t] = shocked[t] = 100.0 + random_unit();
    }
    for (int at = 20; at < LENGTH - PERIOD - 1; at += 3) {
        shocked[at] = 1e9;
        for (size_t i = 0; i < sizeof windowed / sizeof *windowed; ++i) {
            double wanted = value_of(windowed[i], PERIOD, calm, calm, LENGTH);
            CHECK(value_of(windowed[i], PERIOD, shocked, shocked, LENGTH) == wanted);
        }
    }
}

/* A million bars at a high level: as good as the window alone, in long double. */
static void check_drift(void)
{
    enum { LENGTH = 1000000, PERIOD = 20 };
    double *c = za_alloc(LENGTH, sizeof *c);
    for (int64_t t = 0; t < LENGTH; ++t) {
        c[t] = 1e6 + random_unit();
    }
    long double sum = 0.0L, squares = 0.0L;
    for (int64_t t = LENGTH - PERIOD; t < LENGTH; ++t) {
        sum += (long double)c[t] - 1e6L;
    }
    for (int64_t t = LENGTH - PERIOD; t < LENGTH; ++t) {
        long double distance = (long double)c[t] - 1e6L - sum / (long double)PERIOD;
        squares += distance * distance;
    }
    CHECK_NEAR(value_of("sma", PERIOD, c, NULL, LENGTH), (double)(1e6L + sum / (long double)PERIOD), 1e-15);
    CHECK_NEAR(value_of("stddev", PERIOD, c, NULL, LENGTH), sqrt((double)(squares / (long double)PERIOD)), 1e-13);
    double recent = value_of("ema", PERIOD, c + LENGTH - 2000, NULL, 2000);
    CHECK_NEAR(value_of("ema", PERIOD, c, NULL, LENGTH), recent, 1e-15);
    za_free(c);
}

static void check_parameters(void)
{
    static const double bad[] = {0.0, -3.0, 2.5, 100001.0, NAN, INFINITY, -INFINITY};
    za_error error;
    for (int i = 0; i < ZA_INDICATOR_COUNT; ++i) {
        const za_indicator_info *info = za_indicator_info_of((za_indicator)i);
        za_params params = za_params_default((za_indicator)i);
        CHECK(za_indicator_find(info->name) == (za_indicator)i);
        CHECK(info->param_count >= 1 && info->output_count >= 1 && info->summary[0] != '\0');
        CHECK(za_params_check((za_indicator)i, &params, NULL) == ZA_OK);
        for (size_t b = 0; b < sizeof bad / sizeof *bad; ++b) {
            params.value[0] = bad[b];
            CHECK(za_params_check((za_indicator)i, &params, &error) == ZA_BAD_VALUE);
            CHECK(strstr(error.text, info->name) != NULL && strstr(error.text, info->params[0].name) != NULL);
        }
    }
    CHECK(za_indicator_find("no such indicator") == ZA_INDICATOR_COUNT);
    za_params params = {{12.0, 26.0, 9.0}};
    CHECK(za_lookback(ZA_INDICATOR_macd, &params) == 33);
    CHECK(za_lookback(ZA_INDICATOR_adx, &(za_params){{14.0}}) == 27);
    CHECK(za_lookback(ZA_INDICATOR_rsi, &(za_params){{14.0}}) == 14);
    CHECK(za_snapshot_start(ZA_INDICATOR_sma, &(za_params){{20.0}}, 252) == 220);
    CHECK(za_snapshot_start(ZA_INDICATOR_volatility, &(za_params){{20.0}}, 41) == 20);
    CHECK(za_snapshot_start(ZA_INDICATOR_ema, &(za_params){{20.0}}, 252) == 0);
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
    check_by_hand();
    check_several_outputs();
    check_flat();
    check_zero_columns();
    check_outlier();
    check_drift();
    check_widths_and_drivers();
    return check_report("kernels");
}
