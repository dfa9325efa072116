/* Averages whose memory reaches back for ever: the exponential one and Wilder's. */
#ifndef ZA_KERNELS_SMOOTHING_H
#define ZA_KERNELS_SMOOTHING_H

#include "kernels/lane.h"

/* Seeded by the plain mean of the first `period` values, which is summed up as distances from the first one so that the
 * average of equal values is that value, not nearly that value. What is carried is how far the average lags behind the
 * last value: its chain of dependent operations is one shorter than the average's own, and it stays exactly 0 for equal
 * values. */
typedef struct exponential {
    vec last, lag; /* while it is seeded: the first value, the sum of distances from it */
    double keep;
    int64_t period, entered;
} exponential;

INLINE exponential exponential_start(double period)
{
    return (exponential){vec_fill(0.0), vec_fill(0.0), (period - 1.0) / (period + 1.0), (int64_t)period, 0};
}

INLINE void exponential_enter(exponential *average, vec x)
{
    if (average->entered >= average->period) {
        average->lag = (average->lag + (x - average->last)) * average->keep;
        average->last = x;
        return;
    }
    average->last = average->entered == 0 ? x : average->last;
    average->lag += x - average->last;
    if (++average->entered == average->period) {
        average->lag = (x - average->last) - average->lag * (1.0 / (double)average->period);
        average->last = x;
    }
}

INLINE vec exponential_value(const exponential *average)
{
    return average->last - average->lag;
}

/* Wilder's smoothing as a sum that forgets 1 / period of itself with every value; the average is 1 / period of it.
 * While it is seeded it forgets nothing. A sum is what ratios need, and its chain of dependent operations is the
 * shortest. */
typedef struct wilder {
    vec sum;
    double keep;
    int64_t seeds, entered;
} wilder;

/* The first `seeds` values are only summed up. */
INLINE wilder wilder_start(double period, double seeds)
{
    return (wilder){vec_fill(0.0), 1.0 - 1.0 / period, (int64_t)seeds, 0};
}

INLINE void wilder_enter(wilder *w, vec x)
{
    if (w->entered >= w->seeds) {
        w->sum *= w->keep;
    } else {
        ++w->entered;
    }
    w->sum += x;
}

#endif
