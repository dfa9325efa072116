/* The ranges of bars. */
#ifndef ZA_KERNELS_VOLATILITY_H
#define ZA_KERNELS_VOLATILITY_H

#include "kernels/bars.h"
#include "kernels/params.h"
#include "kernels/slots.h"
#include "kernels/smoothing.h"

typedef struct trange_state {
    vec previous, range;
} trange_state;

typedef struct trange_kernel {
    trange_params p;
    int64_t age;
    trange_state s;
} trange_kernel;

INLINE vec trange_of(const vec *now, const vec *then)
{
    return true_range(now[0], now[1], then[2]);
}

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

#endif
