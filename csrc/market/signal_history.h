/* The signals of each bar of a past: the rules over the bars, the regime and the breadth that there were then. */
#ifndef ZA_MARKET_SIGNAL_HISTORY_H
#define ZA_MARKET_SIGNAL_HISTORY_H

#include "market/breadth_history.h"
#include "market/regime.h"
#include "plan/run.h"

typedef enum za_signal_column {
#define COLUMN(name) ZA_SIGNAL_##name,
#include "market/signal_history.def"
#undef COLUMN
    ZA_SIGNAL_COLUMN_COUNT
} za_signal_column;

/* Results of the plan of the tickers: the features that the rules read, in the order of rules.def. */
int za_signal_history_width(void);
/* And of the plan of the market: price_change_1d and slope_20d. */
enum { ZA_MARKET_CHANGE, ZA_MARKET_SLOPE, ZA_MARKET_WIDTH };

enum { ZA_VOLATILITY_NAMES = 2 };

/* The owner fills the first part and leaves the rest zero, and keeps all of it until the run of the tickers is done. */
typedef struct za_signal_history {
    za_rules rules; /* its regime is read at each bar */
    double thresholds[ZA_THRESHOLD_COUNT];
    const za_plan *market_plan;
    za_store *store;
    za_symbol market;
    const int *market_figures;                 /* what each column of that plan is */
    za_symbol volatility[ZA_VOLATILITY_NAMES]; /* the first that has bars counts; those without a name do not */
    double assumed_volatility;                 /* where none has; NaN: none is */

    za_run market_run; /* it holds the market's bars */
    za_view volatility_views[ZA_VOLATILITY_NAMES];
    za_breadth_history breadth;
} za_signal_history;

/* First: takes the bars of the market and of its volatility, and makes history->breadth a job (of no items, where the
 * store is empty: then it is not to be run). ZA_OK or ZA_NO_MEMORY. */
za_code za_signal_history_pin(za_signal_history *history, za_error *error);
/* Second, after the job of the breadth: what is the same for all tickers. ZA_OK, or why there are no signals. */
za_code za_signal_history_prepare(za_signal_history *history, za_error *error);
/* Third: the `visit` of a run of the tickers' plan (a history with times) whose `visitor` is the history and which has
 * room for ZA_SIGNAL_COLUMN_COUNT results: they take the place of the plan's. */
void za_signal_history_visit(za_run *run, size_t at, const za_view *view);
void za_signal_history_release(za_signal_history *history);

#endif
