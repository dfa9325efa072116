/* Tests whether values are finite, and what they are as integers: of as many at once as there are lanes. */
#ifndef ZA_KERNELS_FINITE_H
#define ZA_KERNELS_FINITE_H

#include <string.h>

#include "kernels/lane.h"

/* No bit is set in the lanes where x is finite: of NaN and of the infinities the difference is NaN. */
INLINE word odd_of(vec x)
{
    return vec_bits(x - x);
}

/* Returns whether all values were finite whose odd_of are joined by |. */
INLINE bool none_is_odd(word joined)
{
    return !mask_holds((mask)joined);
}

static bool all_finite(const double *values, int64_t count)
{
    word joined = (word){0};
    int64_t i = 0;
    for (; i + ZA_LANES <= count; i += ZA_LANES) {
        joined |= odd_of(vec_load(values + i));
    }
    bool finite = none_is_odd(joined);
    for (; i < count; ++i) {
        finite = finite && isfinite(values[i]);
    }
    return finite;
}

/* Values that are whole numbers, and 0 where there is none. */
static void to_integers(const double *values, int64_t count, int32_t *to)
{
    for (int64_t i = 0; i < count; ++i) {
        to[i] = isnan(values[i]) ? 0 : (int32_t)values[i];
    }
}

#endif
