/* What a kernel sees of a frame, and the measures of one bar against the one before that several kernels share. */
#ifndef ZA_KERNELS_BARS_H
#define ZA_KERNELS_BARS_H

#include "kernels/lane.h"
#include "kernels/lanes.h"

/* Bar t of every ticker at once: bars->close[t]. */
typedef struct bar_columns {
    const vec *open, *high, *low, *close, *volume, *other;
} bar_columns;

INLINE const vec *bar_column(const za_frame *frame, za_field field)
{
    return (const vec *)(const void *)frame->column[field];
}

INLINE bar_columns bar_columns_of(const za_frame *frame)
{
    return (bar_columns){bar_column(frame, ZA_OPEN),  bar_column(frame, ZA_HIGH),   bar_column(frame, ZA_LOW),
                         bar_column(frame, ZA_CLOSE), bar_column(frame, ZA_VOLUME), bar_column(frame, ZA_OTHER)};
}

/* Of a bar and the close before it. */
INLINE vec true_range(vec high, vec low, vec previous)
{
    return vec_max(high - low, vec_max(vec_abs(high - previous), vec_abs(low - previous)));
}

/* Prices are positive; a column that is none may hold 0, and 0 is what its return then is. */
INLINE vec simple_return(vec now, vec previous)
{
    return vec_ratio(now - previous, previous, 0.0);
}

#endif
