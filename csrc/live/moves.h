/* Tickers that leave a live tile. */
#ifndef ZA_LIVE_MOVES_H
#define ZA_LIVE_MOVES_H

#include "live/take.h"

/* The tile of the row, whose tickers have come unequally far: those that begin anew or are gone lose their states, the
 * smaller part of the others leaves for tiles of their own, and all take in their news. The tiles may move. False
 * without memory: what is left has not changed. */
bool za_live_part(za_live *live, const za_live_works *works, int32_t row);

#endif
