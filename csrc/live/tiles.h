/* The list of live tiles. */
#ifndef ZA_LIVE_TILES_H
#define ZA_LIVE_TILES_H

#include "live/live_inside.h"

/* Room for `count` more tiles; false without memory. */
bool za_live_reserve_tiles(za_live *live, int64_t count);
/* The tile goes into the list, which owns it from now on and has room; its tickers know where they are. */
void za_live_add_tile(za_live *live, const za_live_tile *tile);
/* Tiles that were born while the list could not grow go into it; false without memory: then they wait. */
bool za_live_adopt_tiles(za_live *live);
/* The tickers of the tile in that place know where they are. */
void za_live_place_tile(za_live *live, int64_t at);
/* The ticker of that lane leaves for a tile of its own, the last of the list. `states` has room for those of one lane.
 * False without memory: then nothing has changed. */
bool za_live_leave(za_live *live, int64_t at, int lane, double *states);
/* What is pending of the tile becomes its tickers' own progress. */
void za_live_settle(za_live *live, za_live_tile *tile);

#endif
