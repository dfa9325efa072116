/* How wide a column swings. */
#ifndef ZA_KERNELS_VOLATILITY_H
#define ZA_KERNELS_VOLATILITY_H

#include "kernels/bars.h"
#include "kernels/params.h"
#include "kernels/smoothing.h"
#include "kernels/window.h"

typedef struct bollinger_state {
    vec closes[WINDOW_MOMENTS_VECS];
} bollinger_state;

typedef struct bollinger_kernel {
    bollinger_params p;
    int64_t age;
    window closes;
    bollinger_state s;
} bollinger_kernel;

INLINE void bollinger_start(bollinger_kernel *k, slots *all)
{
    k->closes = window_at(WINDOW_MOMENTS, k->p.period, k->age, all, k->s.closes);
}

INLINE void bollinger_update(bollinger_kernel *k, const vec *in)
{
    window_enter(&k->closes, WINDOW_MOMENTS, k->s.closes, in[0]);
}

INLINE void bollinger_value(const bollinger_kernel *k, vec *out)
{
    window_total total = window_total_of(&k->closes, WINDOW_MOMENTS, k->s.closes);
    vec middle = window_mean(total), width = window_deviation(total) * k->p.deviations;
    out[0] = middle + width;
    out[1] = middle;
    out[2] = middle - width;
}

typedef struct trange_state {
    vec previous, range;
} trange_state;

typedef struct trange_kernel {
    trange_params p;
    int64_t age;
    trange_state s;
} trange_kernel;

INLINE void trange_start(trange_kernel *k, slots *all)
{
    (void)all;
    k->s = (trange_state){vec_fill(0.0), vec_fill(0.0)};
}

INLINE void trange_update(trange_kernel *k, const vec *in)
{
    k->s.range = true_range(in[0], in[1], k->s.previous);
    k->s.previous = in[2];
}

INLINE void trange_value(const trange_kernel *k, vec *out)
{
    out[0] = k->s.range;
}

/* A kernel of Wilder's average of the true ranges, and one expression of it and the last close. */
#define AVERAGE_RANGE(name, expression)                                                                                \
    typedef struct name##_state {                                                                                      \
        vec close, ranges;                                                                                             \
    } name##_state;                                                                                                    \
    typedef struct name##_kernel {                                                                                     \
        name##_params p;                                                                                               \
        int64_t age;                                                                                                   \
        wilder_rate rate;                                                                                              \
        name##_state s;                                                                                                \
    } name##_kernel;                                                                                                   \
    INLINE void name##_start(name##_kernel *k, slots *all)                                                             \
    {                                                                                                                  \
        (void)all;                                                                                                     \
        k->rate = wilder_rate_of(k->p.period, k->p.period);                                                            \
        k->s = (name##_state){vec_fill(0.0), vec_fill(0.0)};                                                           \
    }                                                                                                                  \
    INLINE void name##_update(name##_kernel *k, const vec *in)                                                         \
    {                                                                                                                  \
        if (k->age > 0) {                                                                                              \
            wilder_enter(&k->s.ranges, &k->rate, k->age - 1, true_range(in[0], in[1], k->s.close));                    \
        }                                                                                                              \
        k->s.close = in[2];                                                                                            \
    }                                                                                                                  \
    INLINE void name##_value(const name##_kernel *k, vec *out)                                                         \
    {                                                                                                                  \
        vec range = k->s.ranges * k->rate.share;                                                                       \
        out[0] = (expression);                                                                                         \
    }

AVERAGE_RANGE(atr, range)
AVERAGE_RANGE(natr, k->p.period > 1.0 ? vec_ratio(range * 100.0, k->s.close, 0.0) : range)

typedef struct atr_simple_state {
    vec previous, ranges[WINDOW_MEAN_VECS];
} atr_simple_state;

typedef struct atr_simple_kernel {
    atr_simple_params p;
    int64_t age;
    window ranges;
    atr_simple_state s;
} atr_simple_kernel;

INLINE void atr_simple_start(atr_simple_kernel *k, slots *all)
{
    k->ranges = window_at(WINDOW_MEAN, k->p.period, k->age > 0 ? k->age - 1 : 0, all, k->s.ranges);
    k->s.previous = vec_fill(0.0);
}

INLINE void atr_simple_update(atr_simple_kernel *k, const vec *in)
{
    if (k->age > 0) {
        window_enter(&k->ranges, WINDOW_MEAN, k->s.ranges, true_range(in[0], in[1], k->s.previous));
    }
    k->s.previous = in[2];
}

INLINE void atr_simple_value(const atr_simple_kernel *k, vec *out)
{
    out[0] = window_mean(window_total_of(&k->ranges, WINDOW_MEAN, k->s.ranges));
}

typedef struct volatility_state {
    vec previous, returns[WINDOW_MOMENTS_VECS];
} volatility_state;

typedef struct volatility_kernel {
    volatility_params p;
    int64_t age;
    window returns;
    double scale;
    volatility_state s;
} volatility_kernel;

INLINE void volatility_start(volatility_kernel *k, slots *all)
{
    k->returns = window_at(WINDOW_MOMENTS, k->p.period, k->age > 0 ? k->age - 1 : 0, all, k->s.returns);
    k->scale = sqrt(k->p.per_year);
    k->s.previous = vec_fill(0.0);
}

INLINE void volatility_update(volatility_kernel *k, const vec *in)
{
    if (k->age > 0) {
        window_enter(&k->returns, WINDOW_MOMENTS, k->s.returns, simple_return(in[0], k->s.previous));
    }
    k->s.previous = in[0];
}

INLINE void volatility_value(const volatility_kernel *k, vec *out)
{
    out[0] = window_deviation(window_total_of(&k->returns, WINDOW_MOMENTS, k->s.returns)) * k->scale;
}

#endif
