/* Moments of one column, and of two. */
#ifndef ZA_KERNELS_STATISTIC_H
#define ZA_KERNELS_STATISTIC_H

#include "kernels/bars.h"
#include "kernels/params.h"
#include "kernels/window.h"

enum { stddev_rows = WINDOW_MOMENTS_ROWS };

typedef struct stddev_state {
    window closes;
} stddev_state;

INLINE stddev_state stddev_start(const stddev_params *p, vec *slots)
{
    return (stddev_state){window_start(WINDOW_MOMENTS, p->period, slots)};
}

INLINE void stddev_update(stddev_state *s, const bar_columns *bars, int64_t t)
{
    window_enter(&s->closes, WINDOW_MOMENTS, bars->close[t]);
}

INLINE void stddev_value(const stddev_state *s, vec *out)
{
    out[0] = window_deviation(&s->closes, window_total(&s->closes, WINDOW_MOMENTS));
}

enum { zscore_rows = WINDOW_MOMENTS_ROWS };

typedef struct zscore_state {
    window closes;
    vec last;
} zscore_state;

INLINE zscore_state zscore_start(const zscore_params *p, vec *slots)
{
    return (zscore_state){window_start(WINDOW_MOMENTS, p->period, slots), vec_fill(0.0)};
}

INLINE void zscore_update(zscore_state *s, const bar_columns *bars, int64_t t)
{
    s->last = bars->close[t];
    window_enter(&s->closes, WINDOW_MOMENTS, s->last);
}

/* Last value and mean are both measured from the anchor, so that a high level costs no digits. */
INLINE void zscore_value(const zscore_state *s, vec *out)
{
    const window *w = &s->closes;
    window_sums total = window_total(w, WINDOW_MOMENTS);
    vec distance = (s->last - w->anchor) - total.first * (1.0 / (double)w->size);
    out[0] = vec_ratio(distance, window_deviation(w, total), 0.0);
}

/* Pearson's correlation in the first output, and 1 in the second where both series vary; 0 in both elsewhere. */
INLINE void correlate(const window *w, vec *out)
{
    window_sums total = window_total(w, WINDOW_PRODUCTS);
    vec spread = vec_sqrt(window_scatter(w, total.first, total.third));
    vec other_spread = vec_sqrt(window_scatter(w, total.second, total.fourth));
    vec together = total.fifth - total.first * total.second * (1.0 / (double)w->size);
    vec value = vec_ratio(together, spread * other_spread, 0.0);
    out[0] = vec_max(vec_min(value, vec_fill(1.0)), vec_fill(-1.0));
    out[1] = vec_select((mask)(spread * other_spread > 0.0), vec_fill(1.0), vec_fill(0.0));
}

enum { correlation_rows = WINDOW_PRODUCTS_ROWS };

typedef struct correlation_state {
    window pairs;
} correlation_state;

INLINE correlation_state correlation_start(const correlation_params *p, vec *slots)
{
    return (correlation_state){window_start(WINDOW_PRODUCTS, p->period, slots)};
}

INLINE void correlation_update(correlation_state *s, const bar_columns *bars, int64_t t)
{
    window_enter_pair(&s->pairs, WINDOW_PRODUCTS, bars->close[t], bars->other[t]);
}

INLINE void correlation_value(const correlation_state *s, vec *out)
{
    correlate(&s->pairs, out);
}

enum { return_correlation_rows = WINDOW_PRODUCTS_ROWS };

typedef struct return_correlation_state {
    vec close, other; /* of the bar before */
    window returns;
} return_correlation_state;

INLINE return_correlation_state return_correlation_start(const return_correlation_params *p, vec *slots)
{
    return (return_correlation_state){vec_fill(0.0), vec_fill(0.0), window_start(WINDOW_PRODUCTS, p->period, slots)};
}

INLINE void return_correlation_update(return_correlation_state *s, const bar_columns *bars, int64_t t)
{
    vec close = bars->close[t], other = bars->other[t];
    if (t > 0) {
        window_enter_pair(&s->returns, WINDOW_PRODUCTS, simple_return(close, s->close), simple_return(other, s->other));
    }
    s->close = close;
    s->other = other;
}

INLINE void return_correlation_value(const return_correlation_state *s, vec *out)
{
    correlate(&s->returns, out);
}

#endif
