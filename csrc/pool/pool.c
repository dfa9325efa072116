#include "pool/pool.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <time.h>

#include "base/clock.h"
#include "base/memory.h"
#include "pool/fork.h"

enum { MOST_THREADS = 256 };

/* A thread's place. The one that ends says so; whoever next starts threads, or frees the pool, joins it. */
typedef struct za_seat {
    za_pool *pool;
    pthread_t thread;
    enum { SEAT_FREE, SEAT_TAKEN, SEAT_ENDED } state;
} za_seat;

struct za_pool {
    za_fork_lock fork_lock; /* of the mutex */
    pthread_mutex_t mutex;  /* guards all that follows, and the lower part of every job that was submitted */
    pthread_cond_t work;    /* a job was queued, a thread is surplus, or the pool closes */
    pthread_cond_t idle;    /* nothing is queued or running any more, or a thread ended */
    za_job *head[ZA_URGENCY_COUNT], *tail[ZA_URGENCY_COUNT]; /* jobs with unclaimed items */
    int wanted, alive, waiting;                              /* threads: to have, that run, that wait for work */
    za_seat seats[MOST_THREADS];
    bool closing;
    za_pool_offer *offer;
    int given_away; /* jobs on threads that are none of the pool's */
    za_pool_stats stats;
};

void *za_scratch_get(za_scratch *scratch, size_t bytes)
{
    if (scratch->block == NULL || scratch->bytes < bytes) {
        void *block = za_alloc_aligned(bytes, 1);
        if (block == NULL) {
            return NULL;
        }
        za_free(scratch->block);
        *scratch = (za_scratch){.block = block, .bytes = bytes};
    }
    return scratch->block;
}

void za_scratch_free(za_scratch *scratch)
{
    za_free(scratch->block);
    *scratch = (za_scratch){0};
}

enum { MOST_KEPT = 4 << 20 };
static za_scratch kept;
static atomic_flag kept_is_lent = ATOMIC_FLAG_INIT;

za_scratch *za_scratch_borrow(za_scratch *own)
{
    return atomic_flag_test_and_set(&kept_is_lent) ? own : &kept;
}

void za_scratch_give_back(za_scratch *scratch)
{
    if (scratch != &kept || kept.bytes > MOST_KEPT) {
        za_scratch_free(scratch);
    }
    if (scratch == &kept) {
        atomic_flag_clear(&kept_is_lent);
    }
}

static void enqueue(za_pool *pool, za_job *job)
{
    za_job **tail = &pool->tail[job->urgency];
    job->preceding = *tail;
    job->following = NULL;
    *(*tail != NULL ? &(*tail)->following : &pool->head[job->urgency]) = job;
    *tail = job;
    job->queued = true;
    pool->stats.queued++;
}

static void dequeue(za_pool *pool, za_job *job)
{
    *(job->preceding != NULL ? &job->preceding->following : &pool->head[job->urgency]) = job->following;
    *(job->following != NULL ? &job->following->preceding : &pool->tail[job->urgency]) = job->preceding;
    job->queued = false;
    pool->stats.queued--;
}

static za_job *most_urgent(const za_pool *pool)
{
    for (int i = 0; i < ZA_URGENCY_COUNT; i++) {
        if (pool->head[i] != NULL) {
            return pool->head[i];
        }
    }
    return NULL;
}

static bool is_late(const za_job *job)
{
    return job->deadline_ns != 0 && za_clock_ns() >= job->deadline_ns;
}

/* `items` more are finished; beyond the deadline they may have been cut short. True when that was the last: then the
 * caller, without the lock, calls complete(). */
static bool finish(za_job *job, size_t items)
{
    job->code = job->code == ZA_OK && is_late(job) ? ZA_EXPIRED : job->code;
    job->finished += items;
    return job->finished == job->count;
}

/* Hands the job back to its owner, and only then counts it: a pool without unfinished jobs has called every `done`.
 * Takes the lock and keeps it. */
static void complete(za_pool *pool, za_job *job)
{
    za_code code = job->code;
    job->done(job); /* not read after this */
    pthread_mutex_lock(&pool->mutex);
    pool->stats.unfinished--;
    pool->stats.completed += code == ZA_OK;
    pool->stats.cancelled += code == ZA_CANCELLED;
    pool->stats.expired += code == ZA_EXPIRED;
    pthread_cond_broadcast(&pool->idle);
}

/* Gives up what nobody has claimed; true as for finish(). */
static bool give_up(za_pool *pool, za_job *job, za_code code)
{
    if (!job->queued) {
        return false;
    }
    size_t unclaimed = job->count - job->next;
    dequeue(pool, job);
    job->next = job->count;
    job->code = code;
    return finish(job, unclaimed);
}

/* One run of the job's items: [*begin, *end). */
static void claim(za_pool *pool, za_job *job, size_t *begin, size_t *end)
{
    size_t left = job->count - job->next;
    *begin = job->next;
    job->next += left < job->grain ? left : job->grain;
    *end = job->next;
    if (job->next == job->count) {
        dequeue(pool, job);
    }
}

/* Works on a job that has unclaimed items for one claim. Whoever waits for this processor, an event loop above all,
 * waits for one claim, not for a time slice. Holds the lock on entry and on return, not between. */
static void work_once(za_pool *pool, za_job *job, za_scratch *scratch)
{
    bool last;
    if (is_late(job)) {
        last = give_up(pool, job, ZA_EXPIRED);
    } else {
        size_t begin, end;
        claim(pool, job, &begin, &end);
        pthread_mutex_unlock(&pool->mutex);
        job->run(job, begin, end, scratch);
        (void)sched_yield();
        pthread_mutex_lock(&pool->mutex);
        last = finish(job, end - begin);
    }
    if (last) {
        pthread_mutex_unlock(&pool->mutex);
        complete(pool, job);
    }
}

static void *worker(void *argument)
{
    za_seat *seat = argument;
    za_pool *pool = seat->pool;
    za_scratch scratch = {0};
    pthread_mutex_lock(&pool->mutex);
    for (;;) {
        za_job *job = most_urgent(pool);
        if (job != NULL && pool->alive <= pool->wanted) {
            work_once(pool, job, &scratch);
        } else if (pool->closing || pool->alive > pool->wanted) {
            break;
        } else {
            pool->waiting++;
            pthread_cond_wait(&pool->work, &pool->mutex);
            pool->waiting--;
        }
    }
    za_scratch_free(&scratch);
    seat->state = SEAT_ENDED;
    pool->alive--;
    pthread_cond_signal(&pool->work); /* the signal that woke it may have been meant for another */
    pthread_cond_broadcast(&pool->idle);
    pthread_mutex_unlock(&pool->mutex);
    return NULL;
}

/* A thread that takes no signals: they are for the interpreter's threads. 0 or errno. */
static int start_thread(za_seat *seat)
{
    sigset_t all, before;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&seat->thread, NULL, worker, seat);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return failed;
}

/* Frees the seat of a thread that has left its loop: the join lasts no longer than a return. Under the lock, which an
 * ended thread has given back for good. */
static void join_ended(za_seat *seat)
{
    if (seat->state == SEAT_ENDED) {
        (void)pthread_join(seat->thread, NULL);
        seat->state = SEAT_FREE;
    }
}

/* Starts threads up to the number wanted; fewer are enough as long as there is one. 0 or errno. */
static int start_missing(za_pool *pool)
{
    for (za_seat *seat = pool->seats; pool->alive < pool->wanted; seat++) {
        join_ended(seat);
        if (seat->state == SEAT_TAKEN) {
            continue;
        }
        seat->pool = pool;
        int failed = start_thread(seat);
        if (failed != 0) {
            return pool->alive > 0 ? 0 : failed;
        }
        seat->state = SEAT_TAKEN;
        pool->alive++;
    }
    return 0;
}

za_pool *za_pool_new(int threads)
{
    za_pool *pool = za_alloc_zeroed(1, sizeof *pool);
    if (pool == NULL) {
        return NULL;
    }
    pthread_condattr_t attributes;
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_mutex_init(&pool->mutex, NULL);
    (void)pthread_cond_init(&pool->work, &attributes);
    (void)pthread_cond_init(&pool->idle, &attributes);
    (void)pthread_condattr_destroy(&attributes);
    za_pool_resize(pool, threads);
    pool->fork_lock.mutex = &pool->mutex;
    if (za_fork_list(ZA_FORK_POOL, &pool->fork_lock) != 0) {
        (void)za_pool_free(pool, 0);
        return NULL;
    }
    return pool;
}

void za_pool_set_offer(za_pool *pool, za_pool_offer *offer)
{
    pthread_mutex_lock(&pool->mutex);
    pool->offer = offer;
    pthread_mutex_unlock(&pool->mutex);
}

/* The whole job as one claim, on a thread that is none of the pool's. */
static void work_on_offered(void *argument)
{
    za_job *job = argument;
    za_scratch scratch = {0};
    job->run(job, 0, job->count, &scratch);
    za_scratch_free(&scratch);
    za_pool *pool = job->pool;
    pthread_mutex_lock(&pool->mutex);
    (void)finish(job, job->count);
    pthread_mutex_unlock(&pool->mutex);
    complete(pool, job);
    pool->given_away--;
    pthread_mutex_unlock(&pool->mutex); /* the pool is not touched after this */
}

/* Tries to give the accepted job away instead of queueing it. */
static bool give_away(za_pool *pool, za_job *job)
{
    if (pool->offer == NULL || !job->brief || most_urgent(pool) != NULL) {
        return false;
    }
    job->next = job->count; /* claimed before anybody else can begin */
    if (pool->offer(work_on_offered, job)) {
        pool->given_away++;
        return true;
    }
    job->next = 0;
    return false;
}

static void queue_and_wake(za_pool *pool, za_job *job)
{
    enqueue(pool, job);
    if (job->count > job->grain && !job->shared) {
        pthread_cond_broadcast(&pool->work);
        return;
    }
    int woken = job->shared ? pool->wanted - 1 : 1;
    for (int i = 0; i < woken && i < pool->waiting; i++) {
        pthread_cond_signal(&pool->work);
    }
}

za_code za_pool_submit(za_pool *pool, za_job *job, za_error *error)
{
    pthread_mutex_lock(&pool->mutex);
    int failed = pool->closing ? ESHUTDOWN : start_missing(pool);
    if (failed == 0) {
        job->pool = pool;
        job->code = ZA_OK;
        job->next = job->finished = 0;
        pool->stats.submitted++;
        pool->stats.unfinished++;
        if (!give_away(pool, job)) {
            queue_and_wake(pool, job);
        }
    }
    pthread_mutex_unlock(&pool->mutex);
    if (failed == 0) {
        return ZA_OK;
    }
    return failed == ESHUTDOWN ? za_fail(error, ZA_SYSTEM, "the native pool is closing")
                               : za_fail(error, ZA_SYSTEM, "no native thread could be started (errno %d)", failed);
}

void za_pool_help(za_pool *pool, za_job *job)
{
    za_scratch own = {0}, *scratch = za_scratch_borrow(&own);
    pthread_mutex_lock(&pool->mutex);
    while (job->queued) {
        work_once(pool, job, scratch);
    }
    pthread_mutex_unlock(&pool->mutex);
    za_scratch_give_back(scratch);
}

void za_pool_cancel(za_pool *pool, za_job *job)
{
    pthread_mutex_lock(&pool->mutex);
    if (give_up(pool, job, ZA_CANCELLED)) {
        pthread_mutex_unlock(&pool->mutex);
        complete(pool, job);
    }
    pthread_mutex_unlock(&pool->mutex);
}

/* Waits on `idle` until the moment; false when that has passed. */
static bool wait_until(za_pool *pool, int64_t moment_ns)
{
    struct timespec moment = {.tv_sec = (time_t)(moment_ns / 1000000000), .tv_nsec = (long)(moment_ns % 1000000000)};
    return pthread_cond_timedwait(&pool->idle, &pool->mutex, &moment) != ETIMEDOUT;
}

bool za_pool_drain(za_pool *pool, int64_t timeout_ns)
{
    int64_t moment = za_clock_ns() + timeout_ns;
    pthread_mutex_lock(&pool->mutex);
    while (pool->stats.unfinished > 0 && wait_until(pool, moment)) {
    }
    bool empty = pool->stats.unfinished == 0;
    pthread_mutex_unlock(&pool->mutex);
    return empty;
}

void za_pool_resize(za_pool *pool, int threads)
{
    pthread_mutex_lock(&pool->mutex);
    pool->wanted = threads < 1 ? 1 : threads > MOST_THREADS ? MOST_THREADS : threads;
    pthread_cond_broadcast(&pool->work);
    pthread_mutex_unlock(&pool->mutex);
}

za_pool_stats za_pool_stats_of(za_pool *pool)
{
    pthread_mutex_lock(&pool->mutex);
    za_pool_stats stats = pool->stats;
    stats.threads = pool->alive;
    pthread_mutex_unlock(&pool->mutex);
    return stats;
}

/* Returns whether nothing goes on in the pool any more, nor in the `done` of one of its jobs. */
static bool is_still(const za_pool *pool)
{
    return pool->alive + pool->given_away == 0 && pool->stats.unfinished == 0;
}

bool za_pool_close(za_pool *pool, int64_t timeout_ns)
{
    int64_t moment = za_clock_ns() + timeout_ns;
    pthread_mutex_lock(&pool->mutex);
    pool->closing = true;
    for (za_job *job = most_urgent(pool); job != NULL; job = most_urgent(pool)) {
        if (give_up(pool, job, ZA_CANCELLED)) {
            pthread_mutex_unlock(&pool->mutex);
            complete(pool, job);
        }
    }
    pthread_cond_broadcast(&pool->work);
    while (!is_still(pool) && wait_until(pool, moment)) {
    }
    bool ended = is_still(pool);
    for (za_seat *seat = pool->seats; ended && seat < pool->seats + MOST_THREADS; seat++) {
        join_ended(seat);
    }
    pthread_mutex_unlock(&pool->mutex);
    return ended;
}

bool za_pool_free(za_pool *pool, int64_t timeout_ns)
{
    bool ended = za_pool_close(pool, timeout_ns);
    if (ended) {
        za_fork_unlist(&pool->fork_lock);
        (void)pthread_cond_destroy(&pool->work);
        (void)pthread_cond_destroy(&pool->idle);
        (void)pthread_mutex_destroy(&pool->mutex);
        za_free(pool);
    }
    return ended;
}
