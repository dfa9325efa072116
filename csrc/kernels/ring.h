/* The last values of a series as they came. There is one slot more than values are read, so that a bar never writes
 * where it reads: the same bar may enter again from the state before it. */
#ifndef ZA_KERNELS_RING_H
#define ZA_KERNELS_RING_H

#include "kernels/slots.h"

typedef struct ring {
    vec *values; /* [size] */
    int64_t size, next;
} ring;

/* A ring that reads back to `reach` values before the last one; `entered` values have been before. */
INLINE ring ring_at(double reach, int64_t entered, slots *all)
{
    int64_t size = (int64_t)reach + 1;
    slots_turn(all, size);
    ring r = {slots_take(all, size), size, entered % size};
    slots_announce(all, r.values, r.next);
    slots_announce(all, r.values, r.next + 1 == size ? 0 : r.next + 1);
    return r;
}

INLINE void ring_enter(ring *r, vec x)
{
    r->values[r->next] = x;
    r->next = r->next + 1 == r->size ? 0 : r->next + 1;
}

/* The value `reach` bars before the last one that entered. */
INLINE vec ring_oldest(const ring *r)
{
    return r->values[r->next];
}

#endif
