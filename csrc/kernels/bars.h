/* The measures of one bar, and of one against the one before, that several kernels share. */
#ifndef ZA_KERNELS_BARS_H
#define ZA_KERNELS_BARS_H

#include "kernels/lane.h"

INLINE vec typical_price(vec high, vec low, vec close)
{
    return (high + low + close) / 3.0;
}

/* The true range of a bar and the close before it. */
INLINE vec true_range(vec high, vec low, vec previous)
{
    return vec_greater(high - low, vec_greater(vec_abs(high - previous), vec_abs(low - previous)));
}

/* Prices are positive; a column that is none may hold 0, and 0 is what its return then is. */
INLINE vec simple_return(vec now, vec previous)
{
    return vec_ratio(now - previous, previous, 0.0);
}

#endif
