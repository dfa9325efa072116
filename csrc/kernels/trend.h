/* Where a column goes: directional movement, the line through it, its extremes. */
#ifndef ZA_KERNELS_TREND_H
#define ZA_KERNELS_TREND_H

#include "kernels/bars.h"
#include "kernels/params.h"
#include "kernels/smoothing.h"
#include "kernels/window.h"

enum { adx_rows = 0 };

/* The true range that both directional indicators are divided by cancels in their index, so it is not kept. */
typedef struct adx_state {
    vec high, low;      /* of the bar before */
    wilder plus, minus; /* movement up, movement down */
    wilder index;       /* how one-sided they are, 0 to 1 */
    double period;
} adx_state;

INLINE adx_state adx_start(const adx_params *p, vec *slots)
{
    (void)slots;
    wilder movement = wilder_start(p->period, p->period - 1.0);
    return (adx_state){vec_fill(0.0), vec_fill(0.0), movement, movement, wilder_start(p->period, p->period), p->period};
}

/* Bars without any movement in memory say nothing about direction: they leave the average as it is. */
INLINE void adx_enter_index(adx_state *s)
{
    vec moved = s->plus.sum + s->minus.sum, before = s->index.sum;
    mask moves = (mask)(moved > 0.0);
    wilder_enter(&s->index, vec_abs(s->plus.sum - s->minus.sum) / vec_select(moves, moved, vec_fill(1.0)));
    s->index.sum = vec_select(moves, s->index.sum, before);
}

INLINE void adx_update(adx_state *s, const bar_columns *bars, int64_t t)
{
    vec high = bars->high[t], low = bars->low[t], none = vec_fill(0.0);
    if (t > 0) {
        vec up = high - s->high, down = s->low - low;
        wilder_enter(&s->plus, vec_select((mask)(up > down), vec_positive(up), none));
        wilder_enter(&s->minus, vec_select((mask)(down > up), vec_positive(down), none));
    }
    if ((double)t >= s->period) {
        adx_enter_index(s);
    }
    s->high = high;
    s->low = low;
}

INLINE void adx_value(const adx_state *s, vec *out)
{
    out[0] = s->index.sum * (100.0 / s->period);
}

enum { slope_rows = WINDOW_TREND_ROWS };

typedef struct slope_state {
    window closes;
} slope_state;

INLINE slope_state slope_start(const slope_params *p, vec *slots)
{
    return (slope_state){window_start(WINDOW_TREND, p->period, slots)};
}

INLINE void slope_update(slope_state *s, const bar_columns *bars, int64_t t)
{
    window_enter(&s->closes, WINDOW_TREND, bars->close[t]);
}

/* Covariance of value and time over the variance of time. The window's last bar is `running` bars after the anchor. */
INLINE vec slope_of(const window *w, window_sums total)
{
    double size = (double)w->size, middle = (double)w->running - 0.5 * (size - 1.0);
    return (total.second - total.first * middle) * (12.0 / (size * (size * size - 1.0)));
}

INLINE void slope_value(const slope_state *s, vec *out)
{
    out[0] = slope_of(&s->closes, window_total(&s->closes, WINDOW_TREND));
}

enum { slope_percent_rows = WINDOW_TREND_ROWS };

typedef struct slope_percent_state {
    window closes;
} slope_percent_state;

INLINE slope_percent_state slope_percent_start(const slope_percent_params *p, vec *slots)
{
    return (slope_percent_state){window_start(WINDOW_TREND, p->period, slots)};
}

INLINE void slope_percent_update(slope_percent_state *s, const bar_columns *bars, int64_t t)
{
    window_enter(&s->closes, WINDOW_TREND, bars->close[t]);
}

INLINE void slope_percent_value(const slope_percent_state *s, vec *out)
{
    window_sums total = window_total(&s->closes, WINDOW_TREND);
    out[0] = vec_ratio(slope_of(&s->closes, total) * 100.0, window_mean(&s->closes, total), 0.0);
}

enum { highest_rows = WINDOW_HIGHEST_ROWS };

typedef struct highest_state {
    window closes;
} highest_state;

INLINE highest_state highest_start(const highest_params *p, vec *slots)
{
    return (highest_state){window_start(WINDOW_HIGHEST, p->period, slots)};
}

INLINE void highest_update(highest_state *s, const bar_columns *bars, int64_t t)
{
    window_enter(&s->closes, WINDOW_HIGHEST, bars->close[t]);
}

INLINE void highest_value(const highest_state *s, vec *out)
{
    out[0] = window_total(&s->closes, WINDOW_HIGHEST).first;
}

enum { lowest_rows = WINDOW_LOWEST_ROWS };

typedef struct lowest_state {
    window closes;
} lowest_state;

INLINE lowest_state lowest_start(const lowest_params *p, vec *slots)
{
    return (lowest_state){window_start(WINDOW_LOWEST, p->period, slots)};
}

INLINE void lowest_update(lowest_state *s, const bar_columns *bars, int64_t t)
{
    window_enter(&s->closes, WINDOW_LOWEST, bars->close[t]);
}

INLINE void lowest_value(const lowest_state *s, vec *out)
{
    out[0] = window_total(&s->closes, WINDOW_LOWEST).first;
}

#endif
