/* Values of the kernels: worked out by hand, of flat series and of zeros; windows that forget and do not drift. */
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "base/memory.h"
#include "check.h"
#include "kernels_sample.h"

/* The last values of one ticker: every input that the indicator reads is `column`, but for the second series. */
static void snapshot_of(const char *name, za_params params, const double *column, const double *other, int64_t bars,
                        double out[ZA_MAX_OUTPUTS])
{
    const za_lane_set *set = za_lane_set_one();
    const za_indicator_info *info = za_indicator_info_of(za_indicator_find(name));
    za_kernel_block block = {.indicator = za_indicator_find(name), .params = &params, .bars = bars - 1};
    for (int input = 0; input < info->input_count; ++input) {
        bool second = info->inputs[input] == ZA_VOLUME || (input == 1 && strcmp(info->group, "pair") == 0);
        block.in[input] = second ? other : column;
    }
    block.state = za_alloc_aligned(set->state_bytes(block.indicator, &params), 1);
    set->start(block.indicator, &params, 0, block.state);
    set->run(&block);
    za_kernel_block last = block_part(set, &block, bars - 1, 1);
    for (int output = 0; output < info->output_count; ++output) {
        last.out[output] = out + output;
    }
    set->run(&last);
    za_free(block.state);
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
    CHECK_NEAR(value_of("rsi", 2, (const double[]){1, 2, 1.5, 2.5}, NULL, 4), 100.0 * 0.75 / 0.875, 1e-15);
    CHECK_NEAR(value_of("roc", 2, c, NULL, 5), 125.0, 1e-15);
    CHECK_NEAR(value_of("highest", 3, c, NULL, 4), 5.0, 0.0);
    CHECK_NEAR(value_of("lowest", 3, c, NULL, 5), 4.0, 0.0);
    CHECK_NEAR(value_of("stddev", 5, c, NULL, 5), sqrt(5.36), 1e-15);
    CHECK_NEAR(value_of("zscore", 5, c, NULL, 5), (9.0 - 4.8) / sqrt(5.36), 1e-15);
    CHECK_NEAR(value_of("linearreg_slope", 5, c, NULL, 5), 1.5, 1e-15);
    CHECK_NEAR(value_of("atr", 2, c, NULL, 5), (((2.0 + 0.0) / 2.0 + 1.0) / 2.0 + 4.0) / 2.0, 1e-15);
    CHECK_NEAR(value_of("correl", 5, c, v, 5), 9.0 / sqrt(26.8 * 10.0), 1e-14);
    CHECK_NEAR(value_of("adx", 2, c, NULL, 4), 100.0, 1e-15);
    CHECK_NEAR(value_of("total", 3, c, NULL, 5), 18.0, 0.0);
    CHECK_NEAR(value_of("product", 3, c, NULL, 5), 180.0, 0.0);
    CHECK_NEAR(value_of("covariance", 5, c, v, 5), 9.0 / 5.0, 1e-14);
    CHECK_NEAR(value_of("skew", 5, c, NULL, 5), 10.224 / pow(5.36, 1.5), 1e-14);
    CHECK_NEAR(value_of("kurtosis", 5, c, NULL, 5), 74.6912 / (5.36 * 5.36) - 3.0, 1e-13);
    CHECK_NEAR(value_of("avgdev", 5, c, NULL, 5), (2.8 + 0.8 + 0.8 + 0.2 + 4.2) / 5.0, 1e-15);
    CHECK_NEAR(value_of("wma", 3, c, NULL, 5), (4.0 + 2.0 * 5.0 + 3.0 * 9.0) / 6.0, 1e-15);
}

/* Places and ranks, with equal values among them. */
static void check_order_by_hand(void)
{
    static const double high[] = {1.0, 3.0, 3.0, 2.0}, low[] = {3.0, 1.0, 1.0, 2.0};
    static const double c[] = {2.0, 4.0, 4.0, 5.0, 9.0}, ties[] = {1.0, 3.0, 3.0, 2.0, 3.0};
    CHECK(value_of("argmax", 4, high, NULL, 4) == 2.0);
    CHECK(value_of("argmin", 4, low, NULL, 4) == 2.0);
    CHECK(value_of("argmax", 5, c, NULL, 5) == 0.0);
    CHECK(value_of("argmin", 5, c, NULL, 5) == 4.0);
    CHECK_NEAR(value_of("ts_rank", 5, c, NULL, 5), 1.0, 1e-15);
    CHECK_NEAR(value_of("ts_rank", 5, ties, NULL, 5), (3.0 + 4.0 + 5.0) / 3.0 / 5.0, 1e-15);
    CHECK_NEAR(value_of("quantile", 5, c, NULL, 5), 4.0, 0.0);
    CHECK_NEAR(value_of("quantile", 4, c, NULL, 5), 4.5, 0.0);
    double out[ZA_MAX_OUTPUTS];
    snapshot_of("quantile", (za_params){{5.0, 0.9}}, c, NULL, 5, out);
    CHECK_NEAR(out[0], 7.4, 1e-15);
    snapshot_of("quantile", (za_params){{5.0, 1.0}}, c, NULL, 5, out);
    CHECK(out[0] == 9.0);
}

static void check_several_outputs(void)
{
    static const double c[] = {2.0, 4.0, 4.0, 5.0, 9.0};
    double out[ZA_MAX_OUTPUTS];
    snapshot_of("aroon", (za_params){{4.0}}, c, NULL, 5, out);
    CHECK(out[0] == 0.0 && out[1] == 100.0);
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
    static const char *const zero[] = {
        "macd", "roc",    "adx",  "linearreg_slope",   "atr", "stddev", "zscore", "skew", "kurtosis",
        "cci",  "correl", "beta", "return_correlation"};
    for (size_t i = 0; i < sizeof zero / sizeof *zero; ++i) {
        CHECK(value_of(zero[i], 12, c, c, FLAT) == 0.0);
    }
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

/* Once 1e9 has left the bars that count, the value has the bits that it has without it. */
static void check_outlier(void)
{
    enum { LENGTH = 120, MOST_REACH = 31 };
    double calm[LENGTH], shocked[LENGTH], wanted[ZA_MAX_OUTPUTS], found[ZA_MAX_OUTPUTS];
    for (int t = 0; t < LENGTH; ++t) {
        calm[t] = shocked[t] = 100.0 + random_unit();
    }
    for (int at = 20; at < LENGTH - MOST_REACH; at += 3) {
        shocked[at] = 1e9;
        for (int i = 0; i < ZA_INDICATOR_COUNT; ++i) {
            const za_indicator_info *info = za_indicator_info_of((za_indicator)i);
            za_params params = za_params_default((za_indicator)i);
            za_memory memory = za_memory_of((za_indicator)i, &params);
            if (memory.kind == ZA_REACH && CHECK(memory.bars <= MOST_REACH)) {
                snapshot_of(info->name, params, calm, calm, LENGTH, wanted);
                snapshot_of(info->name, params, shocked, shocked, LENGTH, found);
                CHECK(memcmp(wanted, found, (size_t)info->output_count * sizeof *found) == 0);
            }
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

int main(void)
{
    check_by_hand();
    check_order_by_hand();
    check_several_outputs();
    check_flat();
    check_zero_columns();
    check_outlier();
    check_drift();
    return check_report("kernel values");
}
