#include "pool/wait.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "base/clock.h"

enum { BRIEF_NS = 50000, LOOK_NS = 50000000, FREE_LOOKS = 8, SECOND_NS = 1000000000 };

static _Thread_local za_watch *watch_here;
static atomic_bool all_over;

za_watch *za_watch_set(za_watch *watch)
{
    za_watch *before = watch_here;
    watch_here = watch;
    return before;
}

bool za_watch_look(void)
{
    za_watch *watch = watch_here;
    if (atomic_load_explicit(&all_over, memory_order_relaxed)) {
        return true;
    }
    if (watch == NULL || watch->over) {
        return watch != NULL;
    }
    if (watch->next_ns == 0 && watch->looks++ < FREE_LOOKS) {
        return false; /* short work ends before the clock is read */
    }
    int64_t now = za_clock_ns();
    bool due = watch->next_ns != 0 && now >= watch->next_ns;
    if (due) {
        watch_here = NULL; /* whoever is asked may wait for jobs of his own */
        watch->over = watch->is_over(watch);
        watch_here = watch;
    }
    if (due || watch->next_ns == 0) {
        watch->next_ns = za_clock_ns() + LOOK_NS;
    }
    return watch->over;
}

void za_watch_end_all(bool over)
{
    all_over = over;
}

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
    if (za_watch_look()) { /* of the thread that waits: others have none */
        za_pool_cancel(job->pool, job);
    }
}

static void wake(za_job *job)
{
    za_waiter *waiter = (za_waiter *)(void *)job;
    pthread_mutex_lock(&waiter->mutex);
    waiter->done = true;
    pthread_cond_signal(&waiter->ended);
    pthread_mutex_unlock(&waiter->mutex);
}

/* Work that other threads have begun is over, as a rule, in less time than it takes to sleep and to be woken. */
static void watch(const za_waiter *waiter)
{
    int64_t end = za_clock_ns() + BRIEF_NS;
    while (!atomic_load_explicit(&waiter->done, memory_order_relaxed) && za_clock_ns() < end) {
    }
}

/* A look at the watch now and then; the lock is not held meanwhile. */
static void wait_and_look(za_pool *pool, za_waiter *waiter)
{
    int64_t moment_ns = za_clock_ns() + LOOK_NS;
    struct timespec moment = {.tv_sec = (time_t)(moment_ns / SECOND_NS), .tv_nsec = (long)(moment_ns % SECOND_NS)};
    if (pthread_cond_timedwait(&waiter->ended, &waiter->mutex, &moment) == ETIMEDOUT) {
        pthread_mutex_unlock(&waiter->mutex);
        watch_here->next_ns = moment_ns; /* which is over */
        if (za_watch_look()) {
            za_pool_cancel(pool, &waiter->job);
        }
        pthread_mutex_lock(&waiter->mutex);
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
                        .mutex = PTHREAD_MUTEX_INITIALIZER};
    pthread_condattr_t attributes;
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&waiter.ended, &attributes);
    (void)pthread_condattr_destroy(&attributes);
    if (za_pool_submit(pool, &waiter.job, NULL) != ZA_OK) {
        return false;
    }
    if (job->shared) {
        za_pool_help(pool, &waiter.job);
        watch(&waiter);
    }
    pthread_mutex_lock(&waiter.mutex);
    while (!waiter.done) {
        if (watch_here == NULL || watch_here->over) {
            pthread_cond_wait(&waiter.ended, &waiter.mutex);
        } else {
            wait_and_look(pool, &waiter);
        }
    }
    pthread_mutex_unlock(&waiter.mutex);
    (void)pthread_cond_destroy(&waiter.ended);
    job->code = waiter.job.code;
    return true;
}

void za_pool_wait(za_pool *pool, za_job *job)
{
    if (pool == NULL || !run_on_pool(pool, job)) {
        za_scratch own = {0}, *scratch = za_scratch_borrow(&own);
        job->run(job, 0, job->count, scratch);
        za_scratch_give_back(scratch);
    }
}

void za_pool_share(za_pool *pool, za_job *job)
{
    job->shared = true;
    za_pool_wait(job->count > job->grain ? pool : NULL, job);
}
