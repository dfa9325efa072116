/* The pool: order, cancelling, deadlines, size, end; and that every job that was taken is done exactly once. */
#include <signal.h>
#include <stdint.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "check.h"
#include "gate.h"
#include "pool/pool.h"

enum { MOST_LOGGED = 64 };
static const int64_t second = 1000000000;

/* A job that notes what becomes of it. */
typedef struct task {
    za_job job; /* first: the pool hands back a pointer to it */
    char name;
    gate *gate; /* each claim passes through it */
    atomic_int items, done;
    _Atomic za_code code;     /* as `done` found it */
    struct task *also_submit; /* by `done`, while the pool closes */
    gate *also_open;          /* by `done` */
} task;

static char order[MOST_LOGGED];
static atomic_int logged;

static void run(za_job *job, size_t begin, size_t end, za_scratch *scratch)
{
    task *t = (task *)(void *)job;
    (void)scratch;
    if (t->gate != NULL) {
        gate_pass(t->gate);
    }
    int at = atomic_fetch_add(&logged, 1);
    if (at < MOST_LOGGED) {
        order[at] = t->name;
    }
    atomic_fetch_add(&t->items, (int)(end - begin));
}

static void done(za_job *job)
{
    task *t = (task *)(void *)job;
    atomic_store(&t->code, job->code);
    if (t->also_submit != NULL) {
        CHECK(za_pool_submit(job->pool, &t->also_submit->job, NULL) == ZA_SYSTEM);
    }
    if (t->also_open != NULL) {
        gate_open(t->also_open);
    }
    atomic_fetch_add(&t->done, 1);
}

static task task_of(char name, size_t count, za_urgency urgency)
{
    return (task){.name = name,
                  .code = ZA_SYSTEM,
                  .job = {.run = run, .done = done, .count = count, .grain = 1, .urgency = urgency}};
}

static void submit(za_pool *pool, task *t)
{
    CHECK(za_pool_submit(pool, &t->job, NULL) == ZA_OK);
}

static void check_task(task *t, za_code code, int items)
{
    while (atomic_load(&t->done) == 0) {
        rest(100000);
    }
    CHECK(atomic_load(&t->done) == 1 && atomic_load(&t->code) == code && atomic_load(&t->items) == items);
}

static void check_stats(za_pool *pool, int64_t completed, int64_t cancelled, int64_t expired, int64_t unfinished)
{
    za_pool_stats stats = za_pool_stats_of(pool);
    CHECK(stats.completed == completed && stats.cancelled == cancelled && stats.expired == expired);
    CHECK(stats.unfinished == unfinished && stats.submitted == completed + cancelled + expired + unfinished);
}

enum { ITEMS = 1000 };
typedef struct sieve {
    za_job job;
    atomic_int runs[ITEMS], done;
} sieve;

static void run_sieve(za_job *job, size_t begin, size_t end, za_scratch *scratch)
{
    sieve *s = (sieve *)(void *)job;
    CHECK(begin < end && end <= ITEMS && end - begin <= job->grain && scratch != NULL);
    for (size_t i = begin; i < end; i++) {
        atomic_fetch_add(&s->runs[i], 1);
    }
}

static void done_sieve(za_job *job)
{
    atomic_fetch_add(&((sieve *)(void *)job)->done, 1);
}

static void test_every_item_once(void)
{
    za_pool *pool = za_pool_new(3);
    CHECK(za_pool_stats_of(pool).threads == 0);
    for (size_t grain = 1; grain < 2 * ITEMS; grain = grain * 3 + 1) {
        sieve s = {.job = {.run = run_sieve, .done = done_sieve, .count = ITEMS, .grain = grain}};
        CHECK(za_pool_submit(pool, &s.job, NULL) == ZA_OK);
        while (atomic_load(&s.done) == 0) {
            rest(100000);
        }
        int once = 0;
        for (int i = 0; i < ITEMS; i++) {
            once += atomic_load(&s.runs[i]) == 1;
        }
        CHECK(once == ITEMS && s.job.code == ZA_OK);
    }
    CHECK(za_pool_stats_of(pool).threads == 3);
    CHECK(za_pool_free(pool, 10 * second));
}

static void test_order_of_urgency(void)
{
    gate g = GATE_CLOSED;
    za_pool *pool = za_pool_new(1);
    task first = task_of('1', 1, ZA_BULK), bulk = task_of('b', 2, ZA_BULK), normal = task_of('n', 1, ZA_NORMAL);
    task urgent = task_of('u', 2, ZA_URGENT), later = task_of('v', 1, ZA_URGENT);
    first.gate = &g;
    atomic_store(&logged, 0);
    submit(pool, &first);
    gate_await(&g, 1);
    submit(pool, &bulk);
    submit(pool, &normal);
    submit(pool, &urgent);
    submit(pool, &later);
    CHECK(za_pool_stats_of(pool).queued == 4);
    gate_open(&g);
    CHECK(za_pool_drain(pool, 10 * second));
    CHECK(atomic_load(&logged) == 7 && memcmp(order, "1uuvnbb", 7) == 0);
    CHECK(za_pool_free(pool, 10 * second));
    check_task(&urgent, ZA_OK, 2);
}

/* A job of many claims steps aside for a more urgent one between two of them. */
static void test_urgent_between_claims(void)
{
    gate g = GATE_CLOSED;
    za_pool *pool = za_pool_new(1);
    task bulk = task_of('b', 3, ZA_BULK), urgent = task_of('u', 1, ZA_URGENT);
    bulk.gate = &g;
    atomic_store(&logged, 0);
    submit(pool, &bulk);
    gate_await(&g, 1);
    submit(pool, &urgent);
    gate_open(&g);
    CHECK(za_pool_drain(pool, 10 * second));
    CHECK(memcmp(order, "bubb", 4) == 0);
    CHECK(za_pool_free(pool, 10 * second));
}

static void test_cancel(void)
{
    gate g = GATE_CLOSED;
    za_pool *pool = za_pool_new(1);
    task running = task_of('r', 3, ZA_NORMAL), queued = task_of('q', 2, ZA_NORMAL), whole = task_of('w', 1, ZA_URGENT);
    running.gate = whole.gate = &g;
    submit(pool, &whole);
    gate_await(&g, 1);
    submit(pool, &running);
    submit(pool, &queued);
    za_pool_cancel(pool, &queued.job);
    check_task(&queued, ZA_CANCELLED, 0); /* done inside, nothing of it was running */
    za_pool_cancel(pool, &whole.job);     /* too late: all of it is claimed */
    CHECK(atomic_load(&whole.done) == 0);
    gate_open(&g);
    check_task(&whole, ZA_OK, 1);
    check_task(&running, ZA_OK, 3);
    CHECK(za_pool_free(pool, 10 * second));
}

static void test_cancel_while_running(void)
{
    gate g = GATE_CLOSED;
    za_pool *pool = za_pool_new(1);
    task t = task_of('t', 3, ZA_NORMAL);
    t.gate = &g;
    submit(pool, &t);
    gate_await(&g, 1);
    za_pool_cancel(pool, &t.job);
    za_pool_cancel(pool, &t.job);
    CHECK(atomic_load(&t.done) == 0); /* a claim still runs */
    check_stats(pool, 0, 0, 0, 1);
    gate_open(&g);
    check_task(&t, ZA_CANCELLED, 1);
    check_stats(pool, 0, 1, 0, 0);
    CHECK(za_pool_free(pool, 10 * second));
}

static void test_deadline(void)
{
    gate g = GATE_CLOSED;
    za_pool *pool = za_pool_new(1);
    task late = task_of('l', 2, ZA_NORMAL), between = task_of('b', 3, ZA_URGENT), timely = task_of('t', 2, ZA_BULK);
    late.job.deadline_ns = 1;
    between.job.deadline_ns = za_clock_ns() + second / 10;
    timely.job.deadline_ns = za_clock_ns() + 100 * second;
    between.gate = &g;
    submit(pool, &between);
    gate_await(&g, 1);
    submit(pool, &late);
    submit(pool, &timely);
    while (za_clock_ns() < between.job.deadline_ns) {
        rest(1000000);
    }
    gate_open(&g);
    check_task(&between, ZA_EXPIRED, 1);
    check_task(&late, ZA_EXPIRED, 0);
    check_task(&timely, ZA_OK, 2);
    check_stats(pool, 1, 0, 2, 0);
    CHECK(za_pool_free(pool, 10 * second));
}

static void test_drain(void)
{
    gate g = GATE_CLOSED;
    za_pool *pool = za_pool_new(2);
    task t = task_of('t', 1, ZA_NORMAL);
    t.gate = &g;
    CHECK(za_pool_drain(pool, 0));
    submit(pool, &t);
    gate_await(&g, 1);
    CHECK(!za_pool_drain(pool, 0) && !za_pool_drain(pool, second / 100));
    gate_open(&g);
    CHECK(za_pool_drain(pool, 10 * second));
    check_stats(pool, 1, 0, 0, 0);
    CHECK(za_pool_free(pool, 10 * second));
}

static void await_threads(za_pool *pool, int64_t threads)
{
    while (za_pool_stats_of(pool).threads != threads) {
        rest(100000);
    }
}

/* So many claims run at the same time. */
static void check_side_by_side(za_pool *pool, int threads)
{
    gate g = GATE_CLOSED;
    task t = task_of('t', 8, ZA_NORMAL);
    t.gate = &g;
    submit(pool, &t);
    gate_await(&g, threads);
    CHECK(za_pool_stats_of(pool).threads == threads);
    gate_open(&g);
    check_task(&t, ZA_OK, 8);
    CHECK(za_pool_drain(pool, 10 * second)); /* nobody is in the gate any more */
}

static void test_resize(void)
{
    za_pool *pool = za_pool_new(2);
    check_side_by_side(pool, 2);
    za_pool_resize(pool, 6);
    check_side_by_side(pool, 6);
    za_pool_resize(pool, 1);
    await_threads(pool, 1);
    check_side_by_side(pool, 1);
    za_pool_resize(pool, 4);
    check_side_by_side(pool, 4);
    za_pool_resize(pool, -5);
    await_threads(pool, 1);
    check_side_by_side(pool, 1);
    CHECK(za_pool_free(pool, 10 * second));
}

/* Shrunk while busy: the surplus thread leaves after its claim and the rest of the job is not forgotten. */
static void test_shrink_while_busy(void)
{
    gate g = GATE_CLOSED;
    za_pool *pool = za_pool_new(4);
    task t = task_of('t', 50, ZA_NORMAL);
    t.gate = &g;
    submit(pool, &t);
    gate_await(&g, 4);
    za_pool_resize(pool, 1);
    gate_open(&g);
    check_task(&t, ZA_OK, 50);
    await_threads(pool, 1);
    CHECK(za_pool_free(pool, 10 * second));
}

/* What is queued is cancelled at once, what runs may end; the last one cancelled lets it. */
static void test_free_with_queued_jobs(void)
{
    enum { QUEUED = 5 };
    gate g = GATE_CLOSED;
    za_pool *pool = za_pool_new(1);
    task running = task_of('r', 1, ZA_URGENT), queued[QUEUED], refused = task_of('x', 1, ZA_URGENT);
    running.gate = &g;
    submit(pool, &running);
    gate_await(&g, 1);
    for (int i = 0; i < QUEUED; i++) {
        queued[i] = task_of('q', 2, ZA_NORMAL);
        queued[i].also_open = i == QUEUED - 1 ? &g : NULL;
        queued[i].also_submit = i == 0 ? &refused : NULL;
        submit(pool, &queued[i]);
    }
    CHECK(za_pool_free(pool, 10 * second));
    check_task(&running, ZA_OK, 1);
    for (int i = 0; i < QUEUED; i++) {
        check_task(&queued[i], ZA_CANCELLED, 0);
    }
    CHECK(atomic_load(&refused.done) == 0);
}

/* A thread that does not end keeps the pool's memory, and may still end later. */
static void test_free_with_a_time_limit(void)
{
    static za_pool *left_behind;
    static gate g = GATE_CLOSED;
    static task stuck;
    if (UNDER_TSAN) {
        return; /* it rightly says that the thread left behind is never joined */
    }
    left_behind = za_pool_new(1);
    stuck = task_of('s', 2, ZA_NORMAL);
    stuck.gate = &g;
    submit(left_behind, &stuck);
    gate_await(&g, 1);
    CHECK(!za_pool_free(left_behind, second / 100));
    CHECK(atomic_load(&stuck.done) == 0);
    gate_open(&g);
    check_task(&stuck, ZA_CANCELLED, 1);
}

static void (*offered_work)(void *);
static void *offered_argument;
static bool offer_is_taken;
static int offers;

static bool offer(void (*work)(void *), void *argument)
{
    offers++;
    offered_work = work;
    offered_argument = argument;
    return offer_is_taken;
}

static task brief_task_of(char name, size_t count)
{
    task t = task_of(name, count, ZA_URGENT);
    t.job.brief = true;
    return t;
}

static void test_offer_taken(void)
{
    za_pool *pool = za_pool_new(1);
    za_pool_set_offer(pool, offer);
    offer_is_taken = true;
    offers = 0;
    task t = brief_task_of('t', 4);
    submit(pool, &t);
    CHECK(offers == 1 && atomic_load(&t.items) == 0);
    check_stats(pool, 0, 0, 0, 1);
    CHECK(za_pool_stats_of(pool).queued == 0);
    za_pool_cancel(pool, &t.job); /* too late: the taker has all of it */
    CHECK(atomic_load(&t.done) == 0 && !za_pool_drain(pool, 0));
    offered_work(offered_argument);
    check_task(&t, ZA_OK, 4);
    check_stats(pool, 1, 0, 0, 0);
    CHECK(za_pool_free(pool, 10 * second));
}

static void test_offer_refused(void)
{
    za_pool *pool = za_pool_new(1);
    za_pool_set_offer(pool, offer);
    offer_is_taken = false;
    offers = 0;
    task refused = brief_task_of('t', 4);
    submit(pool, &refused);
    check_task(&refused, ZA_OK, 4);
    CHECK(offers == 1);
    CHECK(za_pool_free(pool, 10 * second));
}

static void test_not_offered(void)
{
    gate g = GATE_CLOSED;
    za_pool *pool = za_pool_new(1);
    za_pool_set_offer(pool, offer);
    offer_is_taken = true;
    offers = 0;
    task normal = task_of('n', 1, ZA_NORMAL), large = task_of('l', 5, ZA_URGENT), behind = brief_task_of('b', 1);
    task no_more = brief_task_of('m', 1);
    normal.gate = &g;
    submit(pool, &normal);
    gate_await(&g, 1);
    submit(pool, &large);
    submit(pool, &behind); /* others are queued before it */
    gate_open(&g);
    check_task(&behind, ZA_OK, 1);
    check_task(&large, ZA_OK, 5);
    check_task(&normal, ZA_OK, 1);
    za_pool_set_offer(pool, NULL);
    submit(pool, &no_more);
    check_task(&no_more, ZA_OK, 1);
    CHECK(offers == 0);
    CHECK(za_pool_free(pool, 10 * second));
}

static void *work_later(void *unused)
{
    (void)unused;
    rest(second / 20);
    offered_work(offered_argument);
    return NULL;
}

static void test_free_waits_for_the_taker(void)
{
    za_pool *pool = za_pool_new(1);
    za_pool_set_offer(pool, offer);
    offer_is_taken = true;
    task t = brief_task_of('t', 1);
    pthread_t taker;
    submit(pool, &t);
    CHECK(pthread_create(&taker, NULL, work_later, NULL) == 0);
    CHECK(za_pool_free(pool, 10 * second));
    check_task(&t, ZA_OK, 1);
    (void)pthread_join(taker, NULL);
}

static void run_signals(za_job *job, size_t begin, size_t end, za_scratch *scratch)
{
    sigset_t blocked;
    CHECK(pthread_sigmask(SIG_BLOCK, NULL, &blocked) == 0);
    CHECK(sigismember(&blocked, SIGINT) == 1 && sigismember(&blocked, SIGTERM) == 1);
    run(job, begin, end, scratch);
}

static void test_workers_take_no_signals(void)
{
    sigset_t before, after;
    za_pool *pool = za_pool_new(1);
    task t = task_of('t', 1, ZA_NORMAL);
    t.job.run = run_signals;
    (void)pthread_sigmask(SIG_BLOCK, NULL, &before);
    submit(pool, &t);
    (void)pthread_sigmask(SIG_BLOCK, NULL, &after);
    CHECK(sigismember(&before, SIGINT) == sigismember(&after, SIGINT));
    check_task(&t, ZA_OK, 1);
    CHECK(za_pool_free(pool, 10 * second));
}

static void test_scratch(void)
{
    za_scratch scratch = {0};
    char *block = za_scratch_get(&scratch, 100);
    CHECK(block != NULL && (uintptr_t)block % ZA_CACHE_LINE == 0);
    memset(block, 'x', 100);
    CHECK(za_scratch_get(&scratch, 1) == block);
    za_memory_fail_after(0);
    CHECK(za_scratch_get(&scratch, 1000) == NULL && za_pool_new(1) == NULL);
    za_memory_fail_after(-1);
    CHECK(za_scratch_get(&scratch, 100) == block && block[99] == 'x');
    CHECK(za_scratch_get(&scratch, 1000) != NULL && scratch.bytes == 1000);
    za_scratch_free(&scratch);
    za_scratch_free(&scratch);
}

int main(void)
{
    test_every_item_once();
    test_order_of_urgency();
    test_urgent_between_claims();
    test_cancel();
    test_cancel_while_running();
    test_deadline();
    test_drain();
    test_resize();
    test_shrink_while_busy();
    test_free_with_queued_jobs();
    test_free_with_a_time_limit();
    test_offer_taken();
    test_offer_refused();
    test_not_offered();
    test_free_waits_for_the_taker();
    test_workers_take_no_signals();
    test_scratch();
    return check_report("pool");
}
