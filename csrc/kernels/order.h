/* The order of a window's values. */
#ifndef ZA_KERNELS_ORDER_H
#define ZA_KERNELS_ORDER_H

#include "kernels/params.h"
#include "kernels/sorted.h"

typedef struct quantile_state {
    vec last;
} quantile_state;

typedef struct quantile_kernel {
    quantile_params p;
    int64_t age;
    sorted values;
    int64_t below, above; /* the places between which the quantile lies */
    double part;          /* of the way from the one to the other */
    quantile_state s;
} quantile_kernel;

INLINE void quantile_start(quantile_kernel *k, slots *all)
{
    double place = (k->p.period - 1.0) * k->p.q;
    k->values = sorted_at(k->p.period, k->age, all);
    k->below = (int64_t)place;
    k->part = place - (double)k->below;
    k->above = k->part > 0.0 ? k->below + 1 : k->below;
    k->s.last = vec_fill(0.0);
}

INLINE void quantile_update(quantile_kernel *k, const vec *in)
{
    sorted_enter(&k->values, in[0]);
    k->s.last = in[0];
}

INLINE void quantile_value(const quantile_kernel *k, vec *out)
{
    vec below = sorted_value(&k->values, k->below), above = sorted_value(&k->values, k->above);
    out[0] = below + (above - below) * k->part;
}

typedef struct ts_rank_state {
    vec last;
} ts_rank_state;

typedef struct ts_rank_kernel {
    ts_rank_params p;
    int64_t age;
    ring values; /* all of the window, in whatever order */
    ts_rank_state s;
} ts_rank_kernel;

INLINE void ts_rank_start(ts_rank_kernel *k, slots *all)
{
    k->values = ring_at(k->p.period - 1.0, k->age, all);
    k->s.last = vec_fill(0.0);
}

INLINE void ts_rank_update(ts_rank_kernel *k, const vec *in)
{
    ring_enter(&k->values, in[0]);
    k->s.last = in[0];
}

/* The values below the last one, and the middle of those that equal it. Halves are exact in any order. */
INLINE void ts_rank_value(const ts_rank_kernel *k, vec *out)
{
    vec rank = vec_fill(0.5), none = vec_fill(0.0);
    for (int64_t slot = 0; slot < k->values.size; ++slot) {
        vec x = k->values.values[slot];
        rank += vec_select((mask)(x < k->s.last), vec_fill(1.0), none);
        rank += vec_select((mask)(x == k->s.last), vec_fill(0.5), none);
    }
    out[0] = rank * (1.0 / k->p.period);
}

#endif
