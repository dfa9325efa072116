/* A job that the calling thread shares with the pool. */
#include <stdatomic.h>
#include <time.h>

#include "check.h"
#include "gate.h"
#include "pool/wait.h"

enum { ITEMS = 50 };
static const int64_t second = 1000000000;

typedef struct task {
    za_job job; /* first: the pool hands back a pointer to it */
    atomic_int runs[ITEMS];
    gate *gate; /* NULL, or what items that are not the calling thread's pass through */
    pthread_t caller;
} task;

static void run(za_job *job, size_t begin, size_t end, za_scratch *scratch)
{
    task *t = (task *)(void *)job;
    (void)scratch;
    if (t->gate != NULL && !pthread_equal(pthread_self(), t->caller)) {
        gate_pass(t->gate);
    }
    for (size_t i = begin; i < end; i++) {
        atomic_fetch_add(&t->runs[i], 1);
    }
}

static void check_shared(za_pool *pool)
{
    task t = {.job = {.run = run, .count = ITEMS, .grain = 3}, .caller = pthread_self()};
    za_pool_share(pool, &t.job);
    for (int i = 0; i < ITEMS; i++) {
        CHECK(atomic_load(&t.runs[i]) == 1);
    }
}

static void test_every_item_once(void)
{
    za_pool *pool = za_pool_new(3);
    for (int round = 0; round < 200; round++) {
        check_shared(pool);
    }
    CHECK(za_pool_drain(pool, 10 * second));
    za_pool_stats stats = za_pool_stats_of(pool);
    CHECK(stats.completed == stats.submitted && stats.cancelled == 0);
    CHECK(za_pool_close(pool, 10 * second));
    check_shared(pool); /* which takes no job any more */
    check_shared(NULL);
    CHECK(za_pool_free(pool, 10 * second));
}

static void done(za_job *job)
{
    (void)job;
}

/* The pool's only thread is held by another job: nobody waits for it. */
static void test_a_busy_pool_is_not_waited_for(void)
{
    gate g = GATE_CLOSED;
    za_pool *pool = za_pool_new(1);
    task other = {.job = {.run = run, .done = done, .count = 1, .grain = 1}, .gate = &g, .caller = pthread_self()};
    CHECK(za_pool_submit(pool, &other.job, NULL) == ZA_OK);
    gate_await(&g, 1);
    check_shared(pool);
    gate_open(&g);
    CHECK(za_pool_free(pool, 10 * second));
}

/* Some items take so long that the thread looks at its watch, which says that nobody waits any more. */
static void run_slowly(za_job *job, size_t begin, size_t end, za_scratch *scratch)
{
    struct timespec pause = {.tv_nsec = 30000000};
    (void)nanosleep(&pause, NULL);
    run(job, begin, end, scratch);
}

static bool say_it_is_over(za_watch *watch)
{
    (void)watch;
    check_shared(NULL); /* asks nobody */
    return true;
}

static void check_watched(za_pool *pool, void (*wait)(za_pool *pool, za_job *job))
{
    za_watch watch = {.is_over = say_it_is_over};
    task t = {.job = {.run = run_slowly, .count = ITEMS, .grain = 1}, .caller = pthread_self()};
    CHECK(za_watch_set(&watch) == NULL);
    wait(pool, &t.job);
    CHECK(za_watch_look() && za_watch_set(NULL) == &watch && !za_watch_look());
    int runs = 0;
    for (int i = 0; i < ITEMS; i++) {
        runs += atomic_load(&t.runs[i]);
    }
    CHECK(watch.over && t.job.code == ZA_CANCELLED && runs > 0 && runs < ITEMS);
}

static void test_a_watch_ends_the_wait(void)
{
    za_pool *pool = za_pool_new(2);
    check_watched(pool, za_pool_share);
    check_watched(pool, za_pool_wait);
    CHECK(za_pool_drain(pool, 10 * second));
    check_shared(pool);
    CHECK(za_pool_free(pool, 10 * second));
}

int main(void)
{
    test_a_watch_ends_the_wait();
    test_every_item_once();
    test_a_busy_pool_is_not_waited_for();
    return check_report("share");
}
