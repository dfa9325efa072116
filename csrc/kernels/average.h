/* Means of a column. */
#ifndef ZA_KERNELS_AVERAGE_H
#define ZA_KERNELS_AVERAGE_H

#include "kernels/params.h"
#include "kernels/smoothing.h"
#include "kernels/window.h"

WINDOWED(sma, WINDOW_MEAN, window_mean(total))

typedef struct ema_state {
    exponential average;
} ema_state;

typedef struct ema_kernel {
    ema_params p;
    int64_t age;
    exponential_rate rate;
    ema_state s;
} ema_kernel;

INLINE void ema_start(ema_kernel *k, slots *all)
{
    (void)all;
    k->rate = exponential_rate_of(k->p.period);
    k->s.average = exponential_start();
}

INLINE void ema_update(ema_kernel *k, const vec *in)
{
    exponential_enter(&k->s.average, &k->rate, k->age, in[0]);
}

INLINE void ema_value(const ema_kernel *k, vec *out)
{
    out[0] = exponential_value(&k->s.average);
}

typedef struct turnover_state {
    vec money[WINDOW_MEAN_VECS];
} turnover_state;

typedef struct turnover_kernel {
    turnover_params p;
    int64_t age;
    window money;
    turnover_state s;
} turnover_kernel;

INLINE void turnover_start(turnover_kernel *k, slots *all)
{
    k->money = window_at(WINDOW_MEAN, k->p.period, k->age, all, k->s.money);
}

INLINE void turnover_update(turnover_kernel *k, const vec *in)
{
    window_enter(&k->money, WINDOW_MEAN, k->s.money, in[0] * in[1]);
}

INLINE void turnover_value(const turnover_kernel *k, vec *out)
{
    out[0] = window_mean(window_total_of(&k->money, WINDOW_MEAN, k->s.money));
}

#endif
