/* The extremes of a window. */
#ifndef ZA_KERNELS_EXTREME_H
#define ZA_KERNELS_EXTREME_H

#include "kernels/params.h"
#include "kernels/window.h"

WINDOWED(highest, WINDOW_HIGHEST, total.sums.first)
WINDOWED(lowest, WINDOW_LOWEST, total.sums.first)

#endif
