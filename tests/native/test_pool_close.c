/* Closing while others are at it: threads that submit, ask, cancel and resize, and a `done` that takes its time. */
#include "base/clock.h"
#include "base/memory.h"
#include "check.h"
#include "gate.h"
#include "pool/shared_pool.h"

enum { USERS = 4 };
static const int64_t second = 1000000000;

/* A job that frees nothing and counts what becomes of it. */
typedef struct task {
    za_job job; /* first: the pool hands back a pointer to it */
    atomic_int done;
} task;

static void run(za_job *job, size_t begin, size_t end, za_scratch *scratch)
{
    (void)job;
    (void)scratch;
    CHECK(begin < end);
}

static void done(za_job *job)
{
    atomic_fetch_add(&((task *)(void *)job)->done, 1);
}

static atomic_int refused;

/* Uses the shared pool as the binding does, until it takes no more jobs, and then a little longer. */
static void *use(void *unused)
{
    (void)unused;
    for (int refusals = 0; refusals < 3;) {
        za_pool *pool = za_pool_shared();
        task t = {.job = {.run = run, .done = done, .count = 3, .grain = 1, .urgency = ZA_NORMAL}};
        bool taken = za_pool_submit(pool, &t.job, NULL) == ZA_OK;
        if (taken) {
            za_pool_cancel(pool, &t.job);
        } else {
            refusals++;
        }
        za_pool_resize(pool, 1 + refusals);
        CHECK(za_pool_stats_of(pool).unfinished >= 0);
        while (taken && atomic_load(&t.done) == 0) {
            rest(1000);
        }
        CHECK(atomic_load(&t.done) == (taken ? 1 : 0));
    }
    atomic_fetch_add(&refused, 1);
    return NULL;
}

static void test_the_shared_pool_while_it_is_used(void)
{
    pthread_t threads[USERS];
    za_pool *pool = za_pool_shared();
    CHECK(pool != NULL && za_pool_shared() == pool);
    for (int i = 0; i < USERS; i++) {
        CHECK(pthread_create(&threads[i], NULL, use, NULL) == 0);
    }
    rest(second / 100);
    CHECK(za_pool_shared_close(60 * second));
    CHECK(za_pool_shared() == pool && za_pool_shared_close(0));
    za_pool_stats stats = za_pool_stats_of(pool);
    CHECK(stats.unfinished == 0 && stats.threads == 0 && stats.submitted == stats.completed + stats.cancelled);
    for (int i = 0; i < USERS; i++) {
        (void)pthread_join(threads[i], NULL);
    }
    CHECK(atomic_load(&refused) == USERS);
}

/* A job whose `done` waits in a gate. */
typedef struct slow {
    za_job job; /* first */
    gate *gate;
} slow;

static void done_slowly(za_job *job)
{
    gate_pass(((slow *)(void *)job)->gate);
}

typedef struct cancelling {
    za_pool *pool;
    za_job *job;
} cancelling;

static void *cancel(void *argument)
{
    cancelling *c = argument;
    za_pool_cancel(c->pool, c->job);
    return NULL;
}

/* The thread that cancels is none of the pool's, but it touches the pool once more when `done` has returned. */
static void test_close_waits_for_whoever_cancels(void)
{
    gate occupied = GATE_CLOSED, leaving = GATE_CLOSED;
    za_pool *pool = za_pool_new(1);
    slow first = {.job = {.run = run, .done = done_slowly, .count = 1, .grain = 1}, .gate = &occupied};
    slow second_one = {.job = {.run = run, .done = done_slowly, .count = 1, .grain = 1}, .gate = &leaving};
    pthread_t thread;
    CHECK(za_pool_submit(pool, &first.job, NULL) == ZA_OK);
    gate_await(&occupied, 1);
    CHECK(za_pool_submit(pool, &second_one.job, NULL) == ZA_OK);
    CHECK(pthread_create(&thread, NULL, cancel, &(cancelling){pool, &second_one.job}) == 0);
    gate_await(&leaving, 1);
    gate_open(&occupied);
    CHECK(!za_pool_close(pool, second / 10));
    CHECK(za_pool_stats_of(pool).unfinished == 1);
    gate_open(&leaving);
    CHECK(za_pool_free(pool, 60 * second));
    (void)pthread_join(thread, NULL);
}

int main(void)
{
    test_close_waits_for_whoever_cancels();
    test_the_shared_pool_while_it_is_used();
    return check_report("pool_close");
}
