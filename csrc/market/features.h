/* The two sets of features as rows of doubles: how a row is filled from bars. */
#ifndef ZA_MARKET_FEATURES_H
#define ZA_MARKET_FEATURES_H

#include "market/steps.h"
#include "store/store.h"

static inline double za_clamp(double value, double least, double most)
{
    return value < least ? least : value > most ? most : value;
}

/* Slots of a market-brain row: ZA_FEATURE_close ... */
typedef enum za_feature {
#define FEATURE(name, kind) ZA_FEATURE_##name,
#include "market/features.def"
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

/* Symbols that are computed side by side, all of the same number of bars, and where their rows go. Fewer than lanes are
 * filled up with copies of the last. */
typedef struct za_group {
    const za_lane_set *set;
    int count; /* at most the lanes of `set` */
    double bars_per_year;
    za_view views[ZA_MOST_LANES];
    double *rows[ZA_MOST_LANES];
} za_group;

/* Fills the rows of market-brain features, but for vix_level and breadth_50dma, from at least 50 bars. False without
 * memory. */
bool za_features_fill(const za_group *group, za_feature_set wanted, za_scratch *scratch);

/* Fills the rows of paper features, from at least 1 bar. `spy` is the view of SPY in the same store, or empty;
 * is_market[i]: the symbol is SPY or an index (^...). False without memory. */
bool za_paper_fill(const za_group *group, const bool *is_market, const za_view *spy, za_scratch *scratch);

#endif
