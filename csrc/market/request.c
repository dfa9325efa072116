#include "market/request.h"

#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "market/correlation.h"
#include "pool/wait.h"
#include "store/breadth.h"

/* Lists up to this long count as urgent, beyond the second as bulk. */
enum { URGENT_COUNT = 64, BULK_COUNT = 4096 };

/* Up to so many symbols, of so many bars altogether and with so many others to be looked at for the breadth, are brief
 * work: each of the three is a few microseconds. */
enum { BRIEF_COUNT = 8, BRIEF_BARS = BRIEF_COUNT * 512, BRIEF_CHANGES = 32 };

int za_request_width(za_request_kind kind)
{
    return kind == ZA_REQUEST_PAPER ? (int)ZA_PAPER_COUNT : (int)ZA_FEATURE_COUNT;
}

static bool is_market(za_symbol symbol)
{
    return za_symbol_is_index(symbol) || (symbol.length == 3 && memcmp(symbol.text, "SPY", 3) == 0);
}

/* 1 for the market itself. Without returns of SPY to compare with: 0.7, or 0 of fewer than 20 bars. */
static double spy_correlation(const za_request *request, size_t at, const za_rows *rows)
{
    static const za_symbol spy = {"SPY", 3};
    enum { LEAST_BARS = 20 };
    if (is_market(request->run.tickers.symbols[at])) {
        return 1.0;
    }
    za_view other = za_store_view(request->run.tickers.store, spy);
    double correlation = za_correlation_of_returns(rows, &other.rows);
    za_view_release(&other);
    return !isnan(correlation) ? correlation : rows->count >= LEAST_BARS ? 0.7 : 0.0;
}

/* Everything about one symbol that is not a result of the plan. */
static void answer(za_run *run, size_t at, const za_view *view)
{
    za_request *request = (za_request *)(void *)run;
    za_answer *answer = &request->answers[at];
    answer->bars = view->rows.count;
    if (answer->bars < run->least) {
        return;
    }
    answer->last = za_rows_bar(&view->rows, answer->bars - 1);
    answer->last.naive = view->naive;
    if (request->kind == ZA_REQUEST_PAPER) {
        answer->row[ZA_PAPER_spy_correlation] = spy_correlation(request, at, &view->rows);
    } else if (request->kind == ZA_REQUEST_SIGNALS) {
        answer->decision = za_rules_decide(&request->rules, answer->row);
    }
}

/* Judges by what there may be at most, since looking for what there is would be work itself. */
static bool is_brief(const za_request *request)
{
    const za_store *store = request->run.tickers.store;
    return request->run.count <= BRIEF_COUNT &&
           (int64_t)request->run.count * za_store_options_of(store).capacity <= BRIEF_BARS &&
           (request->kind != ZA_REQUEST_FEATURES || za_store_changes(store) <= BRIEF_CHANGES);
}

/* Answers, and behind them their rows. */
static bool make_answers(za_request *request)
{
    za_run *run = &request->run;
    size_t width = (size_t)za_plan_output_count(run->plan), row_bytes = width * sizeof(double);
    request->answers = za_alloc_zeroed(run->count, sizeof *request->answers + row_bytes);
    if (request->answers == NULL) {
        return false;
    }
    run->values = (double *)(void *)(request->answers + run->count);
    run->rows = 1;
    run->step = (int64_t)width;
    for (size_t i = 0; i < run->count; i++) {
        request->answers[i].row = run->values + i * width;
    }
    return true;
}

za_code za_request_init(za_request *request, za_error *error)
{
    za_run *run = &request->run;
    if (!make_answers(request)) {
        return za_fail_memory(error);
    }
    run->last = true;
    run->least = request->kind == ZA_REQUEST_PAPER ? 1 : ZA_FEATURE_BARS;
    run->visit = answer;
    request->asked_ns = za_clock_utc_ns();
    za_code code = za_run_init(run, error);
    run->job.brief = is_brief(request);
    run->job.urgency = run->count <= URGENT_COUNT ? ZA_URGENT : run->count <= BULK_COUNT ? ZA_NORMAL : ZA_BULK;
    return code;
}

za_code za_request_finish(za_request *request, za_error *error)
{
    za_run *run = &request->run;
    request->ended_ns = za_clock_ns();
    za_code code = za_run_finish(run, error);
    if (code == ZA_OK && request->kind == ZA_REQUEST_FEATURES) {
        double vix = za_store_vix(run->tickers.store), breadth = za_store_breadth(run->tickers.store);
        for (size_t i = 0; i < run->count; i++) {
            request->answers[i].row[ZA_FEATURE_vix_level] = vix;
            request->answers[i].row[ZA_FEATURE_breadth_50dma] = breadth;
        }
    }
    return code;
}

za_code za_request_wait(za_request *request, za_pool *pool, za_error *error)
{
    za_pool_wait(request->run.count > URGENT_COUNT ? pool : NULL, &request->run.job);
    return za_request_finish(request, error);
}

void za_request_release(za_request *request)
{
    za_free(request->answers);
    request->answers = NULL;
}
