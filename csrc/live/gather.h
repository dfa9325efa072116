/* Tickers that have come equally far are brought together in live tiles. */
#ifndef ZA_LIVE_GATHER_H
#define ZA_LIVE_GATHER_H

#include "live/live_inside.h"
#include "pool/pool.h"

/* In stretches where enough of them have moved, tickers of one number of bars share tiles again, and tiles without
 * tickers go. False without memory: then some are left as they are. */
bool za_live_gather(za_live *live, za_pool *pool);

#endif
