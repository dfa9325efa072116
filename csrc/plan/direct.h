/* A plan of one kernel: columns are transposed on their way in, and results on their way out, while other bars enter.
 * Its buffers are for other blocks: the last bars, lanes that end apart, what follows a hole. */
#ifndef ZA_PLAN_DIRECT_H
#define ZA_PLAN_DIRECT_H

#include "plan/tile_inside.h"

/* The only kernel of a plan that is nothing else but columns of the bars; NULL if there is more. */
const za_node *za_direct_find(const za_plan *plan);
/* Returns whether tiles of that specification have blocks that are run so. */
bool za_direct_may(const za_tile_spec *spec);
/* Returns whether the next block, up to `*last`, is one. `*last` is less then where a lane ends before, and by what is
 * no multiple of the lanes. False, too, when nobody waits for the results any more. */
bool za_direct_fits(const za_tile *tile, int64_t *last);
/* Runs it; false if a value of the columns is not finite: the tile is to be run anew, node by node. */
bool za_direct_run(za_tile *tile, int64_t last);

#endif
