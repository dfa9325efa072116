/* States that begin with the bars which the store has. */
#ifndef ZA_LIVE_START_H
#define ZA_LIVE_START_H

#include "live/live_inside.h"
#include "pool/pool.h"

/* A ticker without states, and its bars, of which there is one at least. */
typedef struct za_live_newcomer {
    int32_t row;
    uint64_t sequence; /* of the store, when the view was taken */
    za_view view;
} za_live_newcomer;

/* Makes states of their bars, those of one length side by side. On failure each of them has states or none. ZA_OK,
 * ZA_NO_MEMORY or ZA_EXPIRED. The order of `newcomers` changes. */
za_code za_live_start(za_live *live, za_pool *pool, int64_t deadline_ns, za_live_newcomer *newcomers, size_t count);

#endif
