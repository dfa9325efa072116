/* A tile: as many tickers as a lane set has lanes, side by side through all the nodes of a plan, block after block of
 * bars. The states, the blocks and everything else lie in one piece of memory that the caller lends. */
#ifndef ZA_PLAN_TILE_H
#define ZA_PLAN_TILE_H

#include "plan/tile_inside.h"

/* Bytes that a tile of that specification needs, aligned to a cache line. */
size_t za_tile_bytes(const za_tile_spec *spec);
/* The tile before its first bar. `memory` is the caller's and outlives it. */
void za_tile_open(za_tile *tile, const za_tile_spec *spec, void *memory);
/* Bars up to `end` enter, and the results among them are written. False when a recursive node met a value that is not
 * finite in a tile of several lanes: they have to be computed one by one, from the beginning; or when nobody wants the
 * results any more. */
bool za_tile_run(za_tile *tile, int64_t end);

#endif
