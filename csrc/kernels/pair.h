/* Moments of two columns side by side. */
#ifndef ZA_KERNELS_PAIR_H
#define ZA_KERNELS_PAIR_H

#include "kernels/bars.h"
#include "kernels/params.h"
#include "kernels/window.h"

/* Sum of the products of two series' distances from their means. */
INLINE vec comoment_of(window_total total)
{
    return total.sums.fifth - total.sums.first * total.sums.second * (1.0 / total.size);
}

/* Pearson's correlation in the first output, and 1 in the second where both series vary; 0 in both elsewhere. */
INLINE void correlate(window_total total, vec *out)
{
    vec spread = vec_sqrt(window_scatter(total, total.sums.first, total.sums.third));
    vec other_spread = vec_sqrt(window_scatter(total, total.sums.second, total.sums.fourth));
    vec value = vec_ratio(comoment_of(total), spread * other_spread, 0.0);
    out[0] = vec_greater(vec_smaller(value, vec_fill(1.0)), vec_fill(-1.0));
    out[1] = vec_select((mask)(spread * other_spread > 0.0), vec_fill(1.0), vec_fill(0.0));
}

INLINE vec correlation_of(window_total total)
{
    vec out[2];
    correlate(total, out);
    return out[0];
}

WINDOWED(correl, WINDOW_PAIRS, correlation_of(total))
WINDOWED(covariance, WINDOW_PAIRS, comoment_of(total) * (1.0 / total.size))

/* A kernel of a window of what two series return from bar to bar, and what is made of its sums. */
#define PAIRED_RETURNS(name, statement)                                                                                \
    typedef struct name##_state {                                                                                      \
        vec previous, other; /* of the bar before */                                                                   \
        vec window[WINDOW_PAIRS_VECS];                                                                                 \
    } name##_state;                                                                                                    \
    typedef struct name##_kernel {                                                                                     \
        name##_params p;                                                                                               \
        int64_t age;                                                                                                   \
        window window;                                                                                                 \
        name##_state s;                                                                                                \
    } name##_kernel;                                                                                                   \
    INLINE void name##_start(name##_kernel *k, slots *all)                                                             \
    {                                                                                                                  \
        k->window = window_at(WINDOW_PAIRS, k->p.period, k->age > 0 ? k->age - 1 : 0, all, k->s.window);               \
        k->s.previous = k->s.other = vec_fill(0.0);                                                                    \
    }                                                                                                                  \
    INLINE void name##_update(name##_kernel *k, const vec *in)                                                         \
    {                                                                                                                  \
        if (k->age > 0) {                                                                                              \
            vec now = simple_return(in[0], k->s.previous), other = simple_return(in[1], k->s.other);                   \
            window_enter_pair(&k->window, WINDOW_PAIRS, k->s.window, now, other);                                      \
        }                                                                                                              \
        k->s.previous = in[0];                                                                                         \
        k->s.other = in[1];                                                                                            \
    }                                                                                                                  \
    INLINE void name##_value(const name##_kernel *k, vec *out)                                                         \
    {                                                                                                                  \
        window_total total = window_total_of(&k->window, WINDOW_PAIRS, k->s.window);                                   \
        statement;                                                                                                     \
    }

PAIRED_RETURNS(return_correlation, correlate(total, out))
PAIRED_RETURNS(beta,
               out[0] = vec_ratio(comoment_of(total), window_scatter(total, total.sums.first, total.sums.third), 0.0))

#endif
