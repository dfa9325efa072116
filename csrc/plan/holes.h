/* Kernels over inputs that are not finite. */
#ifndef ZA_PLAN_HOLES_H
#define ZA_PLAN_HOLES_H

#include "plan/tile_inside.h"

/* Runs a block of a kernel whose inputs may hold values that are not finite. False when a recursive kernel met such a
 * value in a tile of several lanes, at a bar that others have. */
bool za_tile_run_kernel(za_tile *tile, const za_node *node, za_step *step, za_kernel_block *block);

#endif
