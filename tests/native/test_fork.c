/* A fork at any moment: the child has no threads, yet every lock is free, the stores are whole and a new pool works. */
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bars_sample.h"
#include "base/clock.h"
#include "check.h"
#include "gate.h"
#include "market_sample.h"
#include "pool/fork.h"
#include "pool/port.h"
#include "pool/shared_pool.h"

enum { NAMES = 200, BARS = 60, FORKS = 40, CHILD_SECONDS = 20 };
static const int64_t second = 1000000000;

typedef struct busy {
    za_store *store;
    char texts[NAMES][NAME_ROOM];
    za_symbol symbols[NAMES];
    za_plan *plan;
    za_port *port;
    atomic_bool stop;
} busy;

static bool request_works(busy *b, za_pool *pool)
{
    za_request request = sample_request(ZA_REQUEST_FEATURES, b->plan, b->store, b->symbols, NAMES);
    bool works = za_request_init(&request, NULL) == ZA_OK && za_request_wait(&request, pool, NULL) == ZA_OK &&
                 request.answers[NAMES - 1].bars == BARS;
    za_request_release(&request);
    return works;
}

static void *keep_asking(void *argument)
{
    busy *b = argument;
    while (!atomic_load(&b->stop)) {
        CHECK(request_works(b, za_pool_shared()));
    }
    return NULL;
}

static void *keep_appending(void *argument)
{
    busy *b = argument;
    for (int64_t time = BARS + 1; !atomic_load(&b->stop); time++) {
        za_bar bar = bar_at(time);
        for (int i = 0; i < NAMES; i++) {
            CHECK(za_store_append(b->store, b->symbols[i], &bar, NULL) == ZA_OK);
        }
    }
    return NULL;
}

static void *keep_posting(void *argument)
{
    busy *b = argument;
    za_completion completion, *orphans;
    za_port *woken;
    while (!atomic_load(&b->stop)) {
        za_port_post(b->port, &completion);
        CHECK(za_notifier_wait(0, &woken, &orphans) && woken == b->port && za_port_take(woken) == &completion);
        za_port_release(woken);
    }
    return NULL;
}

/* What a child checks; its exit status. */
static int child(busy *b)
{
    za_completion completion, *orphans;
    za_port *woken = NULL;
    (void)alarm(CHILD_SECONDS); /* a lock that stayed taken would hang it */
    if (!append_at(b->store, "child", 1) || !shows(b->store, "child", 1, 1) || za_store_length(b->store) != NAMES + 1) {
        return 3;
    }
    if (!request_works(b, za_pool_shared()) || !za_pool_shared_close(10 * second)) {
        return 4;
    }
    if (b->port != NULL) {
        za_port_close(b->port); /* the parent's, whose threads may be posting to it */
    }
    za_port *port = za_port_new(-1, NULL);
    za_port_post(port, &completion);
    if (!za_notifier_wait(0, &woken, &orphans) || woken != port || za_port_take(port) != &completion) {
        return 5;
    }
    return 0;
}

static void fork_once(busy *b)
{
    int status = -1;
    pid_t process = fork();
    if (process == 0) {
        _exit(child(b));
    }
    CHECK(process > 0 && waitpid(process, &status, 0) == process);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void open_store(busy *b)
{
    b->plan = market_plan();
    b->store = store_of(BARS);
    for (int i = 0; i < NAMES; i++) {
        b->symbols[i] = numbered(b->texts[i], i);
        for (int64_t time = 1; time <= BARS; time++) {
            CHECK(append_at(b->store, b->texts[i], time));
        }
    }
}

/* Threads of the pool that wait, and nothing under way. */
static void test_fork_at_rest(busy *b)
{
    CHECK(request_works(b, za_pool_shared()));
    fork_once(b);
    CHECK(request_works(b, za_pool_shared()));
}

/* Before anything but a store is there to ask for the guard. */
static void test_fork_under_a_store_alone(busy *b)
{
    pthread_t appender;
    CHECK(pthread_create(&appender, NULL, keep_appending, b) == 0);
    for (int i = 0; i < FORKS; i++) {
        fork_once(b);
    }
    atomic_store(&b->stop, true);
    (void)pthread_join(appender, NULL);
    atomic_store(&b->stop, false);
}

static void test_fork_while_busy(busy *b)
{
    static void *(*const work[])(void *) = {keep_asking, keep_asking, keep_appending, keep_posting};
    enum { THREADS = sizeof work / sizeof *work };
    pthread_t threads[THREADS];
    za_store_clear(b->store);
    za_store_free(b->store);
    za_plan_free(b->plan);
    open_store(b);
    b->port = za_port_new(-1, NULL);
    for (int i = 0; i < THREADS; i++) {
        CHECK(pthread_create(&threads[i], NULL, work[i], b) == 0);
    }
    for (int i = 0; i < FORKS; i++) {
        fork_once(b);
    }
    atomic_store(&b->stop, true);
    for (int i = 0; i < THREADS; i++) {
        (void)pthread_join(threads[i], NULL);
    }
    za_port_release(b->port);
    CHECK(request_works(b, za_pool_shared()));
    CHECK(za_pool_shared_close(10 * second));
}

int main(void)
{
    static busy b;
    open_store(&b);
    /* ThreadSanitizer does not follow a process of many threads into its child. AddressSanitizer does, but the locks of
     * its allocator are as the other threads left them: a child must not allocate if they were allocating. */
    if (!UNDER_TSAN && !UNDER_ASAN) {
        test_fork_under_a_store_alone(&b);
    }
    if (!UNDER_TSAN) {
        test_fork_at_rest(&b);
    }
    if (!UNDER_TSAN && !UNDER_ASAN) {
        test_fork_while_busy(&b);
    }
    za_store_free(b.store);
    za_plan_free(b.plan);
    return check_report("fork");
}
