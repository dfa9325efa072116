/* The memory of a kernel beside its state: vectors that `start` hands out to windows and rings, each of which goes
 * round in a number of bars. */
#ifndef ZA_KERNELS_SLOTS_H
#define ZA_KERNELS_SLOTS_H

#include <stddef.h>

#include "kernels/lane.h"

/* `at` is NULL while `start` is only asked how many slots there will be. */
typedef struct slots {
    vec *at;
    int64_t taken;
    int64_t period; /* least common multiple of what has been taken to go round in; INT64_MAX beyond any series */
} slots;

INLINE vec *slots_take(slots *all, int64_t count)
{
    vec *first = all->at == NULL ? NULL : all->at + all->taken;
    all->taken += count;
    return first;
}

/* What was taken last goes round in `bars`. */
INLINE void slots_go_round(slots *all, int64_t bars)
{
    enum { BEYOND = 1 << 30 };
    int64_t divisor = all->period, rest = bars;
    while (rest != 0) {
        int64_t next = divisor % rest;
        divisor = rest;
        rest = next;
    }
    bool fits = all->period <= BEYOND && all->period / divisor * bars <= BEYOND;
    all->period = fits ? all->period / divisor * bars : INT64_MAX;
}

#endif
