/* Signals of the past: the last bar's are those of now, and no allocation is missed when it fails. */
#include "bars_sample.h"
#include "base/memory.h"
#include "market/signal_history.h"
#include "market_sample.h"
#include "plan/pin.h"
#include "pool/wait.h"
#include "store/breadth.h"

enum { TICKERS = 40, BARS = 90 };

static const za_feature rule_features[] = {
#define PARAMETER(name, initial)
#define READS(name) ZA_FEATURE_##name,
#include "market/rules.def"
#undef READS
#undef PARAMETER
};
enum { WIDTH = sizeof rule_features / sizeof *rule_features };

typedef struct past {
    za_store *store;
    za_plan *tickers, *market;
    char texts[TICKERS][NAME_ROOM];
    za_symbol symbols[TICKERS];
    za_signal_history history;
    za_run run;
    int64_t *times, bars[TICKERS];
} past;

static void open_past(past *p)
{
    uint64_t dice = 5;
    p->store = store_of(BARS);
    p->tickers = plan_of_features(rule_features, WIDTH);
    p->market = plan_of_features((const za_feature[]){ZA_FEATURE_rsi_14, ZA_FEATURE_slope_20d}, ZA_MARKET_WIDTH);
    for (int i = 0; i < TICKERS; i++) {
        p->symbols[i] = i == 0 ? symbol_of("SPY") : i == 1 ? symbol_of("^VIX") : numbered(p->texts[i], i);
        double close = 100;
        for (int64_t time = i % 7 * 5; time < BARS; time++) {
            za_bar bar = bar_of(time, close, 1000);
            CHECK(za_store_append(p->store, p->symbols[i], &bar, NULL) == ZA_OK);
            close *= 0.97 + (double)roll(&dice, 60) / 1000;
        }
    }
}

static void close_past(past *p)
{
    za_store_free(p->store);
    za_plan_free(p->tickers);
    za_plan_free(p->market);
}

static void ask(past *p)
{
    static const za_rules rules = {.parameter =
                                       {
#define PARAMETER(name, value) value,
#define READS(name)
#include "market/rules.def"
#undef READS
#undef PARAMETER
                                       },
                                   .win_rate = {{.6, .6, .6, .6}, {.7, .7, .7, .7}},
                                   .allowed = 1u << ZA_MEAN_REVERSION | 1u << ZA_MOMENTUM};
    p->history = (za_signal_history){.rules = rules,
                                     .thresholds = {1e6, -3, 40, 60, 0},
                                     .market_plan = p->market,
                                     .market_figures = figures_of_columns,
                                     .store = p->store,
                                     .market = symbol_of("SPY"),
                                     .volatility = {symbol_of("^VIX")},
                                     .assumed_volatility = 20};
    p->run = (za_run){.plan = p->tickers,
                      .count = TICKERS,
                      .tickers = {.store = p->store, .symbols = p->symbols, .columns = figures_of_columns},
                      .least = ZA_FEATURE_BARS,
                      .visit = za_signal_history_visit,
                      .visitor = &p->history,
                      .bars = p->bars};
}

static za_code compute(past *p)
{
    za_run *run = &p->run;
    za_error error;
    za_code code = za_run_pin(run, INT64_MIN, INT64_MAX, &error);
    code = code == ZA_OK ? za_signal_history_pin(&p->history, &error) : code;
    if (code != ZA_OK) {
        return code;
    }
    za_pool_wait(NULL, &p->history.breadth.job);
    code = za_signal_history_prepare(&p->history, &error);
    if (code != ZA_OK) {
        return code;
    }
    run->values = za_alloc((size_t)run->rows, ZA_SIGNAL_COLUMN_COUNT * sizeof *run->values);
    run->times = za_alloc((size_t)run->rows, sizeof *run->times);
    if (run->values == NULL || run->times == NULL) {
        return ZA_NO_MEMORY;
    }
    code = za_run_init(run, &error);
    return code == ZA_OK ? za_run_wait(run, NULL, &error) : code;
}

static void let_go(past *p)
{
    za_free(p->run.values);
    za_free(p->run.times);
    za_run_release(&p->run);
    za_signal_history_release(&p->history);
}

static double value_of(const past *p, za_signal_column column, int64_t row)
{
    return p->run.values[column * p->run.rows + row];
}

static void test_the_last_bar_has_the_signal_of_now(void)
{
    past p;
    int64_t trades = 0;
    open_past(&p);
    ask(&p);
    CHECK(compute(&p) == ZA_OK);
    za_plan *all = market_plan();
    za_request now = sample_request(ZA_REQUEST_SIGNALS, all, p.store, p.symbols, TICKERS);
    now.rules = p.history.rules;
    now.rules.regime = (za_regime)value_of(&p, ZA_SIGNAL_regime, p.bars[0] - 1);
    CHECK(za_request_init(&now, NULL) == ZA_OK && za_request_wait(&now, NULL, NULL) == ZA_OK);
    for (int i = 0; i < TICKERS; i++) {
        int64_t row = p.run.row[i] + p.bars[i] - 1;
        const za_decision *decision = &now.answers[i].decision;
        CHECK(value_of(&p, ZA_SIGNAL_breadth_50dma, row) == za_store_breadth(p.store));
        CHECK(value_of(&p, ZA_SIGNAL_vix_level, row) == za_store_vix(p.store));
        CHECK(value_of(&p, ZA_SIGNAL_direction, row) == decision->direction);
        CHECK(decision->direction == 0 || value_of(&p, ZA_SIGNAL_confidence, row) == decision->confidence);
        CHECK(isnan(value_of(&p, ZA_SIGNAL_direction, p.run.row[i])));
    }
    for (int64_t row = 0; row < p.run.rows; row++) {
        trades += fabs(value_of(&p, ZA_SIGNAL_direction, row)) == 1;
    }
    CHECK(trades > 0 && trades < p.run.rows);
    za_request_release(&now);
    za_plan_free(all);
    let_go(&p);
    close_past(&p);
}

static void test_bars_that_come_after_the_question_have_no_part_in_the_breadth(void)
{
    past p;
    open_past(&p);
    ask(&p);
    za_breadth_history *breadth = &p.history.breadth;
    breadth->store = p.store;
    CHECK(za_breadth_history_init(breadth, NULL) == ZA_OK);
    double asked = za_store_breadth(p.store);
    za_bar later = bar_of(BARS, 1e-3, 1000); /* below every average */
    for (int i = 0; i < TICKERS; i++) {
        CHECK(za_store_append(p.store, p.symbols[i], &later, NULL) == ZA_OK);
    }
    za_pool_wait(NULL, &breadth->job);
    CHECK(za_breadth_history_merge(breadth, NULL) == ZA_OK);
    CHECK(breadth->times[breadth->steps - 1] < later.time);
    CHECK(breadth->percent[breadth->steps - 1] == asked && asked > 0 && za_store_breadth(p.store) == 0);
    let_go(&p);
    close_past(&p);
}

static void test_every_allocation_may_fail(void)
{
    past p;
    za_code code = ZA_NO_MEMORY;
    long failed = 0;
    open_past(&p);
    for (; code != ZA_OK && failed < 10000; failed++) {
        ask(&p);
        za_memory_fail_after(failed);
        code = compute(&p);
        za_memory_fail_after(-1);
        CHECK(code == ZA_OK || code == ZA_NO_MEMORY);
        let_go(&p);
    }
    CHECK(code == ZA_OK && failed > 10);
    close_past(&p);
}

int main(void)
{
    test_the_last_bar_has_the_signal_of_now();
    test_bars_that_come_after_the_question_have_no_part_in_the_breadth();
    test_every_allocation_may_fail();
    return check_report("signal_history");
}
