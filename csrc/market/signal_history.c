#include "market/signal_history.h"

#include <math.h>

#include "base/memory.h"
#include "market/explain.h"
#include "plan/pin.h"

static const za_feature rule_features[] = {
#define PARAMETER(name, initial)
#define READS(name) ZA_FEATURE_##name,
#include "market/rules.def"
#undef READS
#undef PARAMETER
};

enum { WIDTH = sizeof rule_features / sizeof *rule_features };

_Static_assert((int)WIDTH <= (int)ZA_SIGNAL_COLUMN_COUNT, "the signals of a bar take the place of its features");

int za_signal_history_width(void)
{
    return WIDTH;
}

za_code za_signal_history_pin(za_signal_history *history, za_error *error)
{
    za_run *run = &history->market_run;
    run->plan = history->market_plan;
    run->count = 1;
    run->least = ZA_FEATURE_BARS;
    run->tickers =
        (za_tickers){.store = history->store, .symbols = &history->market, .columns = history->market_figures};
    history->breadth.store = history->store;
    if (za_run_pin(run, INT64_MIN, INT64_MAX, error) != ZA_OK) {
        return error->code;
    }
    (void)za_store_views(history->store, history->volatility, ZA_VOLATILITY_NAMES, history->volatility_views);
    return za_breadth_history_init(&history->breadth, error);
}

za_code za_signal_history_prepare(za_signal_history *history, za_error *error)
{
    za_run *run = &history->market_run;
    za_code code = za_breadth_history_merge(&history->breadth, error);
    if (code != ZA_OK) {
        return code;
    }
    run->values = za_alloc((size_t)run->rows, ZA_MARKET_WIDTH * sizeof *run->values);
    if (run->values == NULL) {
        return za_fail_memory(error);
    }
    code = za_run_init(run, error);
    return code == ZA_OK ? za_run_wait(run, NULL, error) : code;
}

/* How many rows of each list there are at the moment that is looked at. */
typedef struct za_moment {
    int64_t market, volatility[ZA_VOLATILITY_NAMES], breadth;
} za_moment;

static void go_on(int64_t *count, const int64_t *times, int64_t most, int64_t now)
{
    while (*count < most && times[*count] <= now) {
        (*count)++;
    }
}

static double volatility_at(const za_signal_history *history, za_moment *moment, int64_t now)
{
    double level = NAN;
    for (int i = 0; i < ZA_VOLATILITY_NAMES; i++) {
        const za_rows *rows = &history->volatility_views[i].rows;
        go_on(&moment->volatility[i], rows->time, rows->count, now);
        if (isnan(level) && moment->volatility[i] > 0) {
            level = rows->figure[ZA_FIGURE_CLOSE][moment->volatility[i] - 1];
        }
    }
    return level;
}

/* The regime at `now`, not before the moment; volatility and breadth as they were into `row`. */
static za_regime read_market(const za_signal_history *history, za_moment *moment, int64_t now,
                             double row[ZA_SIGNAL_COLUMN_COUNT])
{
    const za_run *run = &history->market_run;
    const za_breadth_history *breadth = &history->breadth;
    double level = volatility_at(history, moment, now);
    go_on(&moment->market, run->tickers.views[0].rows.time, run->rows, now);
    go_on(&moment->breadth, breadth->times, breadth->steps, now);
    row[ZA_SIGNAL_vix_level] = level;
    row[ZA_SIGNAL_breadth_50dma] = moment->breadth > 0 ? breadth->percent[moment->breadth - 1] : NAN;
    if (moment->market < ZA_FEATURE_BARS) {
        return ZA_CHOP; /* nothing is known of the market */
    }
    unsigned holding;
    const double reading[ZA_READING_COUNT] = {
        [ZA_READING_VOLATILITY] = isnan(level) ? history->assumed_volatility : level,
        [ZA_READING_CHANGE] = run->values[ZA_MARKET_CHANGE * run->rows + moment->market - 1],
        [ZA_READING_BREADTH] = row[ZA_SIGNAL_breadth_50dma],
        [ZA_READING_SLOPE] = run->values[ZA_MARKET_SLOPE * run->rows + moment->market - 1]};
    return za_regime_read(reading, history->thresholds, &holding);
}

static void put_decision(const za_decision *decision, double entry, double row[ZA_SIGNAL_COLUMN_COUNT])
{
    row[ZA_SIGNAL_direction] = decision->direction;
    if (decision->direction == 0) {
        return;
    }
    row[ZA_SIGNAL_confidence] = decision->confidence;
    row[ZA_SIGNAL_signal_type] = (double)decision->agreeing - 1.0;
    row[ZA_SIGNAL_time_horizon] = za_rule_days[decision->leading];
    row[ZA_SIGNAL_entry_price] = entry;
    row[ZA_SIGNAL_stop_loss] = decision->stop_loss;
    row[ZA_SIGNAL_take_profit] = decision->take_profit;
    row[ZA_SIGNAL_expected_return] = za_decision_expected_return(decision, entry);
    row[ZA_SIGNAL_risk_reward_ratio] = za_decision_risk_reward(decision, entry);
}

/* The signal of a bar in the regime of the rules; `values` are its features, column k at values[k * step], and become
 * the row, which has everything that is known of the market already. */
static void answer_bar(const za_rules *rules, bool is_enough, double row[ZA_SIGNAL_COLUMN_COUNT], double *values,
                       int64_t step)
{
    if (is_enough) {
        double features[ZA_FEATURE_COUNT] = {0};
        for (int k = 0; k < WIDTH; k++) {
            features[rule_features[k]] = values[k * step];
        }
        za_decision decision = za_rules_decide(rules, features);
        put_decision(&decision, features[ZA_FEATURE_close], row);
    }
    for (int column = 0; column < ZA_SIGNAL_COLUMN_COUNT; column++) {
        values[column * step] = row[column];
    }
}

void za_signal_history_visit(za_run *run, size_t at, const za_view *view)
{
    const za_signal_history *history = run->visitor;
    za_rules rules = history->rules;
    za_moment moment = {0};
    for (int64_t i = 0; i < run->bars[at]; i++) {
        int64_t bar = run->from[at] + i;
        double row[ZA_SIGNAL_COLUMN_COUNT];
        for (int column = 0; column < ZA_SIGNAL_COLUMN_COUNT; column++) {
            row[column] = NAN;
        }
        rules.regime = read_market(history, &moment, view->rows.time[bar], row);
        row[ZA_SIGNAL_regime] = rules.regime;
        answer_bar(&rules, bar + 1 >= ZA_FEATURE_BARS, row, run->values + run->row[at] + i, run->rows);
    }
}

void za_signal_history_release(za_signal_history *history)
{
    za_free(history->market_run.values);
    za_run_release(&history->market_run);
    for (int i = 0; i < ZA_VOLATILITY_NAMES; i++) {
        za_view_release(&history->volatility_views[i]);
    }
    za_breadth_history_release(&history->breadth);
}
