/* All live tiles, some at a time, on the pool where there are many. */
#ifndef ZA_LIVE_PASS_H
#define ZA_LIVE_PASS_H

#include "live/live_inside.h"
#include "pool/pool.h"

typedef struct za_live_pass {
    za_job job; /* first; `run` and `grain` are its user's */
    za_live *live;
    atomic_bool out_of_memory;
    atomic_int_fast64_t loose, loose_went_on; /* tiles of one lane or with free ones; those of them with new bars */
} za_live_pass;

/* Runs the job over the numbers of all tiles, and counts what tickers have moved by it. ZA_OK, ZA_NO_MEMORY,
 * ZA_EXPIRED, or what the pool says when it closes. */
za_code za_live_pass_run(za_live_pass *pass, za_pool *pool, int64_t deadline_ns);

#endif
