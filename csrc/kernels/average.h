/* Means of a column. */
#ifndef ZA_KERNELS_AVERAGE_H
#define ZA_KERNELS_AVERAGE_H

#include "kernels/params.h"
#include "kernels/ring.h"
#include "kernels/smoothing.h"
#include "kernels/window.h"

WINDOWED(sma, WINDOW_MEAN, window_mean(total))

/* Weights 1 to n. The last value is `since` bars after the anchor and weighs n, so one at `age` weighs age + n - since.
 */
INLINE vec weighted_mean(window_total total)
{
    vec weighted = total.sums.second + total.sums.first * (total.size - total.since);
    return total.anchor + weighted * (2.0 / (total.size * (total.size + 1.0)));
}

WINDOWED(wma, WINDOW_TREND, weighted_mean(total))

typedef struct ema_state {
    exponential average;
} ema_state;

typedef struct ema_kernel {
    ema_params p;
    int64_t age;
    exponential_rate rate;
    ema_state s;
} ema_kernel;

INLINE void ema_start(ema_kernel *k, slots *all)
{
    (void)all;
    k->rate = exponential_rate_of(k->p.period);
    k->s.average = exponential_start();
}

INLINE void ema_update(ema_kernel *k, const vec *in)
{
    exponential_enter(&k->s.average, &k->rate, k->age, in[0]);
}

INLINE void ema_value(const ema_kernel *k, vec *out)
{
    out[0] = exponential_value(&k->s.average);
}

/* A kernel of exponential averages of each other, level[0] being that of the values, and one expression of them. The
 * levels of a bar wait for one another, those of the next bar do not wait for the last. */
#define CHAINED(name, depth, expression)                                                                               \
    typedef struct name##_state {                                                                                      \
        exponential level[depth];                                                                                      \
    } name##_state;                                                                                                    \
    typedef struct name##_kernel {                                                                                     \
        name##_params p;                                                                                               \
        int64_t age;                                                                                                   \
        exponential_rate rate;                                                                                         \
        name##_state s;                                                                                                \
    } name##_kernel;                                                                                                   \
    INLINE void name##_start(name##_kernel *k, slots *all)                                                             \
    {                                                                                                                  \
        (void)all;                                                                                                     \
        k->rate = exponential_rate_of(k->p.period);                                                                    \
        for (int i = 0; i < (depth); ++i) {                                                                            \
            k->s.level[i] = exponential_start();                                                                       \
        }                                                                                                              \
    }                                                                                                                  \
    INLINE void name##_update(name##_kernel *k, const vec *in)                                                         \
    {                                                                                                                  \
        exponentials_enter(k->s.level, depth, &k->rate, k->age, in[0]);                                                \
    }                                                                                                                  \
    INLINE void name##_value(const name##_kernel *k, vec *out)                                                         \
    {                                                                                                                  \
        vec level[depth];                                                                                              \
        for (int i = 0; i < (depth); ++i) {                                                                            \
            level[i] = exponential_value(&k->s.level[i]);                                                              \
        }                                                                                                              \
        out[0] = (expression);                                                                                         \
    }

CHAINED(dema, 2, level[0] * 2.0 - level[1])
CHAINED(tema, 3, level[0] * 3.0 - level[1] * 3.0 + level[2])

enum { T3_LEVELS = 6 };

typedef struct t3_state {
    vec level[T3_LEVELS];
    vec first, sum; /* of the level that is seeded: its first value, the sum of distances from it */
} t3_state;

/* Tillson's average of six exponential ones in a row. Six lags and six last values are more than one lane has registers
 * for: a level is the average itself, and the levels are seeded one after the other. */
typedef struct t3_kernel {
    t3_params p;
    int64_t age;
    exponential_rate rate;
    t3_state s;
} t3_kernel;

INLINE void t3_start(t3_kernel *k, slots *all)
{
    (void)all;
    k->rate = exponential_rate_of(k->p.period);
    k->s.first = k->s.sum = vec_fill(0.0);
    for (int i = 0; i < T3_LEVELS; ++i) {
        k->s.level[i] = vec_fill(0.0);
    }
}

/* Takes value number `entered` into the level that is seeded; true when it was the last one of the seed. The state
 * keeps no trace of the seed, so that a late start comes to the same one. */
INLINE bool t3_seed(t3_kernel *k, vec *level, int64_t entered, vec x)
{
    k->s.first = entered == 0 ? x : k->s.first;
    k->s.sum += x - k->s.first;
    if (entered + 1 < k->rate.period) {
        return false;
    }
    *level = k->s.first + k->s.sum * k->rate.share;
    k->s.first = k->s.sum = vec_fill(0.0);
    return true;
}

INLINE void t3_update(t3_kernel *k, const vec *in)
{
    int64_t seeds = k->rate.period - 1; /* bars from a level's first value to that of the next level */
    bool seeded = k->age > T3_LEVELS * seeds;
    vec x = in[0];
    for (int i = 0; i < T3_LEVELS; ++i) {
        vec *level = &k->s.level[i];
        if (seeded || k->age > (i + 1) * seeds) {
            *level = x - (x - *level) * k->rate.keep;
        } else if (!t3_seed(k, level, k->age - i * seeds, x)) {
            return;
        }
        x = *level;
    }
}

/* Tillson's weights of the third to the sixth average. */
INLINE void t3_value(const t3_kernel *k, vec *out)
{
    double v = k->p.vfactor, square = v * v, cube = square * v;
    const vec *level = k->s.level;
    out[0] = level[2] * (1.0 + 3.0 * v + 3.0 * square + cube) - level[3] * (6.0 * square + 3.0 * (v + cube)) +
             level[4] * (3.0 * (square + cube)) - level[5] * cube;
}

typedef struct kama_state {
    vec lag, previous, changes[WINDOW_SUM_VECS]; /* how far the average lags behind the previous value */
} kama_state;

/* Kaufman's average. Its weight goes from that of an exponential average over 30 bars to that of one over 2, with the
 * efficiency of the last n changes: how far they led, in parts of the way they went. With period 1 it is the value, as
 * in TA-Lib. */
typedef struct kama_kernel {
    kama_params p;
    int64_t age;
    int64_t period;
    window changes;
    ring values;
    kama_state s;
} kama_kernel;

INLINE void kama_start(kama_kernel *k, slots *all)
{
    k->period = (int64_t)k->p.period;
    k->changes = window_at(WINDOW_SUM, k->p.period, k->age > 0 ? k->age - 1 : 0, all, k->s.changes);
    k->values = ring_at(k->p.period, k->age, all);
    k->s.lag = k->s.previous = vec_fill(0.0);
}

INLINE void kama_update(kama_kernel *k, const vec *in)
{
    vec x = in[0], change = x - k->s.previous;
    if (k->age > 0) {
        window_enter(&k->changes, WINDOW_SUM, k->s.changes, vec_abs(change));
    }
    ring_enter(&k->values, x);
    k->s.previous = x;
    if (k->age < k->period || k->period == 1) {
        return;
    }
    vec way = window_total_of(&k->changes, WINDOW_SUM, k->s.changes).sums.first;
    vec efficiency = vec_smaller(vec_ratio(vec_abs(x - ring_oldest(&k->values)), way, 1.0), vec_fill(1.0));
    vec weight = efficiency * (2.0 / 3.0 - 2.0 / 31.0) + 2.0 / 31.0;
    k->s.lag = (k->s.lag + change) * (1.0 - weight * weight);
}

INLINE void kama_value(const kama_kernel *k, vec *out)
{
    out[0] = k->s.previous - k->s.lag;
}

#endif
