/* The native threads. A job is a group of `count` items that workers claim in runs of `grain`; it completes once, when
 * every item was run or given up. The threads never touch Python. */
#ifndef ZA_POOL_POOL_H
#define ZA_POOL_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

/* A worker looks for the most urgent job before each claim, so a single request waits for one claim at most. */
typedef enum za_urgency { ZA_URGENT, ZA_NORMAL, ZA_BULK, ZA_URGENCY_COUNT } za_urgency;

/* Memory that a worker keeps from claim to claim; only its own thread touches it. */
typedef struct za_scratch {
    void *block;
    size_t bytes;
} za_scratch;

/* At least `bytes`, aligned to a cache line, contents undefined; NULL without memory. */
void *za_scratch_get(za_scratch *scratch, size_t bytes);
void za_scratch_free(za_scratch *scratch);
/* The memory that a thread outside of the pool works with: one that such threads share, or `own` while another thread
 * has it. Memory that is freed with every call may go back to the system, and its pages come anew. */
za_scratch *za_scratch_borrow(za_scratch *own);
void za_scratch_give_back(za_scratch *scratch);

typedef struct za_job za_job;
typedef struct za_pool za_pool;

/* Embedded in the request it runs. The owner fills the first part and leaves the rest zero; from submit until `done` is
 * called the job belongs to the pool. */
struct za_job {
    /* Items [begin, end); any worker thread, several at once. */
    void (*run)(za_job *job, size_t begin, size_t end, za_scratch *scratch);
    /* Called exactly once, by the thread that finished or cancelled the last item, without a lock held. The job belongs
     * to the callee again, who may free it. */
    void (*done)(za_job *job);
    size_t count, grain; /* both at least 1 */
    za_urgency urgency;
    bool brief;          /* some 10 microseconds of work in all, `done` included: it may be done in passing */
    bool shared;         /* who submits it takes items too: one thread fewer is woken */
    int64_t deadline_ns; /* on za_clock_ns; 0: none */

    /* Guarded by the pool's mutex until `done`; then read by the owner: ZA_OK, ZA_CANCELLED or ZA_EXPIRED. */
    za_pool *pool;
    za_code code;
    size_t next, finished;
    bool queued;
    za_job *following, *preceding;
};

typedef struct za_pool_stats {
    int64_t threads;
    /* Jobs: submitted = completed + cancelled + expired + unfinished. */
    int64_t submitted, completed, cancelled, expired, unfinished;
    int64_t queued; /* of the unfinished: those with items that nobody has claimed */
} za_pool_stats;

/* A pool without threads: they start at the first job. NULL without memory. */
za_pool *za_pool_new(int threads);
/* From now on no job is taken: cancels what is queued, waits until every `done` was called, and joins, up to
 * `timeout_ns` in all. False: something did not end in that time; it may be waited for by another call. Any thread,
 * while others use the pool. */
bool za_pool_close(za_pool *pool, int64_t timeout_ns);
/* Closes the pool, which must be out of every other thread's sight, and frees it. False as above: then its memory is
 * left to what did not end. The pool is gone either way. */
bool za_pool_free(za_pool *pool, int64_t timeout_ns);

/* Somebody outside of the pool who may take brief jobs: `offer` returns whether it will call work(argument) once. */
typedef bool za_pool_offer(void (*work)(void *), void *argument);

/* From now on a brief job, submitted while nothing is queued, is offered there before it is queued. NULL: no more. */
void za_pool_set_offer(za_pool *pool, za_pool_offer *offer);

/* Takes the job. ZA_SYSTEM when no thread could be started or the pool is closing: then the job was not taken and
 * `done` is not called. */
za_code za_pool_submit(za_pool *pool, za_job *job, za_error *error);
/* Runs items of a job that was submitted, on the calling thread, until all are claimed. Its memory is there until then,
 * whether or not it is done. */
void za_pool_help(za_pool *pool, za_job *job);
/* Gives up the items that nobody has claimed. `done` may be called inside, if nothing was running. A job that was
 * submitted and is done already is left alone, as long as its memory is there. */
void za_pool_cancel(za_pool *pool, za_job *job);
/* Waits until no job is queued or running; false after `timeout_ns`. New jobs are still taken. */
bool za_pool_drain(za_pool *pool, int64_t timeout_ns);
/* Threads above the new number end after their claim; missing ones start with the next job. At least 1. */
void za_pool_resize(za_pool *pool, int threads);
za_pool_stats za_pool_stats_of(za_pool *pool);

#endif
