/* Live states as their users see them: what they are of, what they have done, what they show. */
#ifndef ZA_LIVE_OPTIONS_H
#define ZA_LIVE_OPTIONS_H

#include "plan/plan.h"
#include "store/store.h"

typedef struct za_live za_live;

/* All of it borrowed; plan, store, columns and the zone's arrays outlive the states. */
typedef struct za_live_spec {
    const za_plan *plan;
    za_store *store;
    const int *columns; /* what each column of the plan is: a za_figure, or behind them a further column */
    za_zone zone;
    const za_symbol *symbols; /* in the order of their rows */
    size_t count;
    const za_symbol *others; /* tickers that formulas read, as the sources of plans number them; their texts outlive the
                                states */
    bool all;                /* symbols that join the store later get rows behind these */
} za_live_spec;

typedef struct za_live_stats {
    int64_t bars;      /* taken in */
    int64_t revised;   /* of them taken in again, since they were replaced */
    int64_t restarted; /* tickers of which the states began anew */
    int64_t tickers;   /* that have states now */
    int64_t tiles;     /* that hold them */
    int64_t bytes;     /* of states */
} za_live_stats;

#endif
