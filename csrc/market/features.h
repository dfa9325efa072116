/* The two sets of features as rows of doubles: which figures there are, and their formulas. */
#ifndef ZA_MARKET_FEATURES_H
#define ZA_MARKET_FEATURES_H

/* Places in a market-brain row: ZA_FEATURE_close ... */
typedef enum za_feature {
#define FEATURE(name, ...) ZA_FEATURE_##name,
#include "market/features.def"
#undef FEATURE
    ZA_FEATURE_COUNT
} za_feature;

/* Market-brain features need this many bars. */
enum { ZA_FEATURE_BARS = 50 };

/* Places in a paper row: ZA_PAPER_sma_5 ... */
typedef enum za_paper_field {
#define PAPER(name, ...) ZA_PAPER_##name,
#include "market/paper.def"
#undef PAPER
    ZA_PAPER_COUNT
} za_paper_field;

#endif
