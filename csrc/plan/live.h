/* Features kept current: the states of a plan for tickers of a store, which take in what was appended since. */
#ifndef ZA_PLAN_LIVE_H
#define ZA_PLAN_LIVE_H

#include "plan/plan.h"
#include "pool/pool.h"
#include "store/store.h"

/* Any thread may call what is below; a mutex of its own guards it, held for a whole update. The store may change
 * meanwhile. */
typedef struct za_live za_live;

/* All of it borrowed but for the symbols: plan, store, figures and the zone's arrays outlive the states. */
typedef struct za_live_spec {
    const za_plan *plan;
    za_store *store;
    const za_figure *figures; /* what each column of the plan is */
    za_zone zone;
    const za_symbol *symbols; /* in the order of their rows */
    size_t count;
    bool all; /* symbols that join the store later get rows behind these */
} za_live_spec;

typedef struct za_live_stats {
    int64_t bars;      /* taken in */
    int64_t revised;   /* of them taken in again, since they were replaced */
    int64_t restarted; /* tickers of which the states began anew */
    int64_t tickers;   /* that have states now */
    int64_t tiles;     /* that hold them */
    int64_t bytes;     /* of states */
} za_live_stats;

/* The last figures: result k of row r is values[k * rows + r]. Written by updates of its states, until a symbol joins:
 * then they have another one. Counted by those who hold it. */
typedef struct za_live_board {
    atomic_int references;
    int64_t rows;
    double *values;
    int64_t *times; /* of each row's last bar; ZA_TIME_MISSING */
} za_live_board;

/* States that have taken in nothing. ZA_BAD_VALUE for a symbol that stands twice. NULL on failure. */
za_live *za_live_new(const za_live_spec *spec, za_error *error);
/* It must be out of every other thread's sight. NULL is let pass. */
void za_live_free(za_live *live);

/* Takes in what the store has and these states have not seen, on the pool where there is much of it; *taken is how many
 * bars. On failure each ticker is either as it was or up to date: the next update goes on from there. ZA_NO_MEMORY,
 * ZA_EXPIRED. */
za_code za_live_update(za_live *live, za_pool *pool, int64_t deadline_ns, int64_t *taken, za_error *error);

za_live_stats za_live_stats_of(za_live *live);
/* Another reference to the board of now. */
za_live_board *za_live_board_of(za_live *live);
void za_live_board_release(za_live_board *board);
/* A board's figures at one moment, between two updates. */
void za_live_copy(za_live *live, const za_live_board *board, double *values, int64_t *times);
/* The symbol of a row of some board, which stays where it is. */
za_symbol za_live_symbol(za_live *live, int64_t row);

/* Doubles of one ticker's states, which are the same for any lanes. */
int64_t za_live_state_doubles(const za_live *live);
/* The states of a row: how many bars have entered (0: the row has none, and nothing is written), when the last one was,
 * and the states themselves. */
int64_t za_live_take(za_live *live, int64_t row, int64_t *time, double *states);
/* States that were taken become those of a row that has none, if the store has a bar of that time: what comes from that
 * bar on is taken in by the next update. ZA_BAD_VALUE if the store's bars do not go on from there; if all of them are
 * later, nothing is done. */
za_code za_live_put(za_live *live, int64_t row, int64_t bars, int64_t time, const double *states, za_error *error);

#endif
