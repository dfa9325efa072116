/* The flow of volume. */
#ifndef ZA_KERNELS_VOLUME_H
#define ZA_KERNELS_VOLUME_H

#include "kernels/bars.h"
#include "kernels/operations.h"
#include "kernels/params.h"
#include "kernels/slots.h"

typedef struct obv_state {
    vec previous, total;
} obv_state;

typedef struct obv_kernel {
    obv_params p;
    int64_t age;
    obv_state s;
} obv_kernel;

INLINE void obv_start(obv_kernel *k, slots *all)
{
    (void)all;
    k->s = (obv_state){vec_fill(0.0), vec_fill(0.0)};
}

/* The first bar's volume counts as that of a rise. */
INLINE void obv_update(obv_kernel *k, const vec *in)
{
    vec close = in[0], volume = in[1];
    if (k->age > 0) {
        vec falls = vec_select((mask)(close < k->s.previous), -volume, vec_fill(0.0));
        volume = vec_select((mask)(close > k->s.previous), volume, falls);
    }
    k->s.total += volume;
    k->s.previous = close;
}

INLINE void obv_value(const obv_kernel *k, vec *out)
{
    out[0] = k->s.total;
}

/* `gap` is 0, or NaN behind a bar whose money flow has no finite value, which is left out. */
typedef struct ad_state {
    vec total, gap;
} ad_state;

typedef struct ad_kernel {
    ad_params p;
    int64_t age;
    ad_state s;
} ad_kernel;

INLINE vec ad_of(const vec *in, const vec *none)
{
    (void)none;
    return money_flow(in);
}

INLINE void ad_start(ad_kernel *k, slots *all)
{
    (void)all;
    k->s = (ad_state){vec_fill(0.0), vec_fill(0.0)};
}

INLINE void ad_update(ad_kernel *k, const vec *in)
{
    vec flow = ad_of(in, NULL);
    k->s.total = increased(k->s.total, flow);
    k->s.gap = vec_select(are_finite(flow), vec_fill(0.0), vec_fill(NAN));
}

INLINE void ad_value(const ad_kernel *k, vec *out)
{
    out[0] = k->s.total + k->s.gap;
}

typedef struct adosc_state {
    vec fast, slow; /* how far each average lags behind the total */
} adosc_state;

typedef struct adosc_kernel {
    adosc_params p;
    int64_t age;
    double fast, slow; /* of a lag is kept with each value */
    adosc_state s;
} adosc_kernel;

INLINE void adosc_start(adosc_kernel *k, slots *all)
{
    (void)all;
    k->fast = (k->p.fast - 1.0) / (k->p.fast + 1.0);
    k->slow = (k->p.slow - 1.0) / (k->p.slow + 1.0);
    k->s = (adosc_state){vec_fill(0.0), vec_fill(0.0)};
}

/* Both averages are seeded by the first total. A bar moves the total by its money flow, so that the total itself, which
 * may be large, has no say in the difference of its averages. */
INLINE void adosc_update(adosc_kernel *k, const vec *in)
{
    if (k->age > 0) {
        vec flow = money_flow(in);
        k->s.fast = (k->s.fast + flow) * k->fast;
        k->s.slow = (k->s.slow + flow) * k->slow;
    }
}

INLINE void adosc_value(const adosc_kernel *k, vec *out)
{
    out[0] = k->s.slow - k->s.fast;
}

#endif
