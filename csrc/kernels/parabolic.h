/* Wilder's parabolic stop and reverse. */
#ifndef ZA_KERNELS_PARABOLIC_H
#define ZA_KERNELS_PARABOLIC_H

#include "kernels/params.h"
#include "kernels/slots.h"

/* While it is short everything is mirrored, prices and all, so that there is one set of rules: that of being long. */
typedef struct parabolic {
    vec side;          /* 1 while it is long, -1 while it is short */
    vec stop, extreme; /* for the next bar; mirrored */
    vec rate;
    vec high, low; /* of the bar before, not mirrored */
    vec value;     /* the stop of the last bar, not mirrored */
} parabolic;

/* The rates of one side. */
typedef struct acceleration {
    double first, step, most;
} acceleration;

INLINE acceleration acceleration_of(double first, double step, double most)
{
    return (acceleration){fmin(first, most), fmin(step, most), most};
}

INLINE parabolic parabolic_start(void)
{
    vec none = vec_fill(0.0);
    return (parabolic){vec_fill(1.0), none, none, none, none, none, none};
}

/* Chooses by the side what long or short say. */
INLINE vec parabolic_choice(vec side, double when_long, double when_short)
{
    return vec_select((mask)(side > 0.0), vec_fill(when_long), vec_fill(when_short));
}

/* The second bar: long unless it went down further than up. `given` is the first stop, 0 for the extreme of the first
 * bar; a negative one begins short. */
INLINE void parabolic_begin(parabolic *s, vec high, vec low, double given)
{
    vec down = s->low - low, up = high - s->high;
    mask falls = (mask)(down > 0.0) & (mask)(down > up);
    s->side = vec_select(falls, vec_fill(-1.0), vec_fill(1.0));
    s->stop = vec_select(falls, -s->high, s->low);
    if (given != 0.0) {
        s->side = vec_fill(given > 0.0 ? 1.0 : -1.0);
        s->stop = vec_fill(given);
    }
    mask is_long = (mask)(s->side > 0.0);
    s->extreme = vec_select(is_long, high, -low);
    s->high = high;
    s->low = low;
}

/* The stop for the next bar, which the last two bars bound. */
INLINE vec parabolic_next(vec stop, vec extreme, vec rate, vec limit)
{
    return vec_smaller(stop + (extreme - stop) * rate, limit);
}

/* The second bar, or one after it, enters. `offset` moves the stop away at a reversal, in parts of itself. */
INLINE void parabolic_enter(parabolic *s, const vec *in, const acceleration *rising, const acceleration *falling,
                            double offset)
{
    vec high = in[0], low = in[1];
    mask is_long = (mask)(s->side > 0.0);
    vec top = vec_select(is_long, high, -low), bottom = vec_select(is_long, low, -high);
    vec top_before = vec_select(is_long, s->high, -s->low), bottom_before = vec_select(is_long, s->low, -s->high);
    mask turns = (mask)(bottom <= s->stop), rises = (mask)(top > s->extreme);
    vec step = parabolic_choice(s->side, rising->step, falling->step);
    vec most = parabolic_choice(s->side, rising->most, falling->most);
    vec faster = vec_select(rises, vec_smaller(s->rate + step, most), s->rate);
    vec extreme = vec_greater(s->extreme, top), limit = vec_smaller(bottom_before, bottom);
    s->high = high;
    s->low = low;
    if (mask_is_clear(turns)) {
        s->value = s->stop * s->side;
        s->rate = faster;
        s->extreme = extreme;
        s->stop = parabolic_next(s->stop, extreme, faster, limit);
        return;
    }
    vec turned = vec_greater(s->extreme, vec_greater(top_before, top));
    turned += vec_abs(turned) * offset;
    s->value = vec_select(turns, turned, s->stop) * s->side;
    s->side = vec_select(turns, -s->side, s->side);
    s->rate = vec_select(turns, parabolic_choice(s->side, rising->first, falling->first), faster);
    s->extreme = vec_select(turns, -bottom, extreme);
    vec stop = vec_select(turns, -turned, s->stop);
    s->stop = parabolic_next(stop, s->extreme, s->rate, vec_select(turns, vec_smaller(-top_before, -top), limit));
}

typedef struct sar_state {
    parabolic stop;
} sar_state;

typedef struct sar_kernel {
    sar_params p;
    int64_t age;
    acceleration both;
    sar_state s;
} sar_kernel;

INLINE void sar_start(sar_kernel *k, slots *all)
{
    (void)all;
    k->both = acceleration_of(k->p.acceleration, k->p.acceleration, k->p.maximum);
    k->s.stop = parabolic_start();
}

INLINE void sar_update(sar_kernel *k, const vec *in)
{
    if (k->age == 0) {
        k->s.stop.high = in[0];
        k->s.stop.low = in[1];
        return;
    }
    if (k->age == 1) {
        parabolic_begin(&k->s.stop, in[0], in[1], 0.0);
        k->s.stop.rate = vec_fill(k->both.first);
    }
    parabolic_enter(&k->s.stop, in, &k->both, &k->both, 0.0);
}

INLINE void sar_value(const sar_kernel *k, vec *out)
{
    out[0] = k->s.stop.value;
}

typedef struct sarext_state {
    parabolic stop;
} sarext_state;

typedef struct sarext_kernel {
    sarext_params p;
    int64_t age;
    acceleration rising, falling;
    sarext_state s;
} sarext_kernel;

INLINE void sarext_start(sarext_kernel *k, slots *all)
{
    (void)all;
    k->rising = acceleration_of(k->p.accelerationinitlong, k->p.accelerationlong, k->p.accelerationmaxlong);
    k->falling = acceleration_of(k->p.accelerationinitshort, k->p.accelerationshort, k->p.accelerationmaxshort);
    k->s.stop = parabolic_start();
}

INLINE void sarext_update(sarext_kernel *k, const vec *in)
{
    if (k->age == 0) {
        k->s.stop.high = in[0];
        k->s.stop.low = in[1];
        return;
    }
    if (k->age == 1) {
        parabolic_begin(&k->s.stop, in[0], in[1], k->p.startvalue);
        k->s.stop.rate = parabolic_choice(k->s.stop.side, k->rising.first, k->falling.first);
    }
    parabolic_enter(&k->s.stop, in, &k->rising, &k->falling, k->p.offsetonreverse);
}

/* Negative while it is short. */
INLINE void sarext_value(const sarext_kernel *k, vec *out)
{
    out[0] = k->s.stop.value * k->s.stop.side;
}

#endif
