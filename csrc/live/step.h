/* One bar enters the states of live tiles: through the nodes of a plan in turn, each for many tiles at once. */
#ifndef ZA_LIVE_STEP_H
#define ZA_LIVE_STEP_H

#include <stdatomic.h>

#include "live/batch.h"

/* Bytes of a work. */
size_t za_live_work_bytes(const za_live_layout *layout, const za_lane_set *set);
/* `memory`, aligned to a cache line, is the caller's and outlives it. */
void za_live_work_open(za_live_work *work, const za_live_layout *layout, const za_lane_set *set, void *memory);

/* The bar in the work's columns enters each tile, and the results of it are written. `again`: it takes the place of the
 * tiles' last bar. Other threads may go on with the tiles after za_live_publish. Cannot fail. */
void za_live_step(const za_live_batch *batch, bool again);

/* Waits for what was written past the caches. */
static inline void za_live_publish(void)
{
    atomic_thread_fence(memory_order_seq_cst);
}

#endif
