/* Paper features: short windows over the last bars, and what the application reads into them. */
#include <string.h>

#include "market/features.h"

/* Figures of which a regime or a correlation is made, in slots behind the row. */
enum { SLOT_VOLATILITY = ZA_PAPER_COUNT, SLOT_CORRELATION, SLOT_VARIES, SLOT_COUNT };
_Static_assert((int)SLOT_COUNT <= (int)ZA_MOST_SLOTS, "a row has room for every slot");

enum {
    WINDOW = 20,         /* of the averages, deviations and correlation */
    MOMENTUM_BARS = 5,   /* sector_momentum compares the last close with the one four bars before */
    LEAST_CORRELATED = 5 /* returns below which a correlation says nothing */
};

#define ONE(a) .slot = {a, ZA_NO_SLOT, ZA_NO_SLOT, ZA_NO_SLOT}

static const za_step_of steps[] = {
    {.indicator = ZA_INDICATOR_sma, .real = ZA_CLOSE, .params = {{5}}, ONE(ZA_PAPER_sma_5)},
    {.indicator = ZA_INDICATOR_sma, .real = ZA_CLOSE, .params = {{WINDOW}}, ONE(ZA_PAPER_sma_20)},
    {.indicator = ZA_INDICATOR_sma, .real = ZA_CLOSE, .params = {{50}}, ONE(ZA_PAPER_sma_50)},
    {.indicator = ZA_INDICATOR_rsi_cutler, .real = ZA_CLOSE, .params = {{14}}, ONE(ZA_PAPER_rsi)},
    {.indicator = ZA_INDICATOR_atr_simple, .real = ZA_CLOSE, .params = {{14}}, ONE(ZA_PAPER_atr)},
    {.indicator = ZA_INDICATOR_bollinger,
     .real = ZA_CLOSE,
     .params = {{WINDOW, 2}},
     .slot = {ZA_PAPER_bollinger_upper, ZA_NO_SLOT, ZA_PAPER_bollinger_lower, ZA_NO_SLOT}},
};

enum { STEPS = sizeof steps / sizeof *steps };

static int64_t least_of(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* What the fields say while there are too few bars. */
static void set_defaults(double *row, int64_t bars)
{
    memset(row, 0, ZA_MOST_SLOTS * sizeof *row);
    row[ZA_PAPER_rsi] = 50.0;
    row[ZA_PAPER_vol_regime] = ZA_MIDDLE_LEVEL;
    row[ZA_PAPER_trend_regime] = ZA_MIDDLE_LEVEL;
    row[SLOT_VOLATILITY] = 0.2; /* between the bounds of "normal" */
    row[ZA_PAPER_spy_correlation] = bars >= WINDOW ? 0.7 : 0.0;
}

static za_level vol_regime(double volatility)
{
    return volatility > 0.30 ? ZA_HIGH_LEVEL : volatility < 0.15 ? ZA_LOW_LEVEL : ZA_MIDDLE_LEVEL;
}

static za_level trend_regime(const double *row, double price)
{
    double fast = row[ZA_PAPER_sma_5], middle = row[ZA_PAPER_sma_20], slow = row[ZA_PAPER_sma_50];
    if (fast > middle && middle > slow && price > fast) {
        return ZA_HIGH_LEVEL;
    }
    return fast < middle && middle < slow && price < fast ? ZA_LOW_LEVEL : ZA_MIDDLE_LEVEL;
}

static double bid_ask_spread(const za_rows *rows)
{
    double high = za_rows_last(rows, ZA_FIGURE_HIGH, 0), low = za_rows_last(rows, ZA_FIGURE_LOW, 0);
    double spread = 0.3 * (high - low) / za_rows_last(rows, ZA_FIGURE_CLOSE, 0);
    return high == low ? 0.01 : spread < 0.05 ? spread : 0.05;
}

static double order_flow_imbalance(const za_rows *rows)
{
    if (rows->count < 2) {
        return 0.0;
    }
    double volume = za_rows_last(rows, ZA_FIGURE_VOLUME, 0), before = za_rows_last(rows, ZA_FIGURE_VOLUME, 1);
    double change = za_rows_last(rows, ZA_FIGURE_CLOSE, 0) - za_rows_last(rows, ZA_FIGURE_CLOSE, 1);
    double ratio = volume / (before > 1.0 ? before : 1.0);
    if (change > 0) {
        return ratio - 1.0 < 1.0 ? ratio - 1.0 : 1.0;
    }
    return change == 0 ? 0.0 : 1.0 - ratio > -1.0 ? 1.0 - ratio : -1.0;
}

static double sector_momentum(const za_rows *rows)
{
    if (rows->count < MOMENTUM_BARS) {
        return 0.0;
    }
    double before = za_rows_last(rows, ZA_FIGURE_CLOSE, MOMENTUM_BARS - 1);
    return za_clamp(10.0 * (za_rows_last(rows, ZA_FIGURE_CLOSE, 0) - before) / before, -1.0, 1.0);
}

static void derive(const za_rows *rows, bool is_market, double *row)
{
    row[ZA_PAPER_bid_ask_spread] = bid_ask_spread(rows);
    row[ZA_PAPER_order_flow_imbalance] = order_flow_imbalance(rows);
    row[ZA_PAPER_sector_momentum] = sector_momentum(rows);
    if (rows->count >= WINDOW) {
        row[ZA_PAPER_vol_regime] = vol_regime(row[SLOT_VOLATILITY]);
        row[ZA_PAPER_trend_regime] = trend_regime(row, za_rows_last(rows, ZA_FIGURE_CLOSE, 0));
    }
    if (is_market) {
        row[ZA_PAPER_spy_correlation] = 1.0;
    } else if (row[SLOT_VARIES] != 0.0) {
        row[ZA_PAPER_spy_correlation] = row[SLOT_CORRELATION];
    }
}

/* The last returns against those of SPY: a tile of the last bars of both, which need not be as many. */
static bool correlate(const za_lane_set *set, const za_frame_of_bars *tile, const za_view *spy, za_scratch *scratch,
                      double (*wide)[ZA_MOST_SLOTS])
{
    int64_t returns = least_of(WINDOW, least_of(tile->bars, spy->rows.count) - 1);
    if (returns < LEAST_CORRELATED) {
        return true;
    }
    za_frame_of_bars tail = {.bars = returns + 1};
    for (int lane = 0; lane < set->lanes; lane++) {
        tail.column[ZA_CLOSE][lane] = tile->column[ZA_CLOSE][lane] + tile->bars - tail.bars;
        tail.column[ZA_OTHER][lane] = spy->rows.figure[ZA_FIGURE_CLOSE] + spy->rows.count - tail.bars;
    }
    za_step_of step = {.indicator = ZA_INDICATOR_return_correlation,
                       .real = ZA_CLOSE,
                       .params = {{(double)returns}},
                       .slot = {SLOT_CORRELATION, SLOT_VARIES, ZA_NO_SLOT, ZA_NO_SLOT}};
    return za_steps_run((za_steps){&step, 1}, set, &tail, scratch, wide);
}

/* The year's volatility, of as many of the last bars as there are up to the window. */
static bool add_volatility(const za_group *group, const za_frame_of_bars *tile, za_scratch *scratch,
                           double (*wide)[ZA_MOST_SLOTS])
{
    if (tile->bars < WINDOW) {
        return true;
    }
    za_step_of step = {.indicator = ZA_INDICATOR_volatility,
                       .real = ZA_CLOSE,
                       .params = {{(double)least_of(WINDOW, tile->bars - 1), group->bars_per_year}},
                       ONE(SLOT_VOLATILITY)};
    return za_steps_run((za_steps){&step, 1}, group->set, tile, scratch, wide);
}

bool za_paper_fill(const za_group *group, const bool *is_market, const za_view *spy, za_scratch *scratch)
{
    double wide[ZA_MOST_LANES][ZA_MOST_SLOTS];
    const za_lane_set *set = group->set;
    za_frame_of_bars tile = za_frame_of_views(group->views, group->count, set->lanes);
    for (int lane = 0; lane < set->lanes; lane++) {
        set_defaults(wide[lane], tile.bars);
    }
    if (!za_steps_run((za_steps){steps, STEPS}, set, &tile, scratch, wide) ||
        !add_volatility(group, &tile, scratch, wide) || !correlate(set, &tile, spy, scratch, wide)) {
        return false;
    }
    for (int i = 0; i < group->count; i++) {
        derive(&group->views[i].rows, is_market[i], wide[i]);
        memcpy(group->rows[i], wide[i], ZA_PAPER_COUNT * sizeof(double));
    }
    return true;
}
