/* Fetches what a tile reads next, the next block of its columns or the next tile's, while its kernels compute: a bar
 * that waits for the one before leaves memory idle. */
#ifndef ZA_PLAN_AHEAD_H
#define ZA_PLAN_AHEAD_H

#include "plan/tile_inside.h"

/* A block begins that ends before bar `last`; the tile's bars end at `end`. */
void za_ahead_begin(za_tile *tile, int64_t last, int64_t end);
/* The block of the kernel of `node` fetches some of it. */
void za_ahead_share(za_tile *tile, const za_node *node, za_kernel_block *block);

#endif
