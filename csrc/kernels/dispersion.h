/* The mean distance of the values of a window from their mean, which no sums give: it is taken of the values each time.
 */
#ifndef ZA_KERNELS_DISPERSION_H
#define ZA_KERNELS_DISPERSION_H

#include "kernels/ring.h"
#include "kernels/window.h"

typedef struct dispersion_state {
    vec last, mean[WINDOW_MEAN_VECS];
} dispersion_state;

typedef struct dispersion {
    window mean;
    ring values; /* all of the window, in whatever order */
} dispersion;

INLINE dispersion dispersion_at(double size, int64_t entered, slots *all, dispersion_state *state)
{
    state->last = vec_fill(0.0);
    window mean = window_at(WINDOW_MEAN, size, entered, all, state->mean);
    return (dispersion){mean, ring_at(size - 1.0, entered, all)};
}

INLINE void dispersion_enter(dispersion *of, dispersion_state *state, vec x)
{
    window_enter(&of->mean, WINDOW_MEAN, state->mean, x);
    ring_enter(&of->values, x);
    state->last = x;
}

INLINE vec dispersion_mean(const dispersion *of, const dispersion_state *state)
{
    return window_mean(window_total_of(&of->mean, WINDOW_MEAN, state->mean));
}

/* Four sums side by side, since each addition waits for the one before it. */
INLINE vec dispersion_distance(const dispersion *of, vec mean)
{
    vec none = vec_fill(0.0), a = none, b = none, c = none, d = none;
    const vec *values = of->values.values;
    int64_t slot = 0, size = of->values.size;
    for (; slot + 4 <= size; slot += 4) {
        a += vec_abs(values[slot] - mean);
        b += vec_abs(values[slot + 1] - mean);
        c += vec_abs(values[slot + 2] - mean);
        d += vec_abs(values[slot + 3] - mean);
    }
    for (; slot < size; ++slot) {
        a += vec_abs(values[slot] - mean);
    }
    return ((a + b) + (c + d)) * (1.0 / (double)size);
}

#endif
