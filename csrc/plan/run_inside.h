/* What a claim of a run holds, for the files that run it. */
#ifndef ZA_PLAN_RUN_INSIDE_H
#define ZA_PLAN_RUN_INSIDE_H

#include "plan/run.h"

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
