#include "pool/wait.h"

#include <pthread.h>
#include <stdatomic.h>

#include "base/clock.h"

enum { BRIEF_NS = 50000 };

/* Submitted in the job's stead. */
typedef struct za_waiter {
    za_job job; /* first */
    za_job *waited;
    pthread_mutex_t mutex;
    pthread_cond_t ended;
    atomic_bool done; /* written under mutex */
} za_waiter;

static void run_waited(za_job *job, size_t begin, size_t end, za_scratch *scratch)
{
    za_waiter *waiter = (za_waiter *)(void *)job;
    waiter->waited->run(waiter->waited, begin, end, scratch);
}

static void wake(za_job *job)
{
    za_waiter *waiter = (za_waiter *)(void *)job;
    pthread_mutex_lock(&waiter->mutex);
    waiter->done = true;
    pthread_cond_signal(&waiter->ended);
    pthread_mutex_unlock(&waiter->mutex);
}

/* What other threads have begun is over in less time than it takes to sleep and to be woken, as a rule. */
static void watch(const za_waiter *waiter)
{
    int64_t end = za_clock_ns() + BRIEF_NS;
    while (!atomic_load_explicit(&waiter->done, memory_order_relaxed) && za_clock_ns() < end) {
    }
}

/* True when the job was run; by the calling thread too, if it is shared. */
static bool run_on_pool(za_pool *pool, za_job *job)
{
    za_waiter waiter = {.job = {.run = run_waited,
                                .done = wake,
                                .count = job->count,
                                .grain = job->grain,
                                .urgency = job->urgency,
                                .shared = job->shared,
                                .deadline_ns = job->deadline_ns},
                        .waited = job,
                        .mutex = PTHREAD_MUTEX_INITIALIZER,
                        .ended = PTHREAD_COND_INITIALIZER};
    if (za_pool_submit(pool, &waiter.job, NULL) != ZA_OK) {
        return false;
    }
    if (job->shared) {
        za_pool_help(pool, &waiter.job);
        watch(&waiter);
    }
    pthread_mutex_lock(&waiter.mutex);
    while (!waiter.done) {
        pthread_cond_wait(&waiter.ended, &waiter.mutex);
    }
    pthread_mutex_unlock(&waiter.mutex);
    job->code = waiter.job.code;
    return true;
}

void za_pool_wait(za_pool *pool, za_job *job)
{
    if (pool == NULL || !run_on_pool(pool, job)) {
        za_scratch scratch = {0};
        job->run(job, 0, job->count, &scratch);
        za_scratch_free(&scratch);
    }
}

void za_pool_share(za_pool *pool, za_job *job)
{
    job->shared = true;
    za_pool_wait(job->count > job->grain ? pool : NULL, job);
}
