/* Both rows of features: figures that can be had by hand, and the same bits whatever the width of a tile. */
#include "bars_sample.h"
#include "base/memory.h"
#include "check.h"
#include "market/features.h"

enum { MOST_BARS = 400 };

/* A view of bars without a store. */
typedef struct series {
    za_bar bars[MOST_BARS];
    int64_t count;
} series;

static void add_bar(series *s, double close, double range, double volume)
{
    za_bar bar = {.time = s->count, .figure = {close, close + range, close - range, close, volume}};
    s->bars[s->count++] = bar;
}

static za_view view_of(const series *s)
{
    za_block *block = block_of(s->bars, s->count);
    return (za_view){.rows = za_block_rows(block, 0, s->count), .block = block};
}

static za_group group_of_one(const za_lane_set *set, za_view view, double *row)
{
    return (za_group){.set = set, .count = 1, .bars_per_year = 252.0, .views = {view}, .rows = {row}};
}

static void market_row(const series *s, double *row)
{
    za_scratch scratch = {0};
    za_view view = view_of(s);
    za_group group = group_of_one(za_lane_set_one(), view, row);
    CHECK(za_features_fill(&group, ZA_ALL_FEATURES, &scratch));
    za_view_release(&view);
    za_scratch_free(&scratch);
}

/* `spy` may be NULL. */
static void paper_row(const series *s, bool is_market, const series *spy, double *row)
{
    za_scratch scratch = {0};
    za_view view = view_of(s), spy_view = {0};
    if (spy != NULL) {
        spy_view = view_of(spy);
    }
    za_group group = group_of_one(za_lane_set_one(), view, row);
    CHECK(za_paper_fill(&group, &is_market, &spy_view, &scratch));
    za_view_release(&view);
    za_view_release(&spy_view);
    za_scratch_free(&scratch);
}

static series line(int64_t count, double start, double step)
{
    series s = {.count = 0};
    for (int64_t i = 0; i < count; i++) {
        add_bar(&s, start + step * (double)i, 1, 1e5);
    }
    return s;
}

static void test_flat_market(void)
{
    double row[ZA_FEATURE_COUNT];
    series s = {.count = 0};
    for (int i = 0; i < 60; i++) {
        add_bar(&s, 100, 0, 1e5);
    }
    static const struct {
        za_feature feature;
        double value;
    } wanted[] = {{ZA_FEATURE_close, 100},
                  {ZA_FEATURE_volume, 1e5},
                  {ZA_FEATURE_price_change_1d, 0},
                  {ZA_FEATURE_sma_20, 100},
                  {ZA_FEATURE_sma_50, 100},
                  {ZA_FEATURE_ema_12, 100},
                  {ZA_FEATURE_ema_26, 100},
                  {ZA_FEATURE_macd, 0},
                  {ZA_FEATURE_macd_signal, 0},
                  {ZA_FEATURE_macd_hist, 0},
                  {ZA_FEATURE_rsi_14, 50},
                  {ZA_FEATURE_atr_14, 0},
                  {ZA_FEATURE_adx_14, 0},
                  {ZA_FEATURE_bollinger_upper, 100},
                  {ZA_FEATURE_bollinger_lower, 100},
                  {ZA_FEATURE_z_score_20, 0},
                  {ZA_FEATURE_volatility_20d, 0},
                  {ZA_FEATURE_slope_20d, 0},
                  {ZA_FEATURE_new_high_20d, 1},
                  {ZA_FEATURE_new_low_20d, 1},
                  {ZA_FEATURE_volume_ratio_20, 1},
                  {ZA_FEATURE_sma_fast, 1},
                  {ZA_FEATURE_sma_slow, 1}};
    market_row(&s, row);
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        CHECK_NEAR(row[wanted[i].feature], wanted[i].value, 0);
    }
    CHECK_NEAR(row[ZA_FEATURE_liquidity_score], 0.4, 1e-12); /* a turnover of 1e7 */
}

/* The closes 100, 101, ... 159: an exponential average lags its line by half of period - 1, as a simple one does. */
static void test_rising_market(void)
{
    const double deviation = sqrt((20.0 * 20 - 1) / 12);
    double row[ZA_FEATURE_COUNT];
    series s = line(60, 100, 1);
    market_row(&s, row);
    CHECK_NEAR(row[ZA_FEATURE_close], 159, 0);
    CHECK_NEAR(row[ZA_FEATURE_price_change_1d], 100.0 / 158, 1e-12);
    CHECK_NEAR(row[ZA_FEATURE_sma_20], 149.5, 1e-14);
    CHECK_NEAR(row[ZA_FEATURE_sma_50], 134.5, 1e-14);
    CHECK_NEAR(row[ZA_FEATURE_ema_12], 153.5, 1e-13);
    CHECK_NEAR(row[ZA_FEATURE_ema_26], 146.5, 1e-13);
    CHECK_NEAR(row[ZA_FEATURE_macd], 7, 1e-12);
    CHECK_NEAR(row[ZA_FEATURE_macd_signal], 7, 1e-12);
    CHECK(fabs(row[ZA_FEATURE_macd_hist]) < 1e-11);
    CHECK_NEAR(row[ZA_FEATURE_rsi_14], 100, 0);
    CHECK_NEAR(row[ZA_FEATURE_atr_14], 2, 1e-13);
    CHECK_NEAR(row[ZA_FEATURE_adx_14], 100, 1e-12);
    CHECK_NEAR(row[ZA_FEATURE_bollinger_upper], 149.5 + 2 * deviation, 1e-13);
    CHECK_NEAR(row[ZA_FEATURE_bollinger_lower], 149.5 - 2 * deviation, 1e-13);
    CHECK_NEAR(row[ZA_FEATURE_z_score_20], 9.5 / deviation, 1e-12);
    CHECK_NEAR(row[ZA_FEATURE_slope_20d], 100 / 149.5, 1e-12);
    CHECK(row[ZA_FEATURE_new_high_20d] == 1 && row[ZA_FEATURE_new_low_20d] == 0);
    s = line(60, 200, -1);
    market_row(&s, row);
    CHECK_NEAR(row[ZA_FEATURE_rsi_14], 0, 0);
    CHECK_NEAR(row[ZA_FEATURE_slope_20d], -100 / 150.5, 1e-12);
    CHECK(row[ZA_FEATURE_new_high_20d] == 0 && row[ZA_FEATURE_new_low_20d] == 1);
}

static void test_volumes(void)
{
    double row[ZA_FEATURE_COUNT];
    series s = {.count = 0};
    for (int i = 0; i < 50; i++) {
        add_bar(&s, 100, 1, 0);
    }
    market_row(&s, row);
    CHECK(row[ZA_FEATURE_volume_ratio_20] == 0 && row[ZA_FEATURE_liquidity_score] == 0);
    add_bar(&s, 100, 1, 20);
    market_row(&s, row);
    CHECK_NEAR(row[ZA_FEATURE_volume_ratio_20], 20, 1e-14);
    CHECK(row[ZA_FEATURE_liquidity_score] == 0);
    for (int i = 0; i < 20; i++) {
        add_bar(&s, 100, 1, 1e20);
    }
    market_row(&s, row);
    CHECK(row[ZA_FEATURE_liquidity_score] == 1 && row[ZA_FEATURE_volume_ratio_20] == 1);
}

/* Returns that go up and down by the same share: their deviation is that share, times the root of 252 a year. */
static series zigzag(int64_t count, double share)
{
    series s = {.count = 0};
    double close = 100;
    for (int64_t i = 0; i < count; i++) {
        add_bar(&s, close, 1, 1000);
        close *= i % 2 == 0 ? 1 + share : 1 - share;
    }
    return s;
}

static void test_volatility(void)
{
    double row[ZA_FEATURE_COUNT];
    series s = zigzag(61, 0.02);
    market_row(&s, row);
    CHECK_NEAR(row[ZA_FEATURE_volatility_20d], 0.02 * sqrt(252), 1e-12);
}

static bool is_level(double field, za_level level)
{
    return (int)field == (int)level;
}

/* The first bars at which each field says something, and what it says before. */
static void test_paper_thresholds(void)
{
    for (int64_t count = 1; count <= 60; count++) {
        double row[ZA_PAPER_COUNT], last = 99 + (double)count;
        series s = line(count, 100, 1);
        paper_row(&s, false, NULL, row);
        CHECK_NEAR(row[ZA_PAPER_sma_5], count >= 5 ? last - 2 : 0, 1e-13);
        CHECK_NEAR(row[ZA_PAPER_sma_20], count >= 20 ? last - 9.5 : 0, 1e-13);
        CHECK_NEAR(row[ZA_PAPER_sma_50], count >= 50 ? last - 24.5 : 0, 1e-13);
        CHECK_NEAR(row[ZA_PAPER_rsi], count >= 15 ? 100 : 50, 0);
        CHECK_NEAR(row[ZA_PAPER_atr], count >= 15 ? 2 : 0, 1e-13);
        CHECK_NEAR(row[ZA_PAPER_bollinger_upper], count >= 20 ? last - 9.5 + 2 * sqrt(399.0 / 12) : 0, 1e-13);
        CHECK_NEAR(row[ZA_PAPER_bollinger_lower], count >= 20 ? last - 9.5 - 2 * sqrt(399.0 / 12) : 0, 1e-13);
        CHECK_NEAR(row[ZA_PAPER_sector_momentum], count >= 5 ? fmin(1, 40 / (last - 4)) : 0, 1e-13);
        CHECK(row[ZA_PAPER_spy_correlation] == (count >= 20 ? 0.7 : 0.0));
        CHECK(is_level(row[ZA_PAPER_vol_regime], count >= 20 ? ZA_LOW_LEVEL : ZA_MIDDLE_LEVEL));
        CHECK(is_level(row[ZA_PAPER_trend_regime], count >= 20 ? ZA_HIGH_LEVEL : ZA_MIDDLE_LEVEL));
    }
}

static void test_paper_regimes(void)
{
    static const struct {
        double share;
        za_level level;
    } wanted[] = {{0.03, ZA_HIGH_LEVEL}, {0.012, ZA_MIDDLE_LEVEL}, {0.005, ZA_LOW_LEVEL}};
    double row[ZA_PAPER_COUNT];
    for (int i = 0; i < 3; i++) {
        series s = zigzag(30, wanted[i].share);
        paper_row(&s, false, NULL, row);
        CHECK(is_level(row[ZA_PAPER_vol_regime], wanted[i].level));
    }
    series falling = line(60, 200, -1), falling_short = line(49, 200, -1);
    paper_row(&falling, false, NULL, row);
    CHECK(is_level(row[ZA_PAPER_trend_regime], ZA_LOW_LEVEL) && row[ZA_PAPER_rsi] == 0);
    paper_row(&falling_short, false, NULL, row); /* its sma_50 is 0, and no average is below that */
    CHECK(is_level(row[ZA_PAPER_trend_regime], ZA_MIDDLE_LEVEL));
    add_bar(&falling, 190, 1, 1000);
    paper_row(&falling, false, NULL, row);
    CHECK(is_level(row[ZA_PAPER_trend_regime], ZA_MIDDLE_LEVEL));
}

static double spread(double close, double range)
{
    double row[ZA_PAPER_COUNT];
    series s = {.count = 0};
    add_bar(&s, close, range, 1);
    paper_row(&s, false, NULL, row);
    return row[ZA_PAPER_bid_ask_spread];
}

static double order_flow(double before, double close, double volume_before, double volume)
{
    double row[ZA_PAPER_COUNT];
    series s = {.count = 0};
    add_bar(&s, before, 0, volume_before);
    add_bar(&s, close, 0, volume);
    paper_row(&s, false, NULL, row);
    return row[ZA_PAPER_order_flow_imbalance];
}

static void test_paper_last_bars(void)
{
    CHECK_NEAR(spread(100, 0), 0.01, 0);
    CHECK_NEAR(spread(100, 5), 0.03, 1e-14);
    CHECK_NEAR(spread(100, 50), 0.05, 0);
    CHECK_NEAR(order_flow(10, 11, 100, 150), 0.5, 1e-14);
    CHECK_NEAR(order_flow(10, 11, 100, 900), 1, 0);
    CHECK_NEAR(order_flow(10, 11, 100, 25), -0.75, 1e-14);
    CHECK_NEAR(order_flow(10, 9, 100, 150), -0.5, 1e-14);
    CHECK_NEAR(order_flow(10, 9, 100, 900), -1, 0);
    CHECK_NEAR(order_flow(10, 9, 100, 25), 0.75, 1e-14);
    CHECK_NEAR(order_flow(10, 10, 100, 900), 0, 0);
    CHECK_NEAR(order_flow(10, 11, 0, 1.5), 0.5, 1e-14); /* no volume before counts as 1 */
}

static double correlation(const series *s, bool is_market, const series *spy)
{
    double row[ZA_PAPER_COUNT];
    paper_row(s, is_market, spy, row);
    return row[ZA_PAPER_spy_correlation];
}

static void test_paper_correlation(void)
{
    series up = zigzag(40, 0.02), down = zigzag(40, -0.02), flat = line(40, 100, 0);
    series few = zigzag(5, 0.02), enough = zigzag(6, 0.02);
    CHECK_NEAR(correlation(&up, false, &up), 1, 1e-12);
    CHECK_NEAR(correlation(&up, false, &down), -1, 1e-12);
    CHECK_NEAR(correlation(&flat, false, &up), 0.7, 0);
    CHECK_NEAR(correlation(&up, false, &flat), 0.7, 0);
    CHECK_NEAR(correlation(&flat, true, &up), 1, 0);
    CHECK_NEAR(correlation(&few, true, NULL), 1, 0);
    CHECK_NEAR(correlation(&few, false, &up), 0, 0);
    CHECK_NEAR(correlation(&up, false, &few), 0.7, 0);
    /* The last returns of both, from ends that line up: 40 bars and 6 end on returns of the same sign. */
    CHECK_NEAR(correlation(&enough, false, &up), 1, 1e-12);
    CHECK_NEAR(correlation(&up, false, &enough), 1, 1e-12);
}

static series random_series(uint64_t *dice, int64_t count)
{
    series s = {.count = 0};
    double close = 1 + (double)roll(dice, 1000);
    for (int64_t i = 0; i < count; i++) {
        close *= 0.95 + (double)roll(dice, 1001) / 10000.0;
        add_bar(&s, close, close * (double)roll(dice, 100) / 1000.0, (double)roll(dice, 1000000));
    }
    return s;
}

typedef struct rows {
    double market[ZA_MOST_LANES][ZA_FEATURE_COUNT], paper[ZA_MOST_LANES][ZA_PAPER_COUNT];
} rows;

static void fill(const za_lane_set *set, const za_view *views, int count, const za_view *spy, rows *out)
{
    static const bool is_market[ZA_MOST_LANES] = {false};
    za_scratch scratch = {0};
    za_group paper = {.set = set, .count = count}, market = paper;
    memset(out, 0, sizeof *out);
    for (int i = 0; i < count; i++) {
        paper.views[i] = market.views[i] = views[i];
        market.rows[i] = out->market[i];
        paper.rows[i] = out->paper[i];
    }
    CHECK(za_paper_fill(&paper, is_market, spy, &scratch));
    if (views[0].rows.count >= ZA_FEATURE_BARS) {
        CHECK(za_features_fill(&market, ZA_ALL_FEATURES, &scratch));
    }
    for (int i = 0; i < count; i++) { /* these two are not the fill's to say */
        out->market[i][ZA_FEATURE_vix_level] = out->market[i][ZA_FEATURE_breadth_50dma] = 0;
    }
    za_scratch_free(&scratch);
}

static void check_widths(const za_lane_set *set, int64_t bars, int count, uint64_t *dice)
{
    za_view views[ZA_MOST_LANES];
    series s = random_series(dice, 30);
    za_view spy = view_of(&s);
    rows wide, alone;
    for (int i = 0; i < count; i++) {
        s = random_series(dice, bars);
        views[i] = view_of(&s);
    }
    fill(set, views, count, &spy, &wide);
    for (int i = 0; i < count; i++) {
        fill(za_lane_set_one(), &views[i], 1, &spy, &alone);
        CHECK(memcmp(wide.market[i], alone.market[0], sizeof alone.market[0]) == 0);
        CHECK(memcmp(wide.paper[i], alone.paper[0], sizeof alone.paper[0]) == 0);
    }
    for (int i = 0; i < count; i++) {
        za_view_release(&views[i]);
    }
    za_view_release(&spy);
}

static void test_widths(void)
{
    static const int64_t lengths[] = {1, 2, 5, 6, 14, 15, 16, 19, 20, 21, 49, 50, 51, 64, 199, 200, 333};
    uint64_t dice = 5;
    for (int isa = 0; isa < ZA_ISA_COUNT; isa++) {
        const za_lane_set *set = za_lane_set_of((za_isa)isa);
        for (size_t i = 0; set != NULL && i < sizeof lengths / sizeof *lengths; i++) {
            for (int count = 1; count <= set->lanes; count++) {
                check_widths(set, lengths[i], count, &dice);
            }
        }
    }
}

static void test_without_memory(void)
{
    const bool is_market = false;
    double row[ZA_FEATURE_COUNT];
    series s = line(60, 100, 1);
    za_view view = view_of(&s), none = {0};
    za_group group = group_of_one(za_lane_set_widest(), view, row);
    za_scratch scratch = {0};
    za_memory_fail_after(0);
    CHECK(!za_features_fill(&group, ZA_ALL_FEATURES, &scratch));
    CHECK(!za_paper_fill(&group, &is_market, &none, &scratch));
    za_memory_fail_after(-1);
    CHECK(za_features_fill(&group, ZA_ALL_FEATURES, &scratch));
    za_scratch_free(&scratch);
    za_view_release(&view);
}

int main(void)
{
    test_flat_market();
    test_rising_market();
    test_volumes();
    test_volatility();
    test_paper_thresholds();
    test_paper_regimes();
    test_paper_last_bars();
    test_paper_correlation();
    test_widths();
    test_without_memory();
    return check_report("features");
}
