/* A job while the calling thread waits. */
#ifndef ZA_POOL_WAIT_H
#define ZA_POOL_WAIT_H

#include "pool/pool.h"

/* Whom a thread asks, some twenty times a second while it waits for jobs or runs them itself, whether they are still
 * wanted. The owner fills the first part. */
typedef struct za_watch za_watch;

struct za_watch {
    /* On that thread, without a lock held, and with no watch set. True: not any more; it is not asked again. */
    bool (*is_over)(za_watch *watch);

    int64_t next_ns; /* on za_clock_ns; 0: the clock was not read yet */
    int looks;       /* until then */
    bool over;
};

/* Sets the calling thread's watch, or none, and returns the one before. The caller keeps it until it is another. */
za_watch *za_watch_set(za_watch *watch);
/* Returns whether what the calling thread waits for is not wanted any more. Costs a look at the clock; without a watch
 * less. */
bool za_watch_look(void);
/* Has every thread's look say so, that of a worker too, or no more. Any thread. */
void za_watch_end_all(bool over);

/* Runs all items of the job: on the pool, or on the calling thread if `pool` is NULL or takes no job (it closes, or has
 * no thread). job->code says how it ended; job->done is not called. Where the thread has a watch that says so, items
 * that nobody has begun are given up. */
void za_pool_wait(za_pool *pool, za_job *job);
/* Runs the items of the job on the calling thread, which other threads of the pool help as they are free: it never
 * waits for one to begin. `pool` may be NULL. job->code is ZA_OK, or says that a pool which closes, or the watch, has
 * given up items that nobody had begun. job->done is not called. */
void za_pool_share(za_pool *pool, za_job *job);

#endif
