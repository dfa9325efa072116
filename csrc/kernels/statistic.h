/* Sums and moments of one column. */
#ifndef ZA_KERNELS_STATISTIC_H
#define ZA_KERNELS_STATISTIC_H

#include "kernels/dispersion.h"
#include "kernels/params.h"
#include "kernels/window.h"

WINDOWED(total, WINDOW_SUM, total.sums.first)
WINDOWED(product, WINDOW_PRODUCT, total.sums.first)
WINDOWED(stddev, WINDOW_MOMENTS, window_deviation(total) * k->p.nbdev)
WINDOWED(var, WINDOW_MOMENTS, window_scatter(total, total.sums.first, total.sums.second) * (1.0 / total.size))

/* The third and the fourth moment about the mean, in units of the deviation, from those about the anchor. */
typedef struct window_moments {
    vec second, third, fourth;
} window_moments;

INLINE window_moments window_moments_of(window_total total)
{
    double share = 1.0 / total.size;
    vec a = total.sums.first * share, b = total.sums.second * share;
    vec c = total.sums.third * share, d = total.sums.fourth * share;
    return (window_moments){vec_positive(b - a * a), c - a * (b * 3.0 - a * a * 2.0),
                            d - a * (c * 4.0 - a * (b * 6.0 - a * a * 3.0))};
}

INLINE vec skew_of(window_moments m)
{
    return vec_ratio(m.third, m.second * vec_sqrt(m.second), 0.0);
}

/* Excess: that of the normal distribution is 0. A flat window is 0 too. */
INLINE vec kurtosis_of(window_moments m)
{
    mask varies = (mask)(m.second > 0.0);
    return vec_select(varies, vec_ratio(m.fourth, m.second * m.second, 3.0) - 3.0, vec_fill(0.0));
}

WINDOWED(skew, WINDOW_SHAPE, skew_of(window_moments_of(total)))
WINDOWED(kurtosis, WINDOW_SHAPE, kurtosis_of(window_moments_of(total)))

typedef struct avgdev_state {
    dispersion_state values;
} avgdev_state;

typedef struct avgdev_kernel {
    avgdev_params p;
    int64_t age;
    dispersion values;
    avgdev_state s;
} avgdev_kernel;

INLINE void avgdev_start(avgdev_kernel *k, slots *all)
{
    k->values = dispersion_at(k->p.period, k->age, all, &k->s.values);
}

INLINE void avgdev_update(avgdev_kernel *k, const vec *in)
{
    dispersion_enter(&k->values, &k->s.values, in[0]);
}

INLINE void avgdev_value(const avgdev_kernel *k, vec *out)
{
    out[0] = dispersion_distance(&k->values, dispersion_mean(&k->values, &k->s.values));
}

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

#endif
