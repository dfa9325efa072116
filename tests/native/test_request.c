/* Requests: each symbol's answer, whatever stands beside it in the list and whoever computes it. */
#include "bars_sample.h"
#include "base/memory.h"
#include "market_sample.h"
#include "store/breadth.h"

enum { MOST = 70 };
static const int64_t second = 1000000000;

static za_rules chop_rules(void)
{
    static const za_rules rules = {
        .parameter =
            {
#define PARAMETER(name, value) value,
#define READS(name)
#include "market/rules.def"
#undef READS
#undef PARAMETER
            },
        .win_rate = {[ZA_MEAN_REVERSION] = {[ZA_CHOP] = .65}, [ZA_MOMENTUM] = {[ZA_CHOP] = .55}},
        .regime = ZA_CHOP,
        .allowed = 1u << ZA_MEAN_REVERSION | 1u << ZA_MOMENTUM};
    return rules;
}

/* A market of symbols of many lengths, some of them equal, around the bars that features need. */
typedef struct market {
    za_store *store;
    za_plan *features, *paper;
    char texts[MOST][NAME_ROOM];
    za_symbol symbols[MOST];
} market;

static int64_t length_of(int symbol)
{
    static const int64_t lengths[] = {50, 49, 60, 60, 0, 60, 51, 1, 80, 80, 80};
    return lengths[symbol % 11];
}

static void fill_symbol(za_store *store, za_symbol symbol, int64_t bars, uint64_t *dice)
{
    double close = 50 + (double)roll(dice, 100), drift = roll(dice, 3) == 0 ? 0.012 : roll(dice, 2) == 0 ? 0.0 : -0.012;
    for (int64_t time = 1; time <= bars; time++) {
        za_bar bar = bar_of(time, close, (double)roll(dice, 100000));
        CHECK(za_store_append(store, symbol, &bar, NULL) == ZA_OK);
        close *= 0.99 + drift + (double)roll(dice, 200) / 10000.0;
    }
}

static void open_market(market *m)
{
    uint64_t dice = 9;
    m->store = store_of(100);
    m->features = market_plan();
    m->paper = paper_plan();
    for (int i = 0; i < MOST; i++) {
        m->symbols[i] = numbered(m->texts[i], i);
        fill_symbol(m->store, m->symbols[i], length_of(i), &dice);
    }
    m->symbols[3] = symbol_of("SPY");
    fill_symbol(m->store, m->symbols[3], 60, &dice);
    m->symbols[5] = symbol_of("^VIX");
    fill_symbol(m->store, m->symbols[5], 60, &dice);
}

static void close_market(market *m)
{
    za_store_free(m->store);
    za_plan_free(m->features);
    za_plan_free(m->paper);
}

static za_plan *plan_for(const market *m, za_request_kind kind)
{
    return kind == ZA_REQUEST_PAPER ? m->paper : m->features;
}

/* Answers of symbols [first, first + count), in the request until it is released. */
static za_code answer(const market *m, za_request_kind kind, int first, int count, za_request *request)
{
    *request = sample_request(kind, plan_for(m, kind), m->store, m->symbols + first, (size_t)count);
    request->rules = chop_rules();
    return za_request_init(request, NULL) == ZA_OK ? za_request_wait(request, NULL, NULL) : ZA_NO_MEMORY;
}

/* The same by the threads of a pool. */
static za_code answer_on(za_pool *pool, const market *m, za_request_kind kind, za_request *request)
{
    *request = sample_request(kind, plan_for(m, kind), m->store, m->symbols, MOST);
    request->rules = chop_rules();
    return za_request_init(request, NULL) == ZA_OK ? za_request_wait(request, pool, NULL) : ZA_NO_MEMORY;
}

static int64_t bars_of(const market *m, int symbol)
{
    za_view view = za_store_view(m->store, m->symbols[symbol]);
    int64_t bars = view.rows.count;
    za_view_release(&view);
    return bars;
}

static bool same_answer(const za_answer *a, const za_answer *b, int width)
{
    const za_decision *x = &a->decision, *y = &b->decision;
    bool decided = x->direction == y->direction && x->agreeing == y->agreeing && x->leading == y->leading &&
                   x->confidence == y->confidence && x->stop_loss == y->stop_loss && x->take_profit == y->take_profit;
    return a->bars == b->bars && same_bar(a->last, b->last) && decided &&
           (width == 0 || memcmp(a->row, b->row, (size_t)width * sizeof *a->row) == 0);
}

/* Every symbol alone, then lists of 1 to 70 of them: the same bits. */
static void check_lists(const market *m, za_request_kind kind)
{
    za_request alone[MOST], together;
    int width = za_request_width(kind);
    for (int i = 0; i < MOST; i++) {
        CHECK(answer(m, kind, i, 1, &alone[i]) == ZA_OK);
        CHECK(alone[i].answers[0].bars == bars_of(m, i));
    }
    for (int count = 1; count <= MOST; count++) {
        int first = (MOST - count) / 2;
        CHECK(answer(m, kind, first, count, &together) == ZA_OK);
        for (int i = 0; i < count; i++) {
            CHECK(same_answer(&together.answers[i], alone[first + i].answers, width));
        }
        za_request_release(&together);
    }
    for (int i = 0; i < MOST; i++) {
        za_request_release(&alone[i]);
    }
}

static void test_lists(void)
{
    market m;
    open_market(&m);
    check_lists(&m, ZA_REQUEST_FEATURES);
    check_lists(&m, ZA_REQUEST_PAPER);
    check_lists(&m, ZA_REQUEST_SIGNALS);
    close_market(&m);
}

static void test_the_pool_answers_the_same(void)
{
    market m;
    open_market(&m);
    za_pool *pool = za_pool_new(2);
    for (int kind = ZA_REQUEST_FEATURES; kind <= ZA_REQUEST_SIGNALS; kind++) {
        za_request here, there;
        CHECK(answer(&m, (za_request_kind)kind, 0, MOST, &here) == ZA_OK);
        CHECK(answer_on(pool, &m, (za_request_kind)kind, &there) == ZA_OK);
        for (int i = 0; i < MOST; i++) {
            CHECK(same_answer(&here.answers[i], &there.answers[i], za_request_width((za_request_kind)kind)));
        }
        za_request_release(&here);
        za_request_release(&there);
    }
    CHECK(za_pool_free(pool, 10 * second));
    close_market(&m);
}

static void test_plain_part(void)
{
    market m;
    za_request r;
    open_market(&m);
    double vix = za_store_vix(m.store), breadth = za_store_breadth(m.store);
    CHECK(vix != 20 && breadth >= 0);
    CHECK(answer(&m, ZA_REQUEST_FEATURES, 0, MOST, &r) == ZA_OK);
    for (int i = 0; i < MOST; i++) {
        za_view view = za_store_view(m.store, m.symbols[i]);
        const za_answer *found = &r.answers[i];
        bool enough = view.rows.count >= ZA_FEATURE_BARS;
        CHECK(found->bars == view.rows.count && found->decision.direction == 0);
        CHECK(!enough || same_bar(found->last, za_rows_bar(&view.rows, view.rows.count - 1)));
        CHECK(found->row[ZA_FEATURE_vix_level] == vix && found->row[ZA_FEATURE_breadth_50dma] == breadth);
        CHECK(!enough || found->row[ZA_FEATURE_close] == figure_before(&view.rows, ZA_FIGURE_CLOSE, 0));
        za_view_release(&view);
    }
    za_request_release(&r);
    close_market(&m);
}

static void test_decisions(void)
{
    market m;
    za_request r;
    za_rules rules = chop_rules();
    int trades = 0;
    open_market(&m);
    CHECK(answer(&m, ZA_REQUEST_SIGNALS, 0, MOST, &r) == ZA_OK);
    for (int i = 0; i < MOST; i++) {
        za_answer wanted = r.answers[i];
        wanted.decision =
            r.answers[i].bars >= ZA_FEATURE_BARS ? za_rules_decide(&rules, r.answers[i].row) : (za_decision){0};
        CHECK(same_answer(&r.answers[i], &wanted, 0));
        trades += r.answers[i].decision.direction != 0;
    }
    CHECK(trades > 0 && trades < MOST);
    za_request_release(&r);
    close_market(&m);
}

/* SPY is that of the same store, an index is a market of its own, and a paper row needs one bar only. */
static void test_paper(void)
{
    market m;
    za_request r;
    open_market(&m);
    CHECK(answer(&m, ZA_REQUEST_PAPER, 0, MOST, &r) == ZA_OK);
    CHECK(r.answers[3].row[ZA_PAPER_spy_correlation] == 1 && r.answers[5].row[ZA_PAPER_spy_correlation] == 1);
    double with_spy = r.answers[2].row[ZA_PAPER_spy_correlation];
    CHECK(fabs(with_spy) < 1 && with_spy != 0.7);
    CHECK(r.answers[7].bars == 1 && r.answers[7].row[ZA_PAPER_rsi] == 50);
    za_request_release(&r);
    CHECK(za_store_drop(m.store, symbol_of("SPY")));
    CHECK(answer(&m, ZA_REQUEST_PAPER, 0, MOST, &r) == ZA_OK);
    CHECK(r.answers[2].row[ZA_PAPER_spy_correlation] == 0.7 && r.answers[3].bars == 0);
    za_request_release(&r);
    close_market(&m);
}

static za_job job_for(za_request_kind kind, za_store *store, size_t count)
{
    za_plan *plan = kind == ZA_REQUEST_PAPER ? paper_plan() : market_plan();
    za_request request = sample_request(kind, plan, store, NULL, count);
    CHECK(za_request_init(&request, NULL) == ZA_OK);
    za_request_release(&request);
    za_plan_free(plan);
    return request.run.job;
}

static void test_urgency(void)
{
    za_store *store = store_of(100);
    static const struct {
        size_t count;
        za_urgency urgency;
    } wanted[] = {{1, ZA_URGENT}, {64, ZA_URGENT}, {65, ZA_NORMAL}, {4096, ZA_NORMAL}, {4097, ZA_BULK}};
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        za_job job = job_for(ZA_REQUEST_PAPER, store, wanted[i].count);
        CHECK(job.urgency == wanted[i].urgency && job.count == wanted[i].count);
    }
    za_store_free(store);
}

/* Brief is what cannot be long: few symbols, of few bars, and with little to be done for the breadth. */
static void test_brief(void)
{
    static const struct {
        size_t count;
        int64_t capacity;
        bool brief;
    } wanted[] = {{1, 1, true},    {8, 512, true},   {9, 1, false},       {8, 513, false},
                  {1, 4096, true}, {1, 4097, false}, {1, 1 << 30, false}, {8, 1 << 30, false}};
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        za_store *store = store_of(wanted[i].capacity);
        for (int kind = ZA_REQUEST_FEATURES; kind <= ZA_REQUEST_SIGNALS; kind++) {
            CHECK(job_for((za_request_kind)kind, store, wanted[i].count).brief == wanted[i].brief);
        }
        za_store_free(store);
    }
}

static void test_brief_while_breadth_is_to_be_made(void)
{
    market m;
    open_market(&m); /* of more changed symbols than are looked at in passing */
    CHECK(za_store_changes(m.store) > 32);
    CHECK(!job_for(ZA_REQUEST_FEATURES, m.store, 1).brief && job_for(ZA_REQUEST_PAPER, m.store, 1).brief);
    (void)za_store_breadth(m.store);
    CHECK(za_store_changes(m.store) == 0 && job_for(ZA_REQUEST_FEATURES, m.store, 1).brief);
    uint64_t dice = 1;
    CHECK(za_store_drop(m.store, m.symbols[0]));
    fill_symbol(m.store, m.symbols[0], 2, &dice);
    CHECK(za_store_changes(m.store) == 1 && za_store_drop(m.store, m.symbols[0]) && za_store_changes(m.store) == 0);
    fill_symbol(m.store, m.symbols[0], 2, &dice);
    za_store_clear(m.store);
    CHECK(za_store_changes(m.store) == 0);
    close_market(&m);
}

static void test_one_symbol_many_times(void)
{
    market m;
    za_request r;
    open_market(&m);
    for (int i = 0; i < MOST; i++) {
        m.symbols[i] = symbol_of("S8");
    }
    CHECK(answer(&m, ZA_REQUEST_FEATURES, 0, MOST, &r) == ZA_OK);
    for (int i = 0; i < MOST; i++) {
        CHECK(r.answers[i].bars == 80 && same_answer(&r.answers[i], &r.answers[0], ZA_FEATURE_COUNT));
    }
    za_request_release(&r);
    close_market(&m);
}

static void test_an_empty_store(void)
{
    market m = {.store = store_of(4), .features = market_plan(), .paper = paper_plan()};
    za_request r;
    m.symbols[0] = symbol_of("A");
    m.symbols[1] = symbol_of("SPY");
    for (int kind = ZA_REQUEST_FEATURES; kind <= ZA_REQUEST_SIGNALS; kind++) {
        CHECK(answer(&m, (za_request_kind)kind, 0, 2, &r) == ZA_OK);
        CHECK(r.answers[0].bars == 0 && r.answers[1].bars == 0 && r.answers[1].decision.direction == 0);
        za_request_release(&r);
    }
    close_market(&m);
}

static void test_without_memory(void)
{
    market m;
    za_request r;
    open_market(&m);
    for (int kind = ZA_REQUEST_FEATURES; kind <= ZA_REQUEST_SIGNALS; kind++) {
        za_code code = ZA_NO_MEMORY;
        long refused = 0;
        for (; code == ZA_NO_MEMORY && refused < 50; refused++) {
            za_memory_fail_after(refused);
            code = answer(&m, (za_request_kind)kind, 0, MOST, &r);
            za_memory_fail_after(-1);
            za_request_release(&r);
        }
        CHECK(code == ZA_OK && refused > 1);
    }
    close_market(&m);
}

/* On the pool a worker's missing memory comes back the same way. */
static void test_pool_without_memory(void)
{
    market m;
    za_request r;
    open_market(&m);
    za_pool *pool = za_pool_new(2);
    za_memory_fail_after(1); /* the answers are there */
    CHECK(answer_on(pool, &m, ZA_REQUEST_FEATURES, &r) == ZA_NO_MEMORY);
    za_memory_fail_after(-1);
    za_request_release(&r);
    CHECK(answer_on(pool, &m, ZA_REQUEST_FEATURES, &r) == ZA_OK);
    za_request_release(&r);
    CHECK(za_pool_free(pool, 10 * second));
    close_market(&m);
}

/* The pool takes nothing any more; the caller gets its answers all the same. */
static void test_on_a_closed_pool(void)
{
    market m;
    za_request here, there;
    open_market(&m);
    za_pool *pool = za_pool_new(2);
    CHECK(za_pool_close(pool, 10 * second));
    CHECK(answer(&m, ZA_REQUEST_FEATURES, 0, MOST, &here) == ZA_OK);
    CHECK(answer_on(pool, &m, ZA_REQUEST_FEATURES, &there) == ZA_OK);
    for (int i = 0; i < MOST; i++) {
        CHECK(same_answer(&there.answers[i], &here.answers[i], ZA_FEATURE_COUNT));
    }
    za_request_release(&here);
    za_request_release(&there);
    CHECK(za_pool_free(pool, 10 * second));
    close_market(&m);
}

static void test_finish_says_why_not(void)
{
    static const struct {
        za_code code;
        const char *text;
    } wanted[] = {{ZA_EXPIRED, "deadline"}, {ZA_CANCELLED, "cancelled"}};
    for (int i = 0; i < 2; i++) {
        za_request request = {.kind = ZA_REQUEST_PAPER, .run = {.count = 1, .job.code = wanted[i].code}};
        za_error error = {0};
        CHECK(za_request_finish(&request, &error) == wanted[i].code && strstr(error.text, wanted[i].text) != NULL);
    }
}

int main(void)
{
    test_lists();
    test_the_pool_answers_the_same();
    test_plain_part();
    test_decisions();
    test_paper();
    test_urgency();
    test_brief();
    test_brief_while_breadth_is_to_be_made();
    test_one_symbol_many_times();
    test_an_empty_store();
    test_without_memory();
    test_pool_without_memory();
    test_on_a_closed_pool();
    test_finish_says_why_not();
    return check_report("request");
}
