/* Places of the last bars in their windows: money flow, commodity channel, buying pressure, bars since the extremes. */
#ifndef ZA_KERNELS_OSCILLATOR_H
#define ZA_KERNELS_OSCILLATOR_H

#include "kernels/bars.h"
#include "kernels/dispersion.h"
#include "kernels/params.h"
#include "kernels/window.h"

typedef struct mfi_state {
    vec previous, money[WINDOW_SUMS_VECS];
} mfi_state;

typedef struct mfi_kernel {
    mfi_params p;
    int64_t age;
    window money; /* of the bars whose typical price rose, and fell */
    mfi_state s;
} mfi_kernel;

INLINE void mfi_start(mfi_kernel *k, slots *all)
{
    k->money = window_at(WINDOW_SUMS, k->p.period, k->age > 0 ? k->age - 1 : 0, all, k->s.money);
    k->s.previous = vec_fill(0.0);
}

/* A value that differs in the last digits alone has not moved, as in TA-Lib. */
INLINE void mfi_update(mfi_kernel *k, const vec *in)
{
    vec price = typical_price(in[0], in[1], in[2]), money = price * in[3], none = vec_fill(0.0);
    if (k->age > 0) {
        vec change = price - k->s.previous, digits = (vec_abs(price) + vec_abs(k->s.previous)) * 1e-14;
        vec rises = vec_select((mask)(change > digits), money, none);
        vec falls = vec_select((mask)(change < -digits), money, none);
        window_enter_pair(&k->money, WINDOW_SUMS, k->s.money, rises, falls);
    }
    k->s.previous = price;
}

INLINE void mfi_value(const mfi_kernel *k, vec *out)
{
    window_sums money = window_total_of(&k->money, WINDOW_SUMS, k->s.money).sums;
    out[0] = vec_ratio(money.first, money.first + money.second, 0.0) * 100.0;
}

typedef struct cci_state {
    dispersion_state prices;
} cci_state;

typedef struct cci_kernel {
    cci_params p;
    int64_t age;
    dispersion prices;
    cci_state s;
} cci_kernel;

INLINE void cci_start(cci_kernel *k, slots *all)
{
    k->prices = dispersion_at(k->p.period, k->age, all, &k->s.prices);
}

INLINE void cci_update(cci_kernel *k, const vec *in)
{
    dispersion_enter(&k->prices, &k->s.prices, typical_price(in[0], in[1], in[2]));
}

INLINE void cci_value(const cci_kernel *k, vec *out)
{
    vec mean = dispersion_mean(&k->prices, &k->s.prices);
    out[0] = vec_ratio(k->s.prices.last - mean, dispersion_distance(&k->prices, mean) * 0.015, 0.0);
}

typedef struct ultosc_state {
    vec previous, sums[3][WINDOW_SUMS_VECS];
} ultosc_state;

typedef struct ultosc_kernel {
    ultosc_params p;
    int64_t age;
    window windows[3]; /* of buying pressure and true range, from the shortest to the longest */
    ultosc_state s;
} ultosc_kernel;

INLINE void ultosc_start(ultosc_kernel *k, slots *all)
{
    double a = k->p.period1, b = k->p.period2, c = k->p.period3;
    double least = fmin(a, fmin(b, c)), most = fmax(a, fmax(b, c)), sizes[3] = {least, a + b + c - least - most, most};
    for (int i = 0; i < 3; ++i) {
        k->windows[i] = window_at(WINDOW_SUMS, sizes[i], k->age > 0 ? k->age - 1 : 0, all, k->s.sums[i]);
    }
    k->s.previous = vec_fill(0.0);
}

INLINE void ultosc_update(ultosc_kernel *k, const vec *in)
{
    vec close = in[2];
    if (k->age > 0) {
        vec pressure = close - vec_smaller(in[1], k->s.previous);
        vec range = true_range(in[0], in[1], k->s.previous);
        for (int i = 0; i < 3; ++i) {
            window_enter_pair(&k->windows[i], WINDOW_SUMS, k->s.sums[i], pressure, range);
        }
    }
    k->s.previous = close;
}

/* Buying pressure in parts of the true range; the shortest window counts four times, the next one twice. */
INLINE void ultosc_value(const ultosc_kernel *k, vec *out)
{
    static const double weights[3] = {4.0, 2.0, 1.0};
    vec sum = vec_fill(0.0);
    for (int i = 0; i < 3; ++i) {
        window_sums sums = window_total_of(&k->windows[i], WINDOW_SUMS, k->s.sums[i]).sums;
        sum += vec_ratio(sums.first, sums.second, 0.0) * weights[i];
    }
    out[0] = sum * (100.0 / 7.0);
}

typedef struct aroon_state {
    vec highs[WINDOW_LAST_HIGHEST_VECS], lows[WINDOW_LAST_LOWEST_VECS];
} aroon_state;

typedef struct aroon_kernel {
    aroon_params p;
    int64_t age;
    window highs, lows;
    aroon_state s;
} aroon_kernel;

INLINE void aroon_start(aroon_kernel *k, slots *all)
{
    k->highs = window_at(WINDOW_LAST_HIGHEST, k->p.period + 1.0, k->age, all, k->s.highs);
    k->lows = window_at(WINDOW_LAST_LOWEST, k->p.period + 1.0, k->age, all, k->s.lows);
}

INLINE void aroon_update(aroon_kernel *k, const vec *in)
{
    window_enter(&k->highs, WINDOW_LAST_HIGHEST, k->s.highs, in[0]);
    window_enter(&k->lows, WINDOW_LAST_LOWEST, k->s.lows, in[1]);
}

/* 100 less the bars since the extreme, in percent of the period. */
INLINE vec aroon_of(window_total total, double period)
{
    return (total.sums.second + (period - total.since)) * (100.0 / period);
}

INLINE void aroon_value(const aroon_kernel *k, vec *out)
{
    out[0] = aroon_of(window_total_of(&k->lows, WINDOW_LAST_LOWEST, k->s.lows), k->p.period);
    out[1] = aroon_of(window_total_of(&k->highs, WINDOW_LAST_HIGHEST, k->s.highs), k->p.period);
}

#endif
