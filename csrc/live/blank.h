/* Live states of tickers that have no bars yet. */
#ifndef ZA_LIVE_BLANK_H
#define ZA_LIVE_BLANK_H

#include "live/tile.h"
#include "pool/pool.h"

/* All lanes of the tile are as before the first bar. False without memory, which is lent by `scratch`. */
bool za_live_tile_blank(za_live_tile *tile, const za_live_layout *layout, za_scratch *scratch);

#endif
