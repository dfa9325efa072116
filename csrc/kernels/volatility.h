/* How wide a column swings. */
#ifndef ZA_KERNELS_VOLATILITY_H
#define ZA_KERNELS_VOLATILITY_H

#include "kernels/bars.h"
#include "kernels/params.h"
#include "kernels/smoothing.h"
#include "kernels/window.h"

enum { bollinger_rows = WINDOW_MOMENTS_ROWS };

typedef struct bollinger_state {
    window closes;
    double deviations;
} bollinger_state;

INLINE bollinger_state bollinger_start(const bollinger_params *p, vec *slots)
{
    return (bollinger_state){window_start(WINDOW_MOMENTS, p->period, slots), p->deviations};
}

INLINE void bollinger_update(bollinger_state *s, const bar_columns *bars, int64_t t)
{
    window_enter(&s->closes, WINDOW_MOMENTS, bars->close[t]);
}

INLINE void bollinger_value(const bollinger_state *s, vec *out)
{
    window_sums total = window_total(&s->closes, WINDOW_MOMENTS);
    vec middle = window_mean(&s->closes, total), width = window_deviation(&s->closes, total) * s->deviations;
    out[0] = middle + width;
    out[1] = middle;
    out[2] = middle - width;
}

enum { atr_rows = 0 };

typedef struct atr_state {
    vec previous;
    wilder range;
    double period;
} atr_state;

INLINE atr_state atr_start(const atr_params *p, vec *slots)
{
    (void)slots;
    return (atr_state){vec_fill(0.0), wilder_start(p->period, p->period), p->period};
}

INLINE void atr_update(atr_state *s, const bar_columns *bars, int64_t t)
{
    if (t > 0) {
        wilder_enter(&s->range, true_range(bars->high[t], bars->low[t], s->previous));
    }
    s->previous = bars->close[t];
}

INLINE void atr_value(const atr_state *s, vec *out)
{
    out[0] = s->range.sum * (1.0 / s->period);
}

enum { atr_simple_rows = WINDOW_MEAN_ROWS };

typedef struct atr_simple_state {
    vec previous;
    window ranges;
} atr_simple_state;

INLINE atr_simple_state atr_simple_start(const atr_simple_params *p, vec *slots)
{
    return (atr_simple_state){vec_fill(0.0), window_start(WINDOW_MEAN, p->period, slots)};
}

INLINE void atr_simple_update(atr_simple_state *s, const bar_columns *bars, int64_t t)
{
    if (t > 0) {
        window_enter(&s->ranges, WINDOW_MEAN, true_range(bars->high[t], bars->low[t], s->previous));
    }
    s->previous = bars->close[t];
}

INLINE void atr_simple_value(const atr_simple_state *s, vec *out)
{
    out[0] = window_mean(&s->ranges, window_total(&s->ranges, WINDOW_MEAN));
}

enum { volatility_rows = WINDOW_MOMENTS_ROWS };

typedef struct volatility_state {
    vec previous;
    window returns;
    double scale;
} volatility_state;

INLINE volatility_state volatility_start(const volatility_params *p, vec *slots)
{
    return (volatility_state){vec_fill(0.0), window_start(WINDOW_MOMENTS, p->period, slots), sqrt(p->per_year)};
}

INLINE void volatility_update(volatility_state *s, const bar_columns *bars, int64_t t)
{
    vec close = bars->close[t];
    if (t > 0) {
        window_enter(&s->returns, WINDOW_MOMENTS, simple_return(close, s->previous));
    }
    s->previous = close;
}

INLINE void volatility_value(const volatility_state *s, vec *out)
{
    out[0] = window_deviation(&s->returns, window_total(&s->returns, WINDOW_MOMENTS)) * s->scale;
}

#endif
