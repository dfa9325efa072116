/* A plan of one kernel needs no buffers: columns are transposed on their way in, and results on their way out, while
 * other bars enter. */
#ifndef ZA_PLAN_DIRECT_H
#define ZA_PLAN_DIRECT_H

#include "plan/tile_inside.h"

/* The only kernel of a plan that is nothing else but columns of the bars; NULL if there is more. */
const za_node *za_direct_find(const za_plan *plan);
/* Whether tiles of that specification have blocks that are run so. */
bool za_direct_may(const za_tile_spec *spec);
/* Whether the next block, up to `*last`, is one: it ends earlier then by what is no multiple of the lanes. */
bool za_direct_fits(const za_tile *tile, int64_t *last);
/* Runs it; false if a value of the columns is not finite: the tile is to be run anew, node by node. */
bool za_direct_run(za_tile *tile, int64_t last);

#endif
