/* A job while the calling thread waits. */
#ifndef ZA_POOL_WAIT_H
#define ZA_POOL_WAIT_H

#include "pool/pool.h"

/* Runs all items of the job: on the pool, or on the calling thread if `pool` is NULL or takes no job (it closes, or has
 * no thread). job->code says how it ended; job->done is not called. */
void za_pool_wait(za_pool *pool, za_job *job);
/* Runs the items of the job on the calling thread, which other threads of the pool help as they are free: it never
 * waits for one to begin. `pool` may be NULL. job->code is ZA_OK, or says that a pool which closes has given up items
 * that nobody had begun. job->done is not called. */
void za_pool_share(za_pool *pool, za_job *job);

#endif
