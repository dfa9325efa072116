/* The memory of a kernel beside its state: vectors that `start` hands out to windows and rings. */
#ifndef ZA_KERNELS_SLOTS_H
#define ZA_KERNELS_SLOTS_H

#include <stddef.h>

#include "kernels/lane.h"

/* `at` is NULL while `start` is only asked how many slots there will be, and how they are used. */
typedef struct slots {
    vec *at;
    int64_t taken;
    int64_t period;   /* ages that differ by a multiple of it use the slots in the same way; 1 at first */
    bool announced;   /* `start` asks memory for what the next bar will read and write */
    int64_t entering; /* bars that enter after `start`; one alone may enter again from the state before it */
} slots;

/* Something in the slots begins anew every `size` bars; counts only while they are measured. */
INLINE void slots_turn(slots *all, int64_t size)
{
    if (all->at != NULL) {
        return;
    }
    int64_t a = all->period, b = size;
    while (b != 0) {
        int64_t rest = a % b;
        a = b;
        b = rest;
    }
    all->period = all->period / a * size;
}

INLINE void slots_announce(const slots *all, const vec *taken, int64_t next)
{
    if (all->announced) {
        __builtin_prefetch(taken + next, 1);
    }
}

INLINE vec *slots_take(slots *all, int64_t count)
{
    vec *first = all->at == NULL ? NULL : all->at + all->taken;
    all->taken += count;
    return first;
}

#endif
