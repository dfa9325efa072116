/* How a column moved: strength of its gains, distance of its averages, percent of change. */
#ifndef ZA_KERNELS_MOMENTUM_H
#define ZA_KERNELS_MOMENTUM_H

#include "kernels/bars.h"
#include "kernels/params.h"
#include "kernels/smoothing.h"
#include "kernels/window.h"

enum { rsi_rows = 0 };

typedef struct rsi_state {
    vec previous;
    wilder gain, loss;
} rsi_state;

INLINE rsi_state rsi_start(const rsi_params *p, vec *slots)
{
    (void)slots;
    return (rsi_state){vec_fill(0.0), wilder_start(p->period, p->period), wilder_start(p->period, p->period)};
}

INLINE void rsi_update(rsi_state *s, const bar_columns *bars, int64_t t)
{
    vec close = bars->close[t];
    if (t > 0) {
        vec change = close - s->previous;
        wilder_enter(&s->gain, vec_positive(change));
        wilder_enter(&s->loss, vec_positive(-change));
    }
    s->previous = close;
}

INLINE void rsi_value(const rsi_state *s, vec *out)
{
    out[0] = vec_ratio(s->gain.sum * 100.0, s->gain.sum + s->loss.sum, 50.0);
}

enum { rsi_cutler_rows = 2 * WINDOW_MEAN_ROWS };

typedef struct rsi_cutler_state {
    vec previous;
    window gains, losses;
} rsi_cutler_state;

INLINE rsi_cutler_state rsi_cutler_start(const rsi_cutler_params *p, vec *slots)
{
    return (rsi_cutler_state){vec_fill(0.0), window_start(WINDOW_MEAN, p->period, slots),
                              window_start(WINDOW_MEAN, p->period, slots + (int64_t)p->period)};
}

INLINE void rsi_cutler_update(rsi_cutler_state *s, const bar_columns *bars, int64_t t)
{
    vec close = bars->close[t];
    if (t > 0) {
        window_enter(&s->gains, WINDOW_MEAN, vec_positive(close - s->previous));
        window_enter(&s->losses, WINDOW_MEAN, vec_positive(s->previous - close));
    }
    s->previous = close;
}

INLINE void rsi_cutler_value(const rsi_cutler_state *s, vec *out)
{
    vec gain = window_mean(&s->gains, window_total(&s->gains, WINDOW_MEAN));
    vec loss = window_mean(&s->losses, window_total(&s->losses, WINDOW_MEAN));
    out[0] = vec_ratio(gain * 100.0, gain + loss, 100.0);
}

enum { macd_rows = 0 };

/* Both averages have their first value at the bar where the slow one can, and the line begins there: their difference,
 * which is how much more the slow one lags. */
typedef struct macd_state {
    exponential fast, slow, signal;
} macd_state;

INLINE macd_state macd_start(const macd_params *p, vec *slots)
{
    (void)slots;
    bool swapped = p->slow < p->fast;
    return (macd_state){exponential_start(swapped ? p->slow : p->fast), exponential_start(swapped ? p->fast : p->slow),
                        exponential_start(p->signal)};
}

INLINE void macd_update(macd_state *s, const bar_columns *bars, int64_t t)
{
    exponential_enter(&s->slow, bars->close[t]);
    if (t >= s->slow.period - s->fast.period) {
        exponential_enter(&s->fast, bars->close[t]);
    }
    if (t >= s->slow.period - 1) {
        exponential_enter(&s->signal, s->slow.lag - s->fast.lag);
    }
}

INLINE void macd_value(const macd_state *s, vec *out)
{
    out[0] = s->signal.last;
    out[1] = exponential_value(&s->signal);
    out[2] = s->signal.lag;
}

enum { roc_rows = 1 };

/* The slots are a ring: the next one to be written holds the value of `size` bars ago. */
typedef struct roc_state {
    vec *slots, now, before;
    int64_t size, next;
} roc_state;

INLINE roc_state roc_start(const roc_params *p, vec *slots)
{
    return (roc_state){.slots = slots, .size = (int64_t)p->period};
}

INLINE void roc_update(roc_state *s, const bar_columns *bars, int64_t t)
{
    if (t >= s->size) {
        s->before = s->slots[s->next];
    }
    s->now = bars->close[t];
    s->slots[s->next] = s->now;
    s->next = s->next + 1 == s->size ? 0 : s->next + 1;
}

INLINE void roc_value(const roc_state *s, vec *out)
{
    out[0] = simple_return(s->now, s->before) * 100.0;
}

#endif
