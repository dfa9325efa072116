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

/* The volume of a bar, times where its close lies in its range, -1 to 1; 0 of a bar without one. */
INLINE vec money_flow(const vec *in)
{
    vec high = in[0], low = in[1], close = in[2], range = high - low;
    mask has_range = (mask)(range > 0.0);
    vec place = ((close - low) - (high - close)) / vec_select(has_range, range, vec_fill(1.0));
    return vec_select(has_range, place * in[3], vec_fill(0.0));
}

/* Prices are positive. Another column may hold 0, from which the return is 0. */
INLINE vec simple_return(vec now, vec previous)
{
    return vec_ratio(now - previous, previous, 0.0);
}

#endif
