/* Everything at once for some seconds: requests posted back to ports that close in flight, over a store that changes
 * under them, cancelled at any moment, on a pool that changes its size. Each request comes back exactly once. */
#include <pthread.h>

#include "bars_sample.h"
#include "base/clock.h"
#include "base/memory.h"
#include "check.h"
#include "gate.h"
#include "market_sample.h"
#include "pool/port.h"
#include "store/breadth.h"

enum {
    NAMES = 120,
    MOST_ASKED = 240, /* of which half are asked for twice */
    CAPACITY = 64,
    LOOPS = 4,
    PRODUCERS = 3,
    WRITERS = 2,
    IN_FLIGHT = 32, /* of each producer */
    ROUNDS = 4
};

static const int64_t second = 1000000000, round_ns = 600000000;

/* A request on its way. Two hold it, the producer and the way back, and others for a moment. */
typedef struct errand {
    za_request request; /* first: the pool hands back a pointer to its job, which is first there */
    za_completion completion;
    za_port *port; /* a reference */
    atomic_int holders, done, taken;
    za_code code;
} errand;

static struct {
    za_store *store;
    za_pool *pool;
    za_plan *features, *paper;
    char texts[NAMES][NAME_ROOM];
    za_symbol symbols[MOST_ASKED];
    pthread_mutex_t mutex;                 /* guards the two below */
    za_port *ports[LOOPS];                 /* a closed one is replaced */
    errand *errands[PRODUCERS][IN_FLIGHT]; /* the producer's reference */
    atomic_bool producers_stop, others_stop;
    atomic_long submitted, taken, orphaned, by_code[ZA_SYSTEM + 1];
} stage = {.mutex = PTHREAD_MUTEX_INITIALIZER};

/* A thread of the stage. */
typedef struct actor {
    pthread_t thread;
    int number;
    uint64_t dice;
} actor;

static void nap(uint64_t *dice)
{
    rest((int64_t)roll(dice, 200000));
}

static void let_go(errand *e)
{
    if (e != NULL && atomic_fetch_sub(&e->holders, 1) == 1) {
        CHECK(atomic_load(&e->done) == 1 && atomic_load(&e->taken) == 1);
        za_port_release(e->port);
        za_request_release(&e->request);
        za_free(e);
    }
}

static void errand_done(za_job *job)
{
    errand *e = (errand *)(void *)job;
    CHECK(atomic_fetch_add(&e->done, 1) == 0);
    e->code = za_request_finish(&e->request, NULL);
    za_port_post(e->port, &e->completion);
}

/* Whatever changed meanwhile, an answer is of one moment. */
static void check_answers(const errand *e)
{
    for (size_t i = 0; i < e->request.run.job.count; i++) {
        const za_answer *answer = &e->request.answers[i];
        CHECK(answer->bars >= 0 && answer->bars <= CAPACITY);
        if (e->request.kind != ZA_REQUEST_PAPER && answer->bars >= ZA_FEATURE_BARS) {
            CHECK(answer->row[ZA_FEATURE_close] == answer->last.figure[ZA_FIGURE_CLOSE]);
        }
    }
}

/* What a loop's thread does with what it took; the number of them. */
static long dispose(za_completion *list)
{
    long count = 0;
    while (list != NULL) {
        errand *e = (errand *)(void *)((char *)list - offsetof(errand, completion));
        list = list->next;
        CHECK(atomic_fetch_add(&e->taken, 1) == 0);
        if (e->code == ZA_OK) {
            check_answers(e);
        }
        atomic_fetch_add(&stage.by_code[e->code], 1);
        let_go(e);
        count++;
    }
    atomic_fetch_add(&stage.taken, count);
    return count;
}

static void *notify(void *unused)
{
    za_port *port;
    za_completion *orphans;
    (void)unused;
    while (za_notifier_wait(0, &port, &orphans)) {
        if (port == NULL) {
            atomic_fetch_add(&stage.orphaned, dispose(orphans));
        } else {
            (void)dispose(za_port_take(port));
        }
        za_port_release(port);
    }
    return NULL;
}

/* A port of the stage, with a reference. */
static za_port *some_port(uint64_t *dice)
{
    pthread_mutex_lock(&stage.mutex);
    za_port *port = stage.ports[roll(dice, LOOPS)];
    za_port_retain(port);
    pthread_mutex_unlock(&stage.mutex);
    return port;
}

static errand *new_errand(uint64_t *dice)
{
    static const size_t most[] = {1, 8, 64, MOST_ASKED};
    errand *e = za_alloc_zeroed(1, sizeof *e);
    if (e != NULL) {
        size_t count = 1 + roll(dice, most[roll(dice, 4)]);
        const za_symbol *symbols = stage.symbols + roll(dice, MOST_ASKED - count + 1);
        za_request_kind kind = (za_request_kind)roll(dice, 3);
        e->request =
            sample_request(kind, kind == ZA_REQUEST_PAPER ? stage.paper : stage.features, stage.store, symbols, count);
        CHECK(za_request_init(&e->request, NULL) == ZA_OK);
        e->request.run.job.done = errand_done;
        e->request.run.job.urgency = (za_urgency)roll(dice, ZA_URGENCY_COUNT);
        e->request.run.job.deadline_ns = roll(dice, 5) == 0 ? za_clock_ns() + (int64_t)roll(dice, 1000000) : 0;
        e->port = some_port(dice);
        atomic_init(&e->holders, 2);
    }
    return e;
}

/* Puts a new errand, or NULL, in the producer's place; what stood there before may still be on its way. */
static errand *replace_errand(int producer, int place, errand *e)
{
    pthread_mutex_lock(&stage.mutex);
    errand *before = stage.errands[producer][place];
    stage.errands[producer][place] = e;
    pthread_mutex_unlock(&stage.mutex);
    return before;
}

static void *produce(void *argument)
{
    actor *self = argument;
    for (int place = 0; !atomic_load(&stage.producers_stop); place = (place + 1) % IN_FLIGHT) {
        errand *before = replace_errand(self->number, place, NULL), *e = new_errand(&self->dice);
        while (before != NULL && atomic_load(&before->taken) == 0) {
            nap(&self->dice);
        }
        let_go(before);
        if (CHECK(e != NULL && za_pool_submit(stage.pool, &e->request.run.job, NULL) == ZA_OK)) {
            atomic_fetch_add(&stage.submitted, 1);
            (void)replace_errand(self->number, place, e);
        }
        if (roll(&self->dice, 8) == 0) {
            nap(&self->dice);
        }
    }
    return NULL;
}

static void *cancel(void *argument)
{
    actor *self = argument;
    while (!atomic_load(&stage.producers_stop)) {
        uint64_t producer = roll(&self->dice, PRODUCERS), place = roll(&self->dice, IN_FLIGHT);
        pthread_mutex_lock(&stage.mutex);
        errand *e = stage.errands[producer][place];
        if (e != NULL) {
            atomic_fetch_add(&e->holders, 1);
        }
        pthread_mutex_unlock(&stage.mutex);
        if (e != NULL) {
            za_pool_cancel(stage.pool, &e->request.run.job);
            let_go(e);
        }
        nap(&self->dice);
    }
    return NULL;
}

/* Closes a port as a loop does that ends, and opens another in its place. */
static void replace_port(uint64_t *dice)
{
    za_port *fresh = za_port_new(-1, NULL);
    uint64_t at = roll(dice, LOOPS);
    pthread_mutex_lock(&stage.mutex);
    za_port *closed = stage.ports[at];
    stage.ports[at] = fresh;
    pthread_mutex_unlock(&stage.mutex);
    za_port_close(closed);
    za_port_release(closed);
}

/* Loops that take of their own accord, end, and a pool that is told to grow and shrink. */
static void *disturb(void *argument)
{
    actor *self = argument;
    while (!atomic_load(&stage.producers_stop)) {
        za_port *port = some_port(&self->dice);
        (void)dispose(za_port_take(port));
        za_port_release(port);
        if (roll(&self->dice, 4) == 0) {
            replace_port(&self->dice);
        }
        if (roll(&self->dice, 8) == 0) {
            za_pool_resize(stage.pool, 1 + (int)roll(&self->dice, 4));
        }
        CHECK(za_pool_stats_of(stage.pool).unfinished >= 0);
        nap(&self->dice);
    }
    return NULL;
}

static void load_some(uint64_t *dice, za_symbol symbol, int64_t now)
{
    za_bar bars[CAPACITY];
    int64_t count = 1 + (int64_t)roll(dice, CAPACITY);
    for (int64_t i = 0; i < count; i++) {
        bars[i] = bar_at(now - count + i);
    }
    CHECK(load_bars(stage.store, symbol, bars, count, NULL, NULL) == ZA_OK);
}

/* The times of two writers cross, so that a bar may replace another or come too late. */
static void append_some(uint64_t *dice, size_t name, int64_t now)
{
    za_bar bars[NAMES];
    size_t count = roll(dice, 16) == 0 ? NAMES - name : 1;
    for (size_t i = 0; i < count; i++) {
        bars[i] = bar_at(now);
    }
    za_code code = za_store_append_all(stage.store, stage.symbols + name, bars, count, NULL);
    CHECK(code == ZA_OK || code == ZA_BAD_VALUE);
}

static void *write_bars(void *argument)
{
    actor *self = argument;
    for (int64_t now = 1000; !atomic_load(&stage.others_stop); now += (int64_t)roll(&self->dice, 3)) {
        size_t name = roll(&self->dice, NAMES);
        uint64_t what = roll(&self->dice, 1000);
        if (what == 0) {
            za_store_clear(stage.store);
        } else if (what < 20) {
            (void)za_store_drop(stage.store, stage.symbols[name]);
        } else if (what < 300) {
            load_some(&self->dice, stage.symbols[name], now);
        } else {
            append_some(&self->dice, name, now);
        }
        if (roll(&self->dice, 32) == 0) {
            double breadth = za_store_breadth(stage.store);
            CHECK(isnan(breadth) || (breadth >= 0 && breadth <= 100));
            nap(&self->dice);
        }
    }
    return NULL;
}

static void start(actor *actors, int count, void *(*act)(void *), uint64_t *dice)
{
    for (int i = 0; i < count; i++) {
        actors[i].number = i;
        actors[i].dice = *dice += 1000;
        CHECK(pthread_create(&actors[i].thread, NULL, act, &actors[i]) == 0);
    }
}

static void join(const actor *actors, int count)
{
    for (int i = 0; i < count; i++) {
        (void)pthread_join(actors[i].thread, NULL);
    }
}

static void await_the_last(void)
{
    while (atomic_load(&stage.taken) < atomic_load(&stage.submitted)) {
        rest(100000);
    }
}

/* What the pool counted, and what came back with each code, since `before`. */
static void check_stats(const long *before)
{
    za_pool_stats stats = za_pool_stats_of(stage.pool);
    await_the_last();
    CHECK(stats.unfinished == 0 && stats.queued == 0);
    CHECK(stats.submitted == stats.completed + stats.cancelled + stats.expired);
    CHECK(stats.completed == atomic_load(&stage.by_code[ZA_OK]) - before[ZA_OK]);
    CHECK(stats.cancelled == atomic_load(&stage.by_code[ZA_CANCELLED]) - before[ZA_CANCELLED]);
    CHECK(stats.expired == atomic_load(&stage.by_code[ZA_EXPIRED]) - before[ZA_EXPIRED]);
}

static void let_everything_go(void)
{
    for (int i = 0; i < PRODUCERS * IN_FLIGHT; i++) {
        let_go(replace_errand(i / IN_FLIGHT, i % IN_FLIGHT, NULL));
    }
}

/* One pool's life, at whose end the queue is worked off, or cancelled. */
static void play(uint64_t *dice, bool drained)
{
    actor producers[PRODUCERS], others[2];
    long before[ZA_SYSTEM + 1];
    for (int code = 0; code <= ZA_SYSTEM; code++) {
        before[code] = atomic_load(&stage.by_code[code]);
    }
    stage.pool = za_pool_new(2);
    za_pool_set_offer(stage.pool, za_notifier_offer);
    atomic_store(&stage.producers_stop, false);
    start(producers, PRODUCERS, produce, dice);
    start(&others[0], 1, cancel, dice);
    start(&others[1], 1, disturb, dice);
    rest(round_ns);
    atomic_store(&stage.producers_stop, true);
    join(producers, PRODUCERS);
    join(others, 2);
    if (drained) {
        CHECK(za_pool_drain(stage.pool, 60 * second));
        check_stats(before);
    }
    CHECK(za_pool_free(stage.pool, 60 * second));
    await_the_last();
    let_everything_go();
}

static void set_stage(void)
{
    stage.store = store_of(CAPACITY);
    stage.features = market_plan();
    stage.paper = paper_plan();
    for (int i = 0; i < MOST_ASKED; i++) {
        int name = i % NAMES;
        stage.symbols[i] = name == 0   ? symbol_of("SPY")
                           : name == 1 ? symbol_of("^VIX")
                                       : numbered(stage.texts[name], name);
    }
    for (int i = 0; i < LOOPS; i++) {
        stage.ports[i] = za_port_new(-1, NULL);
    }
}

static void clear_stage(void)
{
    for (int i = 0; i < LOOPS; i++) {
        za_port_close(stage.ports[i]);
        za_port_release(stage.ports[i]);
    }
    za_notifier_stop(true);
}

int main(void)
{
    uint64_t dice = 2024;
    actor notifier, writers[WRITERS];
    set_stage();
    start(&notifier, 1, notify, &dice);
    start(writers, WRITERS, write_bars, &dice);
    for (int i = 0; i < ROUNDS; i++) {
        play(&dice, i % 2 == 0);
    }
    atomic_store(&stage.others_stop, true);
    join(writers, WRITERS);
    clear_stage();
    join(&notifier, 1);
    za_store_free(stage.store);
    za_plan_free(stage.features);
    za_plan_free(stage.paper);
    long submitted = atomic_load(&stage.submitted);
    CHECK(submitted == atomic_load(&stage.taken) && submitted > 0);
    (void)printf("stress: %ld requests: %ld answered, %ld cancelled, %ld expired; %ld came to closed ports\n",
                 submitted, atomic_load(&stage.by_code[ZA_OK]), atomic_load(&stage.by_code[ZA_CANCELLED]),
                 atomic_load(&stage.by_code[ZA_EXPIRED]), atomic_load(&stage.orphaned));
    return check_report("stress");
}
