/* The two sets of features as rows of doubles: how a row is filled from bars. */
#ifndef ZA_ENGINE_FEATURES_H
#define ZA_ENGINE_FEATURES_H

#include "engine/plan.h"
#include "engine/store.h"

static inline double za_clamp(double value, double least, double most)
{
    return value < least ? least : value > most ? most : value;
}

/* Slots of a market-brain row: ZA_FEATURE_close ... */
typedef enum za_feature {
#define FEATURE(name, kind) ZA_FEATURE_##name,
#include "engine/features.def"
#undef FEATURE
    ZA_FEATURE_COUNT
} za_feature;

/* Market-brain features need this many bars. */
enum { ZA_FEATURE_BARS = 50 };

/* Slots of a paper row: the fields of the application's MarketFeatures that are computed. */
typedef enum za_paper_field {
    ZA_PAPER_sma_5,
    ZA_PAPER_sma_20,
    ZA_PAPER_sma_50,
    ZA_PAPER_rsi,
    ZA_PAPER_bollinger_upper,
    ZA_PAPER_bollinger_lower,
    ZA_PAPER_atr,
    ZA_PAPER_bid_ask_spread,
    ZA_PAPER_order_flow_imbalance,
    ZA_PAPER_spy_correlation,
    ZA_PAPER_sector_momentum,
    ZA_PAPER_vol_regime,   /* za_level: low, middle "normal", high */
    ZA_PAPER_trend_regime, /* za_level: low "down", middle "sideways", high "up" */
    ZA_PAPER_COUNT
} za_paper_field;

typedef enum za_level { ZA_LOW_LEVEL, ZA_MIDDLE_LEVEL, ZA_HIGH_LEVEL } za_level;

/* What of a market-brain row is wanted: all of it, or what the signal rules read (the rest is 0), for a third of the
 * work. */
typedef enum za_feature_set { ZA_ALL_FEATURES, ZA_FOR_RULES } za_feature_set;

/* Fills rows[i] from views[i], i < count <= lanes of `set`, all of the same number of bars: at least 50 for
 * market-brain features, whose vix_level and breadth_50dma are left alone, and at least 1 for paper features. Fewer
 * views than lanes are filled up with copies of the last. False without memory. */
bool za_features_fill(za_feature_set wanted, const za_lane_set *set, const za_view *views, int count,
                      za_scratch *scratch, double **rows);

/* `spy` is the view of SPY in the same store, or empty; is_market[i]: the symbol is SPY or an index (^...). */
bool za_paper_fill(const za_lane_set *set, const za_view *views, const bool *is_market, int count, const za_view *spy,
                   za_scratch *scratch, double **rows);

#endif
