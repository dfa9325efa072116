/* The last values of a series in order. There are two copies: a bar reads the one that the bar before has written and
 * writes the other, so that it may enter again. */
#ifndef ZA_KERNELS_SORTED_H
#define ZA_KERNELS_SORTED_H

#include "kernels/ring.h"

typedef struct sorted {
    vec *copies[2]; /* [size] each */
    ring values;
    int64_t size, newest; /* the copy that was written last */
} sorted;

/* The last `values` ones of a series of which `entered` have been before. Missing ones are 0. */
INLINE sorted sorted_at(double values, int64_t entered, slots *all)
{
    int64_t size = (int64_t)values;
    sorted s = {.size = size, .newest = entered % 2};
    s.copies[0] = slots_take(all, size);
    s.copies[1] = slots_take(all, size);
    slots_turn(all, 2);
    s.values = ring_at(values, entered, all);
    return s;
}

INLINE vec sorted_value(const sorted *s, int64_t place)
{
    return s->copies[s->newest][place];
}

/* The value at a place when `left` goes and `x` comes: between the two everything moves by one place, outside of them
 * nothing. `below` and `above` are its neighbours. */
INLINE vec sorted_shift(vec at, vec below, vec above, vec left, vec x)
{
    vec up = vec_greater(at, vec_smaller(above, x)), down = vec_smaller(at, vec_greater(below, x));
    vec rising = vec_select((mask)(at < left), at, up), falling = vec_select((mask)(at > left), at, down);
    return vec_select((mask)(x > left), rising, falling);
}

INLINE void sorted_enter(sorted *s, vec x)
{
    const vec *from = s->copies[s->newest];
    vec *to = s->copies[1 - s->newest];
    ring_enter(&s->values, x);
    vec left = ring_oldest(&s->values), below = vec_fill(-INFINITY), at = from[0];
    for (int64_t place = 0; place + 1 < s->size; ++place) {
        vec above = from[place + 1];
        to[place] = sorted_shift(at, below, above, left, x);
        below = at;
        at = above;
    }
    to[s->size - 1] = sorted_shift(at, below, vec_fill(INFINITY), left, x);
    s->newest = 1 - s->newest;
}

#endif
