/* Averages whose memory fades and never ends: the exponential one and Wilder's. The kernel's state holds what they
 * carry; how many values have entered follows from the kernel's age. */
#ifndef ZA_KERNELS_SMOOTHING_H
#define ZA_KERNELS_SMOOTHING_H

#include "kernels/lane.h"

/* Seeded by the plain mean of the first `period` values, which is summed up as distances from the first one so that the
 * average of equal values is that value, not nearly that value. The state carries how far the average lags behind the
 * last value: its chain of dependent operations is one shorter than the average's own, and it stays exactly 0 for equal
 * values. */
typedef struct exponential {
    vec last, lag; /* while it is seeded: the first value, the sum of distances from it */
} exponential;

typedef struct exponential_rate {
    double keep, share; /* of what it has is kept with each value; of the first ones goes into the seed */
    int64_t period;
} exponential_rate;

INLINE exponential_rate exponential_rate_of(double period)
{
    return (exponential_rate){(period - 1.0) / (period + 1.0), 1.0 / period, (int64_t)period};
}

/* The state of an average that has seen nothing. */
INLINE exponential exponential_start(void)
{
    return (exponential){vec_fill(0.0), vec_fill(0.0)};
}

/* Takes one value into a seeded average. */
INLINE void exponential_go_on(exponential *average, const exponential_rate *rate, vec x)
{
    average->lag = (average->lag + (x - average->last)) * rate->keep;
    average->last = x;
}

/* `entered` values have been before. */
INLINE void exponential_enter(exponential *average, const exponential_rate *rate, int64_t entered, vec x)
{
    if (entered >= rate->period) {
        exponential_go_on(average, rate, x);
        return;
    }
    average->last = entered == 0 ? x : average->last;
    average->lag += x - average->last;
    if (entered + 1 == rate->period) {
        average->lag = (x - average->last) - average->lag * rate->share;
        average->last = x;
    }
}

INLINE vec exponential_value(const exponential *average)
{
    return average->last - average->lag;
}

/* The same of `depth` averages, each of which smooths the one before from that one's first value on. */
INLINE void exponentials_enter(exponential *level, int depth, const exponential_rate *rate, int64_t entered, vec x)
{
    bool seeded = entered > depth * (rate->period - 1);
    for (int i = 0; i < depth; ++i) {
        if (seeded) {
            exponential_go_on(&level[i], rate, x);
        } else if (entered >= i * (rate->period - 1)) {
            exponential_enter(&level[i], rate, entered - i * (rate->period - 1), x);
        }
        x = exponential_value(&level[i]);
    }
}

/* Wilder's smoothing as a sum that forgets 1 / period of itself with every value; the average is 1 / period of it.
 * While it is seeded it forgets nothing. A sum is what ratios need, and its chain of dependent operations is the
 * shortest. */
typedef struct wilder_rate {
    double keep, share; /* of the sum is kept with each value; of it is the average */
    int64_t seeds;      /* values that are only summed up */
} wilder_rate;

INLINE wilder_rate wilder_rate_of(double period, double seeds)
{
    return (wilder_rate){1.0 - 1.0 / period, 1.0 / period, (int64_t)seeds};
}

/* `entered` values have been before. */
INLINE void wilder_enter(vec *sum, const wilder_rate *rate, int64_t entered, vec x)
{
    if (entered >= rate->seeds) {
        *sum *= rate->keep;
    }
    *sum += x;
}

#endif
