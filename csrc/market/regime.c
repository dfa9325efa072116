#include "market/regime.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct za_condition {
    za_reading figure;
    bool is_below; /* else above */
    za_threshold limit;
} za_condition;

static const za_condition conditions[] = {
    {ZA_READING_VOLATILITY, false, ZA_THRESHOLD_vix_panic},    {ZA_READING_CHANGE, true, ZA_THRESHOLD_spy_panic_change},
    {ZA_READING_BREADTH, true, ZA_THRESHOLD_breadth_risk_off}, {ZA_READING_SLOPE, true, ZA_THRESHOLD_slope_threshold},
    {ZA_READING_BREADTH, false, ZA_THRESHOLD_breadth_risk_on}, {ZA_READING_SLOPE, false, ZA_THRESHOLD_slope_threshold},
};

/* Bits of the conditions: one of them is enough, or all have to hold. */
typedef struct za_regime_rule {
    za_regime regime;
    unsigned conditions;
    bool one_is_enough;
} za_regime_rule;

static const za_regime_rule rules[] = {
    {ZA_PANIC, 1u << 0 | 1u << 1, true},
    {ZA_RISK_OFF, 1u << 2 | 1u << 3, false},
    {ZA_RISK_ON, 1u << 4 | 1u << 5, false},
};

za_regime za_regime_read(const double reading[ZA_READING_COUNT], const double thresholds[ZA_THRESHOLD_COUNT],
                         unsigned *holding)
{
    unsigned found = 0;
    for (size_t i = 0; i < sizeof conditions / sizeof *conditions; i++) {
        double figure = reading[conditions[i].figure], limit = thresholds[conditions[i].limit];
        found |= (conditions[i].is_below ? figure < limit : figure > limit) ? 1u << i : 0u;
    }
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        *holding = found & rules[i].conditions;
        if (rules[i].one_is_enough ? *holding != 0 : *holding == rules[i].conditions) {
            return rules[i].regime;
        }
    }
    *holding = 0;
    return ZA_CHOP;
}
