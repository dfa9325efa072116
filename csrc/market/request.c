#include "market/request.h"

#include <string.h>

#include "base/clock.h"
#include "pool/wait.h"

/* Symbols a claim: some 50 microseconds of work at most, and enough of equal length to fill the lanes. */
enum { GRAIN = 64 };

/* Lists up to this long count as urgent, beyond the second as bulk. */
enum { URGENT_COUNT = GRAIN, BULK_COUNT = 4096 };

/* Up to so many symbols, of so many bars altogether and with so many others to be looked at for the breadth, are brief
 * work: each of the three is a few microseconds. */
enum { BRIEF_COUNT = 8, BRIEF_BARS = BRIEF_COUNT * 512, BRIEF_CHANGES = 32 };

/* A claim's symbols, ordered by number of bars so that equals stand together. */
typedef struct za_claim {
    za_request *request;
    size_t begin;
    int count;
    int order[GRAIN];
    za_view views[GRAIN];
    za_view spy; /* of a paper request */
    za_scratch *scratch;
} za_claim;

static void order_by_bars(za_claim *claim)
{
    for (int i = 0; i < claim->count; i++) {
        int64_t bars = claim->views[i].rows.count;
        int at = i;
        for (; at > 0 && claim->views[claim->order[at - 1]].rows.count > bars; at--) {
            claim->order[at] = claim->order[at - 1];
        }
        claim->order[at] = i;
    }
}

static bool is_market(za_symbol symbol)
{
    return za_symbol_is_index(symbol) || (symbol.length == 3 && memcmp(symbol.text, "SPY", 3) == 0);
}

/* The rows of `count` symbols of the same number of bars, from position `first` of the order. */
static bool fill_tile(za_claim *claim, const za_lane_set *set, int first, int count)
{
    za_request *request = claim->request;
    za_group group = {.set = set, .count = count, .bars_per_year = za_store_options_of(request->store).bars_per_year};
    bool market[ZA_MOST_LANES];
    for (int i = 0; i < count; i++) {
        int at = claim->order[first + i];
        group.views[i] = claim->views[at];
        group.rows[i] = request->answers[claim->begin + (size_t)at].row;
        market[i] = is_market(request->symbols[claim->begin + (size_t)at]);
    }
    if (request->kind == ZA_REQUEST_PAPER) {
        return za_paper_fill(&group, market, &claim->spy, claim->scratch);
    }
    za_feature_set wanted = request->kind == ZA_REQUEST_SIGNALS ? ZA_FOR_RULES : ZA_ALL_FEATURES;
    return za_features_fill(&group, wanted, claim->scratch);
}

/* A run of symbols of the same number of bars, cut into tiles. A single one runs with one lane; from two on a tile with
 * lanes to spare is the faster. */
static bool fill_run(za_claim *claim, int first, int count)
{
    const za_lane_set *wide = za_lane_set_widest(), *one = za_lane_set_one();
    bool filled = true;
    for (int done = 0; filled && done < count;) {
        const za_lane_set *set = count - done > 1 ? wide : one;
        int take = count - done < set->lanes ? count - done : set->lanes;
        filled = fill_tile(claim, set, first + done, take);
        done += take;
    }
    return filled;
}

/* Everything about one symbol that needs no row. */
static void answer_plainly(za_answer *answer, const za_view *view)
{
    memset(answer, 0, sizeof *answer);
    answer->bars = view->rows.count;
    if (answer->bars > 0) {
        answer->last = za_rows_bar(&view->rows, answer->bars - 1);
        answer->last.naive = view->naive;
    }
}

static bool fill_rows(za_claim *claim, int64_t least_bars)
{
    bool filled = true;
    order_by_bars(claim);
    for (int first = 0, last; filled && first < claim->count; first = last) {
        int64_t bars = claim->views[claim->order[first]].rows.count;
        for (last = first + 1; last < claim->count; last++) {
            if (claim->views[claim->order[last]].rows.count != bars) {
                break;
            }
        }
        filled = bars < least_bars || fill_run(claim, first, last - first);
    }
    return filled;
}

static void decide(za_claim *claim)
{
    za_request *request = claim->request;
    for (int i = 0; i < claim->count; i++) {
        za_answer *answer = &request->answers[claim->begin + (size_t)i];
        if (answer->bars >= ZA_FEATURE_BARS) {
            answer->decision = za_rules_decide(&request->rules, answer->row);
        }
    }
}

static void run_claim(za_request *request, size_t begin, int count, za_scratch *scratch)
{
    static const za_symbol spy = {"SPY", 3};
    za_claim claim = {.request = request, .begin = begin, .count = count, .scratch = scratch};
    bool paper = request->kind == ZA_REQUEST_PAPER;
    za_store_views(request->store, request->symbols + begin, (size_t)count, claim.views);
    if (paper) {
        claim.spy = za_store_view(request->store, spy);
    }
    for (int i = 0; i < count; i++) {
        answer_plainly(&request->answers[begin + (size_t)i], &claim.views[i]);
    }
    if (!fill_rows(&claim, paper ? 1 : ZA_FEATURE_BARS)) {
        atomic_store(&request->no_memory, true);
    } else if (request->kind == ZA_REQUEST_SIGNALS) {
        decide(&claim);
    }
    for (int i = 0; i < count; i++) {
        za_view_release(&claim.views[i]);
    }
    za_view_release(&claim.spy);
}

static void run(za_job *job, size_t begin, size_t end, za_scratch *scratch)
{
    za_request *request = (za_request *)(void *)job;
    if (begin == 0) {
        request->began_ns = za_clock_ns();
    }
    for (size_t at = begin; at < end; at += GRAIN) {
        run_claim(request, at, end - at < GRAIN ? (int)(end - at) : GRAIN, scratch);
    }
}

/* By what there may be at most, since looking for what there is would be work itself. */
static bool is_brief(const za_request *request)
{
    return request->count <= BRIEF_COUNT &&
           (int64_t)request->count * za_store_options_of(request->store).capacity <= BRIEF_BARS &&
           (request->kind != ZA_REQUEST_FEATURES || za_store_changes(request->store) <= BRIEF_CHANGES);
}

void za_request_init(za_request *request)
{
    size_t count = request->count;
    request->job = (za_job){.run = run,
                            .count = count,
                            .grain = GRAIN,
                            .urgency = count <= URGENT_COUNT ? ZA_URGENT
                                       : count <= BULK_COUNT ? ZA_NORMAL
                                                             : ZA_BULK,
                            .brief = is_brief(request)};
    request->asked_ns = za_clock_utc_ns();
    atomic_init(&request->no_memory, false);
}

za_code za_request_finish(za_request *request, za_error *error)
{
    request->ended_ns = za_clock_ns();
    switch (request->job.code) {
    case ZA_OK:
        break;
    case ZA_EXPIRED:
        return za_fail(error, ZA_EXPIRED, "the deadline passed before the request was done");
    default:
        return za_fail(error, request->job.code, "the request was cancelled");
    }
    if (atomic_load(&request->no_memory)) {
        return za_fail_memory(error);
    }
    if (request->kind != ZA_REQUEST_FEATURES) {
        return ZA_OK;
    }
    double vix = za_store_vix(request->store), breadth = za_store_breadth(request->store);
    for (size_t i = 0; i < request->count; i++) {
        request->answers[i].row[ZA_FEATURE_vix_level] = vix;
        request->answers[i].row[ZA_FEATURE_breadth_50dma] = breadth;
    }
    return ZA_OK;
}

za_code za_request_run(za_request *request, za_pool *pool, za_error *error)
{
    za_pool_wait(request->count > GRAIN ? pool : NULL, &request->job);
    return za_request_finish(request, error);
}
