/* Tickers that have come equally far are brought together in live tiles. */
#ifndef ZA_LIVE_GATHER_H
#define ZA_LIVE_GATHER_H

#include "live/live_inside.h"
#include "pool/pool.h"

/* Where enough tickers of the stretch have moved, those of one number of bars share tiles again, and tiles without
 * tickers go. False without memory: then some are left as they are. Any thread that has the stretch to itself. */
bool za_live_gather_stretch(za_live *live, za_live_stretch *stretch);
/* The same of all stretches. */
bool za_live_gather(za_live *live, za_pool *pool);

#endif
