/* The kernels of a plan in live tiles. */
#ifndef ZA_LIVE_KERNELS_H
#define ZA_LIVE_KERNELS_H

#include "live/batch.h"

/* Bar number `bar` enters the kernel `node` in all tiles of the batch. */
void za_live_run_kernel(const za_live_batch *batch, int node, int64_t bar);

#endif
