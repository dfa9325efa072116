#include "market/features.h"

#include <math.h>
#include <string.h>

/* Figures that are no feature themselves but of which features are made, in slots behind the row. */
enum { SLOT_HIGHEST = ZA_FEATURE_COUNT, SLOT_LOWEST, SLOT_MEAN_VOLUME, SLOT_TURNOVER, SLOT_COUNT };
_Static_assert((int)SLOT_COUNT <= (int)ZA_MOST_SLOTS, "a row has room for every slot");

#define STEP(name, real_column, ...) {.indicator = ZA_INDICATOR_##name, .real = real_column, __VA_ARGS__}
#define ONE(a)                       .slot = {a, ZA_NO_SLOT, ZA_NO_SLOT, ZA_NO_SLOT}
#define THREE(a, b, c)               .slot = {a, b, c, ZA_NO_SLOT}

/* The signal rules read what the first ones make, and nothing else. */
static const za_step_of market_steps[] = {
    STEP(sma, ZA_CLOSE, .params = {{20}}, ONE(ZA_FEATURE_sma_20)),
    STEP(sma, ZA_CLOSE, .params = {{50}}, ONE(ZA_FEATURE_sma_50)),
    STEP(rsi, ZA_CLOSE, .params = {{14}}, ONE(ZA_FEATURE_rsi_14)),
    STEP(atr, ZA_CLOSE, .params = {{14}}, ONE(ZA_FEATURE_atr_14)),
    STEP(zscore, ZA_CLOSE, .params = {{20}}, ONE(ZA_FEATURE_z_score_20)),
    STEP(slope_percent, ZA_CLOSE, .params = {{20}}, ONE(ZA_FEATURE_slope_20d)),
    STEP(highest, ZA_CLOSE, .params = {{20}}, ONE(SLOT_HIGHEST)),
    STEP(ema, ZA_CLOSE, .params = {{12}}, ONE(ZA_FEATURE_ema_12)),
    STEP(ema, ZA_CLOSE, .params = {{26}}, ONE(ZA_FEATURE_ema_26)),
    STEP(macd, ZA_CLOSE, .params = {{12, 26, 9}}, THREE(ZA_FEATURE_macd, ZA_FEATURE_macd_signal, ZA_FEATURE_macd_hist)),
    STEP(adx, ZA_CLOSE, .params = {{14}}, ONE(ZA_FEATURE_adx_14)),
    STEP(bollinger, ZA_CLOSE, .params = {{20, 2}},
         THREE(ZA_FEATURE_bollinger_upper, ZA_NO_SLOT, ZA_FEATURE_bollinger_lower)),
    STEP(lowest, ZA_CLOSE, .params = {{20}}, ONE(SLOT_LOWEST)),
    STEP(sma, ZA_VOLUME, .params = {{20}}, ONE(SLOT_MEAN_VOLUME)),
    STEP(turnover, ZA_CLOSE, .params = {{20}}, ONE(SLOT_TURNOVER)),
};

enum { RULE_STEPS = 7, MARKET_STEPS = sizeof market_steps / sizeof *market_steps };

/* The features that are made of others, as far as the rules read them. */
static void derive_for_rules(const za_rows *rows, double *row)
{
    row[ZA_FEATURE_close] = za_rows_last(rows, ZA_FIGURE_CLOSE, 0);
    row[ZA_FEATURE_new_high_20d] = row[ZA_FEATURE_close] >= row[SLOT_HIGHEST];
}

/* The others. */
static void derive_rest(const za_rows *rows, double *row)
{
    double close = row[ZA_FEATURE_close], before = za_rows_last(rows, ZA_FIGURE_CLOSE, 1);
    double volume = za_rows_last(rows, ZA_FIGURE_VOLUME, 0);
    double mean_volume = row[SLOT_MEAN_VOLUME], turnover = row[SLOT_TURNOVER];
    row[ZA_FEATURE_volume] = volume;
    row[ZA_FEATURE_price_change_1d] = 100.0 * (close - before) / before; /* 100 to 97 is -3, not a bit less */
    row[ZA_FEATURE_new_low_20d] = close <= row[SLOT_LOWEST];
    row[ZA_FEATURE_volume_ratio_20] = mean_volume > 0.0 ? volume / mean_volume : 0.0;
    row[ZA_FEATURE_liquidity_score] = turnover > 0.0 ? za_clamp((log10(turnover) - 5.0) / 5.0, 0.0, 1.0) : 0.0;
    row[ZA_FEATURE_sma_fast] = row[ZA_FEATURE_sma_20] / close;
    row[ZA_FEATURE_sma_slow] = row[ZA_FEATURE_sma_50] / close;
}

bool za_features_fill(const za_group *group, za_feature_set wanted, za_scratch *scratch)
{
    double wide[ZA_MOST_LANES][ZA_MOST_SLOTS] = {{0}};
    za_frame_of_bars tile = za_frame_of_views(group->views, group->count, group->set->lanes);
    za_steps plan = {market_steps, wanted == ZA_FOR_RULES ? RULE_STEPS : MARKET_STEPS};
    za_step_of volatility =
        STEP(volatility, ZA_CLOSE, .params = {{20, group->bars_per_year}}, ONE(ZA_FEATURE_volatility_20d));
    if (!za_steps_run(plan, group->set, &tile, scratch, wide) ||
        (wanted == ZA_ALL_FEATURES && !za_steps_run((za_steps){&volatility, 1}, group->set, &tile, scratch, wide))) {
        return false;
    }
    for (int i = 0; i < group->count; i++) {
        const za_rows *bars = &group->views[i].rows;
        derive_for_rules(bars, wide[i]);
        if (wanted == ZA_ALL_FEATURES) {
            derive_rest(bars, wide[i]);
        }
        memcpy(group->rows[i], wide[i], ZA_FEATURE_COUNT * sizeof(double));
    }
    return true;
}
