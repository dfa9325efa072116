/* Means of a column. */
#ifndef ZA_KERNELS_AVERAGE_H
#define ZA_KERNELS_AVERAGE_H

#include "kernels/bars.h"
#include "kernels/params.h"
#include "kernels/smoothing.h"
#include "kernels/window.h"

enum { sma_rows = WINDOW_MEAN_ROWS };

typedef struct sma_state {
    window closes;
} sma_state;

INLINE sma_state sma_start(const sma_params *p, vec *slots)
{
    return (sma_state){window_start(WINDOW_MEAN, p->period, slots)};
}

INLINE void sma_update(sma_state *s, const bar_columns *bars, int64_t t)
{
    window_enter(&s->closes, WINDOW_MEAN, bars->close[t]);
}

INLINE void sma_value(const sma_state *s, vec *out)
{
    out[0] = window_mean(&s->closes, window_total(&s->closes, WINDOW_MEAN));
}

enum { ema_rows = 0 };

typedef struct ema_state {
    exponential average;
} ema_state;

INLINE ema_state ema_start(const ema_params *p, vec *slots)
{
    (void)slots;
    return (ema_state){exponential_start(p->period)};
}

INLINE void ema_update(ema_state *s, const bar_columns *bars, int64_t t)
{
    exponential_enter(&s->average, bars->close[t]);
}

INLINE void ema_value(const ema_state *s, vec *out)
{
    out[0] = exponential_value(&s->average);
}

enum { turnover_rows = WINDOW_MEAN_ROWS };

typedef struct turnover_state {
    window money;
} turnover_state;

INLINE turnover_state turnover_start(const turnover_params *p, vec *slots)
{
    return (turnover_state){window_start(WINDOW_MEAN, p->period, slots)};
}

INLINE void turnover_update(turnover_state *s, const bar_columns *bars, int64_t t)
{
    window_enter(&s->money, WINDOW_MEAN, bars->close[t] * bars->volume[t]);
}

INLINE void turnover_value(const turnover_state *s, vec *out)
{
    out[0] = window_mean(&s->money, window_total(&s->money, WINDOW_MEAN));
}

#endif
