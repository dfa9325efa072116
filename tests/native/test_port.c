/* The port and its notifier: one wake-up a burst, order, closing, orphans, stopping, work on offer. The notifier is the
 * process's one; its ports are looked for on this thread where nothing needs another. */
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "check.h"
#include "gate.h"
#include "pool/port.h"

enum { BURST = 100 };

typedef struct item {
    za_completion completion; /* first: ports hand back a pointer to it */
    int number;
} item;

static void post_items(za_port *port, item *items, int first, int last)
{
    for (int i = first; i < last; i++) {
        items[i].number = i;
        za_port_post(port, &items[i].completion);
    }
}

/* Whether the list holds the numbers first, first + 1, ... last - 1. */
static bool holds(const za_completion *list, int first, int last)
{
    for (; list != NULL && first < last; list = list->next, first++) {
        if (((const item *)(const void *)list)->number != first) {
            return false;
        }
    }
    return list == NULL && first == last;
}

/* Of the ports that wait for the notifier, the next one; there must be one. */
static za_port *next_woken(void)
{
    za_port *port = NULL;
    za_completion *orphans = NULL;
    CHECK(za_notifier_wait(0, &port, &orphans) && port != NULL && orphans == NULL);
    za_port_release(port); /* the caller's own reference keeps it */
    return port;
}

/* The orphans, which come when no port waits. */
static za_completion *next_orphans(void)
{
    za_port *port = NULL;
    za_completion *orphans = NULL;
    CHECK(za_notifier_wait(0, &port, &orphans) && port == NULL && orphans != NULL);
    return orphans;
}

static void test_order_and_owner(void)
{
    item items[BURST];
    int owner;
    za_port *port = za_port_new(-1, &owner);
    CHECK(za_port_owner(port) == &owner && za_port_take(port) == NULL);
    post_items(port, items, 0, 60);
    CHECK(holds(za_port_take(port), 0, 60) && za_port_take(port) == NULL);
    post_items(port, items, 60, BURST);
    CHECK(next_woken() == port);
    CHECK(holds(za_port_take(port), 60, BURST));
    za_port_release(port);
    za_port_release(NULL);
}

/* That a port is not in the list shows in the one behind it being next. */
static void test_one_wake_a_burst(void)
{
    item items[BURST], other_items[3];
    za_port *port = za_port_new(-1, NULL), *other = za_port_new(-1, NULL);
    post_items(port, items, 0, 50);
    CHECK(next_woken() == port);
    post_items(port, items, 50, BURST); /* woken, and has not taken yet */
    post_items(other, other_items, 0, 1);
    CHECK(next_woken() == other);
    CHECK(holds(za_port_take(port), 0, BURST));
    post_items(port, items, 0, 1);
    CHECK(holds(za_port_take(other), 0, 1));
    post_items(other, other_items, 1, 3);
    CHECK(next_woken() == port && next_woken() == other);
    CHECK(holds(za_port_take(port), 0, 1) && holds(za_port_take(other), 1, 3));
    za_port_release(port);
    za_port_release(other);
}

/* Taken before the notifier came to it: it is in the list once, and its list may be empty. */
static void test_taken_early(void)
{
    item items[2], other_items[1];
    za_port *port = za_port_new(-1, NULL), *other = za_port_new(-1, NULL);
    post_items(port, items, 0, 1);
    CHECK(holds(za_port_take(port), 0, 1));
    post_items(port, items, 1, 2);
    post_items(other, other_items, 0, 1);
    CHECK(next_woken() == port && next_woken() == other);
    CHECK(holds(za_port_take(port), 1, 2) && holds(za_port_take(other), 0, 1));
    za_port_release(port);
    za_port_release(other);
}

/* Nothing happens: no longer than it was told, and again. */
static void test_wait_with_a_limit(void)
{
    za_port *port = (za_port *)1;
    za_completion *orphans = (za_completion *)1;
    for (int i = 0; i < 2; i++) {
        int64_t until = za_clock_ns() + 20000000;
        CHECK(za_notifier_wait(until, &port, &orphans) && port == NULL && orphans == NULL);
        CHECK(za_clock_ns() >= until);
    }
}

/* The notifier's list and za_notifier_wait hold references of their own. */
static void test_references(void)
{
    item items[1];
    za_port *port = za_port_new(-1, items), *woken = NULL;
    za_completion *orphans;
    za_port_retain(port);
    post_items(port, items, 0, 1);
    za_port_release(port);
    za_port_release(port);
    CHECK(za_notifier_wait(0, &woken, &orphans) && woken == port && za_port_owner(woken) == items);
    CHECK(holds(za_port_take(woken), 0, 1));
    za_port_release(woken);
}

static void test_closing(void)
{
    item items[BURST], other_items[1];
    za_port *port = za_port_new(-1, NULL), *other = za_port_new(-1, NULL), *open = za_port_new(-1, NULL);
    post_items(port, items, 0, 40);
    za_port_close(port);
    CHECK(za_port_take(port) == NULL);
    za_port_close(port);
    post_items(port, items, 40, 70);
    za_port_close(other);
    post_items(other, items, 70, BURST);
    post_items(open, other_items, 0, 1);
    CHECK(next_woken() == port); /* it was woken before it was closed */
    CHECK(next_woken() == open && holds(za_port_take(open), 0, 1));
    CHECK(holds(next_orphans(), 0, BURST));
    post_items(port, items, 0, 1);
    CHECK(holds(next_orphans(), 0, 1) && za_port_take(port) == NULL);
    za_port_release(port);
    za_port_release(other);
    za_port_release(open);
}

/* What is there when the notifier is told to stop is there still when it is told to go on. */
static void test_stop(void)
{
    item items[1], orphan[1];
    za_port *port = za_port_new(-1, NULL), *closed = za_port_new(-1, NULL), *woken = port;
    za_completion *orphans = &items[0].completion;
    za_port_close(closed);
    post_items(port, items, 0, 1);
    post_items(closed, orphan, 0, 1);
    za_notifier_stop(true);
    CHECK(za_port_take(port) == NULL);
    CHECK(!za_notifier_wait(0, &woken, &orphans) && woken == NULL && orphans == NULL);
    CHECK(!za_notifier_wait(0, &woken, &orphans));
    za_notifier_stop(false);
    CHECK(next_woken() == port && holds(za_port_take(port), 0, 1) && holds(next_orphans(), 0, 1));
    za_port_release(port);
    za_port_release(closed);
}

/* Bytes that wait in the pipe. */
static int64_t read_all(int fd)
{
    char bytes[4096];
    int64_t total = 0;
    for (ssize_t count; (count = read(fd, bytes, sizeof bytes)) > 0;) {
        total += count;
    }
    return total;
}

static bool make_pipe(int ends[2])
{
    return pipe(ends) == 0 && fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0 && fcntl(ends[1], F_SETFL, O_NONBLOCK) == 0;
}

static void test_wake_by_descriptor(void)
{
    int ends[2];
    item items[BURST];
    if (!CHECK(make_pipe(ends))) {
        return;
    }
    za_port *port = za_port_new(ends[1], NULL);
    post_items(port, items, 0, BURST);
    CHECK(read_all(ends[0]) == 8);
    CHECK(holds(za_port_take(port), 0, BURST));
    post_items(port, items, 0, 1);
    CHECK(read_all(ends[0]) == 8 && holds(za_port_take(port), 0, 1));
    za_port_close(port);
    post_items(port, items, 0, 2);
    CHECK(read_all(ends[0]) == 0 && holds(next_orphans(), 0, 2));
    za_port_release(port);
    (void)close(ends[0]);
    (void)close(ends[1]);
}

/* A pipe that is full wakes its loop as it is: posting neither blocks nor fails. */
static void test_full_pipe(void)
{
    int ends[2];
    char filler[512] = {0};
    item items[2];
    if (!CHECK(make_pipe(ends))) {
        return;
    }
    while (write(ends[1], filler, sizeof filler) > 0) {
    }
    za_port *port = za_port_new(ends[1], NULL);
    post_items(port, items, 0, 2);
    CHECK(holds(za_port_take(port), 0, 2));
    za_port_release(port);
    (void)close(ends[0]);
    (void)close(ends[1]);
}

/* What a notifier thread saw, in the order in which it saw it. */
typedef struct watcher {
    pthread_t thread;
    atomic_int ports, orphan_calls, items;
    atomic_bool ended;
} watcher;

static void count_items(watcher *w, const za_completion *list)
{
    int count = 0;
    for (; list != NULL; list = list->next) {
        count++;
    }
    atomic_fetch_add(&w->items, count);
}

static void *watch(void *argument)
{
    watcher *w = argument;
    za_port *port;
    za_completion *orphans;
    while (za_notifier_wait(0, &port, &orphans)) {
        atomic_fetch_add(port != NULL ? &w->ports : &w->orphan_calls, 1);
        count_items(w, port != NULL ? za_port_take(port) : orphans);
        za_port_release(port);
    }
    atomic_store(&w->ended, true);
    return NULL;
}

static void await_items(watcher *w, int count)
{
    while (atomic_load(&w->items) < count) {
        rest(100000);
    }
    CHECK(atomic_load(&w->items) == count);
}

/* A thread that sleeps in the notifier is woken by a post, by an orphan and by the stop. */
static void test_a_sleeping_notifier(void)
{
    watcher w = {0};
    item items[3];
    za_port *port = za_port_new(-1, NULL);
    CHECK(pthread_create(&w.thread, NULL, watch, &w) == 0);
    post_items(port, items, 0, 1);
    await_items(&w, 1);
    post_items(port, items, 1, 2);
    await_items(&w, 2);
    za_port_close(port);
    post_items(port, items, 2, 3);
    await_items(&w, 3);
    CHECK(atomic_load(&w.ports) == 2 && atomic_load(&w.orphan_calls) == 1 && !atomic_load(&w.ended));
    za_notifier_stop(true);
    (void)pthread_join(w.thread, NULL);
    za_notifier_stop(false);
    za_port_release(port);
}

static pthread_t worked_on;

static void pass_and_note(void *argument)
{
    gate_pass(argument);
    worked_on = pthread_self();
}

/* Work goes to a notifier that sleeps, and to no other; what is posted meanwhile is not lost. */
static void test_offer(void)
{
    gate g = GATE_CLOSED;
    watcher w = {0};
    item items[1];
    za_port *port = za_port_new(-1, NULL);
    CHECK(!za_notifier_offer(pass_and_note, &g));
    CHECK(pthread_create(&w.thread, NULL, watch, &w) == 0);
    while (!za_notifier_offer(pass_and_note, &g)) {
        rest(100000);
    }
    gate_await(&g, 1);
    CHECK(!za_notifier_offer(pass_and_note, &g));
    post_items(port, items, 0, 1);
    CHECK(atomic_load(&w.ports) == 0);
    gate_open(&g);
    await_items(&w, 1);
    za_notifier_stop(true);
    (void)pthread_join(w.thread, NULL);
    CHECK(pthread_equal(worked_on, w.thread) && g.arrived == 1);
    za_notifier_stop(false);
    za_port_release(port);
}

/* Work that was taken is done even when the stop comes right behind it. */
static void test_offer_before_stop(void)
{
    for (int round = 0; round < 50; round++) {
        gate g = GATE_CLOSED;
        watcher w = {0};
        gate_open(&g);
        CHECK(pthread_create(&w.thread, NULL, watch, &w) == 0);
        while (!za_notifier_offer(pass_and_note, &g)) {
            rest(100000);
        }
        za_notifier_stop(true);
        (void)pthread_join(w.thread, NULL);
        CHECK(g.arrived == 1);
        za_notifier_stop(false);
    }
}

int main(void)
{
    za_memory_fail_after(0);
    CHECK(za_port_new(-1, NULL) == NULL);
    za_memory_fail_after(-1);
    test_order_and_owner();
    test_one_wake_a_burst();
    test_taken_early();
    test_wait_with_a_limit();
    test_references();
    test_closing();
    test_stop();
    test_wake_by_descriptor();
    test_full_pipe();
    test_a_sleeping_notifier();
    test_offer();
    test_offer_before_stop();
    return check_report("port");
}
