/* The memory of a kernel beside its state: vectors that `start` hands out to windows and rings. */
#ifndef ZA_KERNELS_SLOTS_H
#define ZA_KERNELS_SLOTS_H

#include <stddef.h>

#include "kernels/lane.h"

/* `at` is NULL while `start` is only asked how many slots there will be. */
typedef struct slots {
    vec *at;
    int64_t taken;
} slots;

INLINE vec *slots_take(slots *all, int64_t count)
{
    vec *first = all->at == NULL ? NULL : all->at + all->taken;
    all->taken += count;
    return first;
}

#endif
