/* Moments of one column, and of two. */
#ifndef ZA_KERNELS_STATISTIC_H
#define ZA_KERNELS_STATISTIC_H

#include "kernels/bars.h"
#include "kernels/params.h"
#include "kernels/window.h"

WINDOWED(stddev, WINDOW_MOMENTS, window_deviation(total))

typedef struct zscore_state {
    vec last, closes[WINDOW_MOMENTS_VECS];
} zscore_state;

typedef struct zscore_kernel {
    zscore_params p;
    int64_t age;
    window closes;
    zscore_state s;
} zscore_kernel;

INLINE void zscore_start(zscore_kernel *k, slots *all)
{
    k->closes = window_at(WINDOW_MOMENTS, k->p.period, k->age, all, k->s.closes);
    k->s.last = vec_fill(0.0);
}

INLINE void zscore_update(zscore_kernel *k, const vec *in)
{
    window_enter(&k->closes, WINDOW_MOMENTS, k->s.closes, in[0]);
    k->s.last = in[0];
}

/* Last value and mean are both measured from the anchor, so that a high level costs no digits. */
INLINE void zscore_value(const zscore_kernel *k, vec *out)
{
    window_total total = window_total_of(&k->closes, WINDOW_MOMENTS, k->s.closes);
    vec distance = (k->s.last - total.anchor) - total.sums.first * (1.0 / total.size);
    out[0] = vec_ratio(distance, window_deviation(total), 0.0);
}

/* Pearson's correlation in the first output, and 1 in the second where both series vary; 0 in both elsewhere. */
INLINE void correlate(window_total total, vec *out)
{
    vec spread = vec_sqrt(window_scatter(total, total.sums.first, total.sums.third));
    vec other_spread = vec_sqrt(window_scatter(total, total.sums.second, total.sums.fourth));
    vec together = total.sums.fifth - total.sums.first * total.sums.second * (1.0 / total.size);
    vec value = vec_ratio(together, spread * other_spread, 0.0);
    out[0] = vec_max(vec_min(value, vec_fill(1.0)), vec_fill(-1.0));
    out[1] = vec_select((mask)(spread * other_spread > 0.0), vec_fill(1.0), vec_fill(0.0));
}

typedef struct correlation_state {
    vec pairs[WINDOW_PAIRS_VECS];
} correlation_state;

typedef struct correlation_kernel {
    correlation_params p;
    int64_t age;
    window pairs;
    correlation_state s;
} correlation_kernel;

INLINE void correlation_start(correlation_kernel *k, slots *all)
{
    k->pairs = window_at(WINDOW_PAIRS, k->p.period, k->age, all, k->s.pairs);
}

INLINE void correlation_update(correlation_kernel *k, const vec *in)
{
    window_enter_pair(&k->pairs, WINDOW_PAIRS, k->s.pairs, in[0], in[1]);
}

INLINE void correlation_value(const correlation_kernel *k, vec *out)
{
    correlate(window_total_of(&k->pairs, WINDOW_PAIRS, k->s.pairs), out);
}

typedef struct return_correlation_state {
    vec close, other; /* of the bar before */
    vec returns[WINDOW_PAIRS_VECS];
} return_correlation_state;

typedef struct return_correlation_kernel {
    return_correlation_params p;
    int64_t age;
    window returns;
    return_correlation_state s;
} return_correlation_kernel;

INLINE void return_correlation_start(return_correlation_kernel *k, slots *all)
{
    k->returns = window_at(WINDOW_PAIRS, k->p.period, k->age > 0 ? k->age - 1 : 0, all, k->s.returns);
    k->s.close = k->s.other = vec_fill(0.0);
}

INLINE void return_correlation_update(return_correlation_kernel *k, const vec *in)
{
    if (k->age > 0) {
        vec now = simple_return(in[0], k->s.close), other = simple_return(in[1], k->s.other);
        window_enter_pair(&k->returns, WINDOW_PAIRS, k->s.returns, now, other);
    }
    k->s.close = in[0];
    k->s.other = in[1];
}

INLINE void return_correlation_value(const return_correlation_kernel *k, vec *out)
{
    correlate(window_total_of(&k->returns, WINDOW_PAIRS, k->s.returns), out);
}

#endif
