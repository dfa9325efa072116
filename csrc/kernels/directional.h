/* How one-sided highs and lows move. */
#ifndef ZA_KERNELS_DIRECTIONAL_H
#define ZA_KERNELS_DIRECTIONAL_H

#include "kernels/params.h"
#include "kernels/slots.h"
#include "kernels/smoothing.h"

/* The true range that both directional indicators are divided by cancels in their index, so it is not kept. */
typedef struct adx_state {
    vec high, low;   /* of the bar before */
    vec plus, minus; /* movement up, movement down */
    vec index;       /* how one-sided they are, 0 to 1 */
} adx_state;

typedef struct adx_kernel {
    adx_params p;
    int64_t age;
    wilder_rate movement, index;
    adx_state s;
} adx_kernel;

INLINE void adx_start(adx_kernel *k, slots *all)
{
    (void)all;
    vec none = vec_fill(0.0);
    k->movement = wilder_rate_of(k->p.period, k->p.period - 1.0);
    k->index = wilder_rate_of(k->p.period, k->p.period);
    k->s = (adx_state){none, none, none, none, none};
}

/* Bars without any movement in memory say nothing about direction: they leave the average as it is. */
INLINE void adx_enter_index(adx_kernel *k, int64_t entered)
{
    vec moved = k->s.plus + k->s.minus, before = k->s.index;
    mask moves = (mask)(moved > 0.0);
    vec one_sided = vec_abs(k->s.plus - k->s.minus) / vec_select(moves, moved, vec_fill(1.0));
    wilder_enter(&k->s.index, &k->index, entered, one_sided);
    k->s.index = vec_select(moves, k->s.index, before);
}

INLINE void adx_update(adx_kernel *k, const vec *in)
{
    vec high = in[0], low = in[1], none = vec_fill(0.0);
    if (k->age > 0) {
        vec up = high - k->s.high, down = k->s.low - low;
        wilder_enter(&k->s.plus, &k->movement, k->age - 1, vec_select((mask)(up > down), vec_positive(up), none));
        wilder_enter(&k->s.minus, &k->movement, k->age - 1, vec_select((mask)(down > up), vec_positive(down), none));
    }
    if (k->age >= k->index.seeds) {
        adx_enter_index(k, k->age - k->index.seeds);
    }
    k->s.high = high;
    k->s.low = low;
}

INLINE void adx_value(const adx_kernel *k, vec *out)
{
    out[0] = k->s.index * (100.0 / k->p.period);
}

#endif
