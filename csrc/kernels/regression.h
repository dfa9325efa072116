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

#endif
