/* The fields of a run and its claims, for the files that run them. */
#ifndef ZA_PLAN_RUN_INSIDE_H
#define ZA_PLAN_RUN_INSIDE_H

#include "plan/calendar.h"
#include "plan/derived.h"
#include "plan/plan.h"
#include "plan/tile_inside.h"
#include "plan/twins.h"
#include "pool/pool.h"
#include "store/store.h"

/* Columns of one length, cut into groups: the rows of group i are [offsets[i], offsets[i + 1]), oldest first. */
typedef struct za_table {
    const double *const *columns; /* as the plan numbers them */
    const int64_t *times;         /* NULL unless the plan reads them */
    const int64_t *offsets;       /* of the groups, and behind the last */
    const int *figures; /* the za_figure that each column is, or ZA_FIGURE_COUNT and above; of a plan with periods */
} za_table;

/* Tickers of a store. A history pins the bars of all of them before it computes (za_run_pin), so that what it computes
 * and how many rows there are is of one moment. */
typedef struct za_tickers {
    za_store *store;
    const za_symbol *symbols;
    const int *columns; /* what each column of the plan is: a za_figure, or behind them a further column */
    za_view *views;     /* of a history, and of a plan with sources, owned: `count` of them */
    za_twin *twins;     /* of a plan with sources, owned: a ticker that is asked for again does not count again */
    size_t twin_count;
} za_tickers;

/* The cut of the work. All zero: as is fastest. Results are the same bits in any case. */
typedef struct za_cut_options {
    int lanes;     /* 1, 4 or 8 */
    int64_t block; /* bars a block */
    bool whole;    /* no series is cut into pieces */
} za_cut_options;

/* Another way for a tile that is open to run to its end. `series` are the run's of its lanes, each once; `memory` is as
 * `bytes` says, aligned to a double. False as za_tile_run. */
typedef struct za_tile_way za_tile_way;

struct za_tile_way {
    size_t (*bytes)(const za_tile_spec *spec);
    bool (*run)(const za_tile_way *way, za_tile *tile, const size_t *series, void *memory);
};

/* The owner fills the first part and leaves the rest zero, and keeps all of it until the job is done. */
typedef struct za_run za_run;

struct za_run {
    za_job job; /* first: the pool hands back a pointer to it */
    const za_plan *plan;
    za_zone zone;
    za_cut_options cut;
    const za_table *table; /* either this */
    za_tickers tickers;    /* or these */
    /* The results of each source of the plan for these series; NULL if the plan has none. */
    const za_derived *derived;
    size_t count; /* series: groups or tickers */
    bool last;    /* results of each series' last bar alone: row i is series i's */
    /* In a history the rows of series i begin at row[i], with its bar from[i]; owned, from za_alloc. NULL: all rows of
     * a table are wanted. */
    int64_t *row, *from;
    double *values;    /* result k of row r is values[k * rows + r * step] */
    int32_t *integers; /* NULL, or in place of `values` where the only result goes, which is whole: 0 for NaN */
    int64_t rows, step;
    int64_t least; /* series with fewer bars have no results */
    /* NULL, or what is done with each ticker when its results are there; any worker thread. */
    void (*visit)(za_run *run, size_t at, const za_view *view);
    void *visitor; /* whatever that wants to know */
    int64_t *times,
        *bars; /* of tickers, or NULL: the time of each row; how many bars there are, or rows of a history */

    int64_t began_ns; /* on za_clock_ns, when a worker took up the first series; that worker writes it */
    /* ZA_OK, or the za_code for which the rest is not worth computing: a worker found no memory, the deadline is over,
     * or whoever waited does no more (za_run_cancel). Any thread. */
    atomic_int ended;
    za_run *top;            /* NULL, or the run of which this is a stage, whose `ended` counts */
    const za_tile_way *way; /* NULL: tiles run plainly */
    za_pool *helpers;       /* whose free threads take part in a long series; NULL: none */
};

/* Series a claim, at most: enough of about equal length to fill the lanes. */
enum { ZA_GRAIN = 64 };

/* A series of a claim: where it lies, and where its results go. */
typedef struct za_series {
    size_t at;                          /* which of the run's */
    const double *const *table_columns; /* of a table, from `offset` on; else of a view */
    int64_t offset, bars, row, from;
    const int64_t *times;
    const za_view *view; /* of a ticker */
} za_series;

typedef struct za_claim {
    za_run *run;
    int count;
    za_series series[ZA_GRAIN];
    int order[ZA_GRAIN]; /* by number of bars */
    za_scratch *scratch;
    za_scratch pointers; /* [column][lane] of a tile */
    za_scratch results;  /* [lane][bar] of a tile, where integers are made of them */
} za_claim;

#endif
