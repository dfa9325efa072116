/* The movement of a column: strength of its gains, distance of its averages, percent of change. */
#ifndef ZA_KERNELS_MOMENTUM_H
#define ZA_KERNELS_MOMENTUM_H

#include "kernels/bars.h"
#include "kernels/params.h"
#include "kernels/ring.h"
#include "kernels/smoothing.h"
#include "kernels/window.h"

/* A kernel of Wilder's averages of gains and losses, and one expression of them. */
#define GAINS_AND_LOSSES(name, expression)                                                                             \
    typedef struct name##_state {                                                                                      \
        vec previous, gain, loss;                                                                                      \
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
        k->s = (name##_state){vec_fill(0.0), vec_fill(0.0), vec_fill(0.0)};                                            \
    }                                                                                                                  \
    INLINE void name##_update(name##_kernel *k, const vec *in)                                                         \
    {                                                                                                                  \
        if (k->age > 0) {                                                                                              \
            vec change = in[0] - k->s.previous;                                                                        \
            wilder_enter(&k->s.gain, &k->rate, k->age - 1, vec_positive(change));                                      \
            wilder_enter(&k->s.loss, &k->rate, k->age - 1, vec_positive(-change));                                     \
        }                                                                                                              \
        k->s.previous = in[0];                                                                                         \
    }                                                                                                                  \
    INLINE void name##_value(const name##_kernel *k, vec *out)                                                         \
    {                                                                                                                  \
        vec gain = k->s.gain, loss = k->s.loss;                                                                        \
        out[0] = (expression);                                                                                         \
    }

GAINS_AND_LOSSES(rsi, vec_ratio(gain * 100.0, gain + loss, 50.0))
GAINS_AND_LOSSES(rsi_talib, vec_ratio(gain * 100.0, gain + loss, 0.0))
GAINS_AND_LOSSES(cmo, vec_ratio((gain - loss) * 100.0, gain + loss, 0.0))

typedef struct macd_state {
    exponential fast, slow, signal;
} macd_state;

/* Both averages have their first value at the bar where the slow one can, and the line begins there: their difference,
 * which is how much more the slow one lags. */
typedef struct macd_kernel {
    macd_params p;
    int64_t age;
    exponential_rate fast, slow, signal;
    macd_state s;
} macd_kernel;

INLINE void macd_start(macd_kernel *k, slots *all)
{
    (void)all;
    bool swapped = k->p.slow < k->p.fast;
    k->fast = exponential_rate_of(swapped ? k->p.slow : k->p.fast);
    k->slow = exponential_rate_of(swapped ? k->p.fast : k->p.slow);
    k->signal = exponential_rate_of(k->p.signal);
    k->s = (macd_state){exponential_start(), exponential_start(), exponential_start()};
}

INLINE void macd_update(macd_kernel *k, const vec *in)
{
    int64_t fast_first = k->slow.period - k->fast.period, line_first = k->slow.period - 1;
    exponential_enter(&k->s.slow, &k->slow, k->age, in[0]);
    if (k->age >= fast_first) {
        exponential_enter(&k->s.fast, &k->fast, k->age - fast_first, in[0]);
    }
    if (k->age >= line_first) {
        exponential_enter(&k->s.signal, &k->signal, k->age - line_first, k->s.slow.lag - k->s.fast.lag);
    }
}

INLINE void macd_value(const macd_kernel *k, vec *out)
{
    out[0] = k->s.signal.last;
    out[1] = exponential_value(&k->s.signal);
    out[2] = k->s.signal.lag;
}

/* A kernel of a value and the one `period` bars before it. */
#define CHANGE(name, expression)                                                                                       \
    INLINE vec name##_of(const vec *of_now, const vec *of_then)                                                        \
    {                                                                                                                  \
        vec now = of_now[0], before = of_then[0];                                                                      \
        return (expression);                                                                                           \
    }                                                                                                                  \
    typedef struct name##_state {                                                                                      \
        vec now;                                                                                                       \
    } name##_state;                                                                                                    \
    typedef struct name##_kernel {                                                                                     \
        name##_params p;                                                                                               \
        int64_t age;                                                                                                   \
        ring values;                                                                                                   \
        name##_state s;                                                                                                \
    } name##_kernel;                                                                                                   \
    INLINE void name##_start(name##_kernel *k, slots *all)                                                             \
    {                                                                                                                  \
        k->values = ring_at(k->p.period, k->age, all);                                                                 \
        k->s.now = vec_fill(0.0);                                                                                      \
    }                                                                                                                  \
    INLINE void name##_update(name##_kernel *k, const vec *in)                                                         \
    {                                                                                                                  \
        ring_enter(&k->values, in[0]);                                                                                 \
        k->s.now = in[0];                                                                                              \
    }                                                                                                                  \
    INLINE void name##_value(const name##_kernel *k, vec *out)                                                         \
    {                                                                                                                  \
        vec before = ring_oldest(&k->values);                                                                          \
        out[0] = name##_of(&k->s.now, &before);                                                                        \
    }

CHANGE(mom, now - before)
CHANGE(roc, simple_return(now, before) * 100.0)
CHANGE(rocp, simple_return(now, before))
CHANGE(rocr, vec_ratio(now, before, 0.0))
CHANGE(rocr100, vec_ratio(now, before, 0.0) * 100.0)

typedef struct trix_state {
    exponential level[3];
    vec before;
} trix_state;

typedef struct trix_kernel {
    trix_params p;
    int64_t age;
    exponential_rate rate;
    trix_state s;
} trix_kernel;

INLINE void trix_start(trix_kernel *k, slots *all)
{
    (void)all;
    exponential nothing = exponential_start();
    k->rate = exponential_rate_of(k->p.period);
    k->s = (trix_state){{nothing, nothing, nothing}, vec_fill(0.0)};
}

INLINE void trix_update(trix_kernel *k, const vec *in)
{
    k->s.before = exponential_value(&k->s.level[2]);
    exponentials_enter(k->s.level, 3, &k->rate, k->age, in[0]);
}

INLINE void trix_value(const trix_kernel *k, vec *out)
{
    out[0] = simple_return(exponential_value(&k->s.level[2]), k->s.before) * 100.0;
}

#endif
