/* Averages whose memory reaches back for ever: the exponential one and Wilder's. */
#ifndef ZA_KERNELS_SMOOTHING_H
#define ZA_KERNELS_SMOOTHING_H

#include "kernels/lane.h"

/* Seeded by the plain mean of the first `period` values, which is summed up as distances from the first one so that the
 * average of equal values is that value, not nearly that value. */
typedef struct exponential {
    vec value, anchor;
    double weight;
    int64_t period, entered;
} exponential;

INLINE exponential exponential_start(double period)
{
    return (exponential){vec_fill(0.0), vec_fill(0.0), 2.0 / (period + 1.0), (int64_t)period, 0};
}

INLINE void exponential_enter(exponential *average, vec x)
{
    if (average->entered >= average->period) {
        average->value += (x - average->value) * average->weight;
        return;
    }
    if (average->entered == 0) {
        average->anchor = x;
    }
    average->value += x - average->anchor;
    if (++average->entered == average->period) {
        average->value = average->anchor + average->value * (1.0 / (double)average->period);
    }
}

/* Wilder's smoothing as a sum that forgets 1 / period of itself with every value; the average is 1 / period of it.
 * While it is seeded it forgets nothing. A sum is what ratios need, and its chain of dependent operations is the
 * shortest. */
typedef struct wilder {
    double keep;
    int64_t period;
} wilder;

INLINE wilder wilder_start(double period)
{
    return (wilder){1.0 - 1.0 / period, (int64_t)period};
}

/* The part of the sum that stays when the value of index `entered` (the first is 0) enters after `seeds` plain ones. */
INLINE double wilder_keep(const wilder *w, int64_t entered, int64_t seeds)
{
    return entered < seeds ? 1.0 : w->keep;
}

#endif
