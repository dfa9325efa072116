/* The least-squares line through a window. */
#ifndef ZA_KERNELS_REGRESSION_H
#define ZA_KERNELS_REGRESSION_H

#include "kernels/params.h"
#include "kernels/window.h"

/* Covariance of value and time over the variance of time. The window's last bar is `since` bars after the anchor. */
INLINE vec slope_of(window_total total)
{
    double size = total.size, middle = total.since - 0.5 * (size - 1.0);
    return (total.sums.second - total.sums.first * middle) * (12.0 / (size * (size * size - 1.0)));
}

/* The line at the bar `ahead` bars after the last one. */
INLINE vec line_at(window_total total, double ahead)
{
    return window_mean(total) + slope_of(total) * (0.5 * (total.size - 1.0) + ahead);
}

WINDOWED(linearreg, WINDOW_TREND, line_at(total, 0.0))
WINDOWED(linearreg_slope, WINDOW_TREND, slope_of(total))
WINDOWED(linearreg_intercept, WINDOW_TREND, line_at(total, 1.0 - total.size))
WINDOWED(tsf, WINDOW_TREND, line_at(total, 1.0))

/* All about the line at once. */
typedef struct regression_state {
    vec last, trend[WINDOW_TREND_VECS], moments[WINDOW_MOMENTS_VECS];
} regression_state;

typedef struct regression_kernel {
    regression_params p;
    int64_t age;
    window trend, moments;
    regression_state s;
} regression_kernel;

INLINE void regression_start(regression_kernel *k, slots *all)
{
    k->trend = window_at(WINDOW_TREND, k->p.period, k->age, all, k->s.trend);
    k->moments = window_at(WINDOW_MOMENTS, k->p.period, k->age, all, k->s.moments);
    k->s.last = vec_fill(0.0);
}

INLINE void regression_update(regression_kernel *k, const vec *in)
{
    window_enter(&k->trend, WINDOW_TREND, k->s.trend, in[0]);
    window_enter(&k->moments, WINDOW_MOMENTS, k->s.moments, in[0]);
    k->s.last = in[0];
}

/* `line` and `rest` are the squares about the mean that the line explains, and those about the line. */
INLINE void regression_value(const regression_kernel *k, vec *out)
{
    window_total trend = window_total_of(&k->trend, WINDOW_TREND, k->s.trend);
    window_total moments = window_total_of(&k->moments, WINDOW_MOMENTS, k->s.moments);
    double size = trend.size, times = size * (size * size - 1.0) / 12.0;
    vec slope = slope_of(trend), squares = window_scatter(moments, moments.sums.first, moments.sums.second);
    vec line = vec_smaller(slope * slope * times, squares), rest = squares - line;
    out[0] = line_at(trend, 0.0);
    out[1] = slope;
    out[2] = line_at(trend, 1.0 - size);
    out[3] = line_at(trend, 1.0);
    out[4] = vec_ratio(line, squares, 0.0);
    out[5] = vec_sqrt(rest * (1.0 / (size - 2.0)));
    out[6] = k->s.last - out[0];
    out[7] = window_mean(trend);
}

#endif
