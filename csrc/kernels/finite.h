/* Whether values are finite, of as many at once as there are lanes. */
#ifndef ZA_KERNELS_FINITE_H
#define ZA_KERNELS_FINITE_H

#include <string.h>

#include "kernels/lane.h"

/* What all finite values have in common: the sign bit. */
INLINE mask finite_start(void)
{
    return (mask){0} - 1;
}

/* The sign bit is set in the lanes where x is finite: of NaN and of the infinities all bits of the exponent are set. */
INLINE mask finite_of(vec x)
{
    static const int64_t exponent = INT64_C(0x7ff0000000000000);
    mask bits;
    memcpy(&bits, &x, sizeof bits);
    return (bits & exponent) - exponent;
}

/* Whether all values were finite whose finite_of are joined by &. */
INLINE bool finite_in_all(mask joined)
{
    int64_t lanes[ZA_LANES], all = -1;
    memcpy(lanes, &joined, sizeof lanes);
    for (int lane = 0; lane < ZA_LANES; ++lane) {
        all &= lanes[lane];
    }
    return all < 0;
}

static bool all_finite(const double *values, int64_t count)
{
    mask joined = finite_start();
    int64_t i = 0;
    for (; i + ZA_LANES <= count; i += ZA_LANES) {
        joined &= finite_of(vec_load(values + i));
    }
    bool finite = finite_in_all(joined);
    for (; i < count; ++i) {
        finite = finite && isfinite(values[i]);
    }
    return finite;
}

#endif
