/* Features kept current: the states of a plan for tickers of a store, which take in what was appended since. */
#ifndef ZA_LIVE_LIVE_H
#define ZA_LIVE_LIVE_H

#include "live/options.h"
#include "pool/pool.h"

/* Any thread may call what is below, in read.h and in record.h; a mutex of the states' own guards them, held
 * for a whole update. The store may change meanwhile. */

/* States that have taken in nothing. ZA_BAD_VALUE for a symbol that appears twice, and for a plan across
 * tickers. NULL on failure. */
za_live *za_live_new(const za_live_spec *spec, za_error *error);
/* No other thread may use it any more. Does nothing for NULL. */
void za_live_free(za_live *live);

/* Takes in what the store has and these states have not seen, on the pool where there is much of it; *taken is how many
 * bars. On failure each ticker is either as it was or up to date: the next update goes on from there. ZA_NO_MEMORY,
 * ZA_EXPIRED. */
za_code za_live_update(za_live *live, za_pool *pool, int64_t deadline_ns, int64_t *taken, za_error *error);

#endif
