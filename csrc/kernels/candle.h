/* Candlestick patterns. Each is a predicate over the last few candles; 100 of a rising pattern, -100 of a falling one,
 * 0 of none. */
#ifndef ZA_KERNELS_CANDLE_H
#define ZA_KERNELS_CANDLE_H

#include "kernels/params.h"
#include "kernels/window.h"

typedef struct candle {
    vec open, high, low, close;
} candle;

/* The part of the candles before a candle that its own size is compared with. */
typedef enum candle_measure { CANDLE_UNMEASURED, CANDLE_BODY, CANDLE_RANGE } candle_measure;

/* TA-Lib's settings: the candles whose mean size is the usual one, and the part of it that bounds a size. */
enum { CANDLE_USUAL = 10 };
#define BODY_DOJI  0.1 /* of the range */
#define BODY_SHORT 1.0 /* of the body */
#define BODY_LONG  1.0

INLINE vec candle_body(candle c)
{
    return vec_abs(c.close - c.open);
}

INLINE vec candle_size(candle_measure measure, candle c)
{
    vec from = measure == CANDLE_BODY ? c.open : c.low, to = measure == CANDLE_BODY ? c.close : c.high;
    return vec_abs(to - from);
}

INLINE mask candle_is_white(candle c)
{
    return (mask)(c.close >= c.open);
}

INLINE mask candle_is_black(candle c)
{
    return (mask)(c.close < c.open);
}

/* A kernel of the last `count` candles, c[0] being the newest. usual[i] is the mean size of the candles before c[i];
 * `next` is that of the candle to come. It is read after the last one has entered, because a window's total before that
 * is of suffix sums that the same candle overwrites, and a candle may enter again. */
#define CANDLESTICK(name, count, measure, expression)                                                                  \
    typedef struct name##_state {                                                                                      \
        candle candles[count];                                                                                         \
        vec usual[count], next, sizes[WINDOW_SUM_VECS];                                                                \
    } name##_state;                                                                                                    \
    typedef struct name##_kernel {                                                                                     \
        name##_params p;                                                                                               \
        int64_t age;                                                                                                   \
        window sizes;                                                                                                  \
        name##_state s;                                                                                                \
    } name##_kernel;                                                                                                   \
    INLINE void name##_start(name##_kernel *k, slots *all)                                                             \
    {                                                                                                                  \
        vec none = vec_fill(0.0);                                                                                      \
        k->sizes = window_at(WINDOW_SUM, measure == CANDLE_UNMEASURED ? 1.0 : CANDLE_USUAL, k->age, all, k->s.sizes);  \
        for (int i = 0; i < (count); ++i) {                                                                            \
            k->s.candles[i] = (candle){none, none, none, none};                                                        \
            k->s.usual[i] = none;                                                                                      \
        }                                                                                                              \
        k->s.next = none;                                                                                              \
    }                                                                                                                  \
    INLINE void name##_update(name##_kernel *k, const vec *in)                                                         \
    {                                                                                                                  \
        for (int i = (count) - 1; i > 0; --i) {                                                                        \
            k->s.candles[i] = k->s.candles[i - 1];                                                                     \
            k->s.usual[i] = k->s.usual[i - 1];                                                                         \
        }                                                                                                              \
        k->s.candles[0] = (candle){in[0], in[1], in[2], in[3]};                                                        \
        k->s.usual[0] = k->s.next;                                                                                     \
        if (measure != CANDLE_UNMEASURED) {                                                                            \
            window_enter(&k->sizes, WINDOW_SUM, k->s.sizes, candle_size(measure, k->s.candles[0]));                    \
            k->s.next = window_total_of(&k->sizes, WINDOW_SUM, k->s.sizes).sums.first / (double)CANDLE_USUAL;          \
        }                                                                                                              \
    }                                                                                                                  \
    INLINE void name##_value(const name##_kernel *k, vec *out)                                                         \
    {                                                                                                                  \
        const candle *c = k->s.candles;                                                                                \
        const vec *usual = k->s.usual;                                                                                 \
        (void)usual;                                                                                                   \
        out[0] = (expression);                                                                                         \
    }

INLINE vec pattern(mask holds, double value)
{
    return vec_select(holds, vec_fill(value), vec_fill(0.0));
}

CANDLESTICK(cdldoji, 1, CANDLE_RANGE, pattern((mask)(candle_body(c[0]) <= usual[0] * BODY_DOJI), 100.0))

/* A body that covers the one before, which is of the other colour; 80 where they share an end. */
INLINE vec engulfing(const candle *c)
{
    vec open = c[0].open, close = c[0].close, first = c[1].close, last = c[1].open;
    mask apart = (mask)(open != first) & (mask)(close != last), covered = (mask)(open != first) | (mask)(close != last);
    mask rises = candle_is_white(c[0]) & candle_is_black(c[1]) & (mask)(open <= first) & (mask)(close >= last);
    mask falls = candle_is_black(c[0]) & candle_is_white(c[1]) & (mask)(open >= first) & (mask)(close <= last);
    vec strength = vec_select(apart, vec_fill(100.0), vec_fill(80.0));
    return (pattern(rises & covered, 1.0) - pattern(falls & covered, 1.0)) * strength;
}

INLINE vec cdlengulfing_of(const vec *now, const vec *then)
{
    candle candles[] = {{now[0], now[1], now[2], now[3]}, {then[0], then[1], then[2], then[3]}};
    return engulfing(candles);
}

CANDLESTICK(cdlengulfing, 2, CANDLE_UNMEASURED, engulfing(c))

/* A long black body, a short one below it, and a white one that is not short and closes well within the first. */
INLINE vec morning_star(const candle *c, const vec *usual, double penetration)
{
    vec top = vec_greater(c[1].open, c[1].close), inside = c[2].close + candle_body(c[2]) * penetration;
    mask colours = candle_is_black(c[2]) & candle_is_white(c[0]);
    mask places = (mask)(top < c[2].close) & (mask)(c[0].close > inside);
    mask first = (mask)(candle_body(c[2]) > usual[2] * BODY_LONG);
    mask star = (mask)(candle_body(c[1]) <= usual[1] * BODY_SHORT);
    mask last = (mask)(candle_body(c[0]) > usual[0] * BODY_SHORT);
    return pattern(colours & places & first & star & last, 100.0);
}

CANDLESTICK(cdlmorningstar, 3, CANDLE_BODY, morning_star(c, usual, k->p.penetration))

#endif
