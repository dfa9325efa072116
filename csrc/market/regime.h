/* The rules by which the market's regime is read. */
#ifndef ZA_MARKET_REGIME_H
#define ZA_MARKET_REGIME_H

#include "market/rules.h"

typedef enum za_threshold {
#define THRESHOLD(name, initial) ZA_THRESHOLD_##name,
#include "market/regime.def"
#undef THRESHOLD
    ZA_THRESHOLD_COUNT
} za_threshold;

/* The figures that the rules read; one that is NaN is not known, and a condition on it does not hold. */
typedef enum za_reading {
    ZA_READING_VOLATILITY, /* level of the volatility index */
    ZA_READING_CHANGE,     /* of the market in a day, percent */
    ZA_READING_BREADTH,    /* percent */
    ZA_READING_SLOPE,      /* of the market, percent a bar */
    ZA_READING_COUNT
} za_reading;

/* The regime by the first rule that holds, Chop by none. Bit k of *holding: the k-th condition is one of that rule's,
 * and holds; in the order volatility above vix_panic, change below spy_panic_change, breadth below breadth_risk_off,
 * slope below slope_threshold, breadth above breadth_risk_on, slope above slope_threshold. */
za_regime za_regime_read(const double reading[ZA_READING_COUNT], const double thresholds[ZA_THRESHOLD_COUNT],
                         unsigned *holding);

#endif
