/* Directional movement: how one-sided highs and lows move. */
#ifndef ZA_KERNELS_DIRECTIONAL_H
#define ZA_KERNELS_DIRECTIONAL_H

#include "kernels/bars.h"
#include "kernels/params.h"
#include "kernels/slots.h"
#include "kernels/smoothing.h"

/* The last high and low, and Wilder's sums of the movements up and down. */
typedef struct movement {
    vec high, low, plus, minus;
} movement;

INLINE movement movement_start(void)
{
    return (movement){vec_fill(0.0), vec_fill(0.0), vec_fill(0.0), vec_fill(0.0)};
}

/* A bar enters that `age` bars were before. It moved in the direction in which it went further, if beyond the last bar.
 */
INLINE void movement_enter(movement *m, const wilder_rate *rate, int64_t age, const vec *in)
{
    vec high = in[0], low = in[1], none = vec_fill(0.0);
    if (age > 0) {
        vec up = high - m->high, down = m->low - low;
        wilder_enter(&m->plus, rate, age - 1, vec_select((mask)(up > down), vec_positive(up), none));
        wilder_enter(&m->minus, rate, age - 1, vec_select((mask)(down > up), vec_positive(down), none));
    }
    m->high = high;
    m->low = low;
}

/* A kernel of Wilder's sum of one of the movements. */
#define DIRECTIONAL_MOVEMENT(name, direction)                                                                          \
    typedef struct name##_state {                                                                                      \
        movement movement;                                                                                             \
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
        k->rate = wilder_rate_of(k->p.period, k->p.period - 1.0);                                                      \
        k->s.movement = movement_start();                                                                              \
    }                                                                                                                  \
    INLINE void name##_update(name##_kernel *k, const vec *in)                                                         \
    {                                                                                                                  \
        movement_enter(&k->s.movement, &k->rate, k->age, in);                                                          \
    }                                                                                                                  \
    INLINE void name##_value(const name##_kernel *k, vec *out)                                                         \
    {                                                                                                                  \
        out[0] = k->s.movement.direction;                                                                              \
    }

DIRECTIONAL_MOVEMENT(plus_dm, plus)
DIRECTIONAL_MOVEMENT(minus_dm, minus)

/* A kernel of one of the movements in percent of the true range, both as Wilder's sums. With period 1 it is a fraction,
 * as in TA-Lib. */
#define DIRECTIONAL_INDICATOR(name, direction)                                                                         \
    typedef struct name##_state {                                                                                      \
        movement movement;                                                                                             \
        vec close, range;                                                                                              \
    } name##_state;                                                                                                    \
    typedef struct name##_kernel {                                                                                     \
        name##_params p;                                                                                               \
        int64_t age;                                                                                                   \
        wilder_rate rate;                                                                                              \
        double percent;                                                                                                \
        name##_state s;                                                                                                \
    } name##_kernel;                                                                                                   \
    INLINE void name##_start(name##_kernel *k, slots *all)                                                             \
    {                                                                                                                  \
        (void)all;                                                                                                     \
        k->rate = wilder_rate_of(k->p.period, k->p.period - 1.0);                                                      \
        k->percent = k->p.period > 1.0 ? 100.0 : 1.0;                                                                  \
        k->s = (name##_state){movement_start(), vec_fill(0.0), vec_fill(0.0)};                                         \
    }                                                                                                                  \
    INLINE void name##_update(name##_kernel *k, const vec *in)                                                         \
    {                                                                                                                  \
        movement_enter(&k->s.movement, &k->rate, k->age, in);                                                          \
        if (k->age > 0) {                                                                                              \
            wilder_enter(&k->s.range, &k->rate, k->age - 1, true_range(in[0], in[1], k->s.close));                     \
        }                                                                                                              \
        k->s.close = in[2];                                                                                            \
    }                                                                                                                  \
    INLINE void name##_value(const name##_kernel *k, vec *out)                                                         \
    {                                                                                                                  \
        out[0] = vec_ratio(k->s.movement.direction * k->percent, k->s.range, 0.0);                                     \
    }

DIRECTIONAL_INDICATOR(plus_di, plus)
DIRECTIONAL_INDICATOR(minus_di, minus)

/* How one-sided the movements are, 0 to 1; `otherwise` where there is none in memory, which says nothing about
 * direction. The true range that both directional indicators are divided by cancels in it. */
INLINE vec movement_index(const movement *m, vec otherwise)
{
    vec moved = m->plus + m->minus;
    mask moves = (mask)(moved > 0.0);
    return vec_select(moves, vec_abs(m->plus - m->minus) / vec_select(moves, moved, vec_fill(1.0)), otherwise);
}

typedef struct dx_state {
    movement movement;
    vec index;
} dx_state;

typedef struct dx_kernel {
    dx_params p;
    int64_t age;
    wilder_rate rate;
    dx_state s;
} dx_kernel;

INLINE void dx_start(dx_kernel *k, slots *all)
{
    (void)all;
    k->rate = wilder_rate_of(k->p.period, k->p.period - 1.0);
    k->s = (dx_state){movement_start(), vec_fill(0.0)};
}

INLINE void dx_update(dx_kernel *k, const vec *in)
{
    movement_enter(&k->s.movement, &k->rate, k->age, in);
    k->s.index = movement_index(&k->s.movement, k->s.index);
}

INLINE void dx_value(const dx_kernel *k, vec *out)
{
    out[0] = k->s.index * 100.0;
}

typedef struct adx_state {
    movement movement;
    vec index;
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
    k->movement = wilder_rate_of(k->p.period, k->p.period - 1.0);
    k->index = wilder_rate_of(k->p.period, k->p.period);
    k->s = (adx_state){movement_start(), vec_fill(0.0)};
}

/* Bars without any movement in memory leave the average as it is. */
INLINE void adx_update(adx_kernel *k, const vec *in)
{
    movement_enter(&k->s.movement, &k->movement, k->age, in);
    int64_t indices = k->age - k->index.seeds;
    if (indices >= 0) {
        mask moves = (mask)(k->s.movement.plus + k->s.movement.minus > 0.0);
        vec index = k->s.index;
        wilder_enter(&index, &k->index, indices, movement_index(&k->s.movement, vec_fill(0.0)));
        k->s.index = vec_select(moves, index, k->s.index);
    }
}

INLINE void adx_value(const adx_kernel *k, vec *out)
{
    out[0] = k->s.index * (100.0 / k->p.period);
}

#endif
