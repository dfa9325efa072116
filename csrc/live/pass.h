/* All live tiles, a stretch at a time, on the pool where there are several. */
#ifndef ZA_LIVE_PASS_H
#define ZA_LIVE_PASS_H

#include "live/live_inside.h"
#include "pool/pool.h"

typedef struct za_live_pass {
    za_job job; /* first; `run` is its user's, whose items are the stretches */
    za_live *live;
    atomic_bool out_of_memory;
} za_live_pass;

/* Runs the job over all stretches; the calling thread takes some itself. ZA_OK, ZA_NO_MEMORY, ZA_EXPIRED, or what the
 * pool says when it closes. */
za_code za_live_pass_run(za_live_pass *pass, za_pool *pool, int64_t deadline_ns);

#endif
