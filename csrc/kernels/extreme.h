/* The extremes of a window, and how many bars ago they were: of equal ones the oldest counts. */
#ifndef ZA_KERNELS_EXTREME_H
#define ZA_KERNELS_EXTREME_H

#include "kernels/params.h"
#include "kernels/window.h"

WINDOWED(highest, WINDOW_HIGHEST, total.sums.first)
WINDOWED(lowest, WINDOW_LOWEST, total.sums.first)
WINDOWED(midprice, WINDOW_BOUNDS, (total.sums.first + total.sums.second) * 0.5)
WINDOWED(argmax, WINDOW_FIRST_HIGHEST, total.since - total.sums.second)
WINDOWED(argmin, WINDOW_FIRST_LOWEST, total.since - total.sums.second)

#endif
