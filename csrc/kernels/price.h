/* Figures of one bar by itself. */
#ifndef ZA_KERNELS_PRICE_H
#define ZA_KERNELS_PRICE_H

#include "kernels/bars.h"
#include "kernels/params.h"
#include "kernels/slots.h"

/* A kernel of one bar and one expression of its inputs. */
#define OF_ONE_BAR(name, expression)                                                                                   \
    INLINE vec name##_of(const vec *in, const vec *none)                                                               \
    {                                                                                                                  \
        (void)none;                                                                                                    \
        return (expression);                                                                                           \
    }                                                                                                                  \
    typedef struct name##_state {                                                                                      \
        vec value;                                                                                                     \
    } name##_state;                                                                                                    \
    typedef struct name##_kernel {                                                                                     \
        name##_params p;                                                                                               \
        int64_t age;                                                                                                   \
        name##_state s;                                                                                                \
    } name##_kernel;                                                                                                   \
    INLINE void name##_start(name##_kernel *k, slots *all)                                                             \
    {                                                                                                                  \
        (void)all;                                                                                                     \
        k->s.value = vec_fill(0.0);                                                                                    \
    }                                                                                                                  \
    INLINE void name##_update(name##_kernel *k, const vec *in)                                                         \
    {                                                                                                                  \
        k->s.value = name##_of(in, NULL);                                                                              \
    }                                                                                                                  \
    INLINE void name##_value(const name##_kernel *k, vec *out)                                                         \
    {                                                                                                                  \
        out[0] = k->s.value;                                                                                           \
    }

OF_ONE_BAR(avgprice, (in[1] + in[2] + in[3] + in[0]) / 4.0)
OF_ONE_BAR(medprice, (in[0] + in[1]) / 2.0)
OF_ONE_BAR(typprice, typical_price(in[0], in[1], in[2]))
OF_ONE_BAR(wclprice, (in[0] + in[1] + in[2] * 2.0) / 4.0)

INLINE vec balance_of_power(vec open, vec high, vec low, vec close)
{
    mask has_range = (mask)(high > low);
    return vec_select(has_range, (close - open) / vec_select(has_range, high - low, vec_fill(1.0)), vec_fill(0.0));
}

OF_ONE_BAR(bop, balance_of_power(in[0], in[1], in[2], in[3]))
OF_ONE_BAR(money_flow_volume, money_flow(in))

#endif
