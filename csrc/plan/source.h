/* The sources of a plan's columns that are none of the bars'. */
#ifndef ZA_PLAN_SOURCE_H
#define ZA_PLAN_SOURCE_H

#include <stdbool.h>

#include "plan/across.h"
#include "plan/period.h"

typedef struct za_plan za_plan;

typedef enum za_source_kind {
    ZA_SOURCE_VALUE,  /* a result of another plan over the same bars */
    ZA_SOURCE_ACROSS, /* such a result, compared with those of the other tickers at its time */
    ZA_SOURCE_TICKER, /* a result of another plan over another ticker's bars: its last one at or before the time */
    ZA_SOURCE_PERIOD, /* a result of another plan over the ticker's bars gathered into periods, whose columns are the
                         bars' own: of the last period that is finished, or of the one so far */
    ZA_SOURCE_KIND_COUNT
} za_source_kind;

/* The other plan is made before this one and outlives it. */
typedef struct za_source {
    za_source_kind kind;
    const za_plan *plan;
    int output;            /* which of its results */
    za_across_kind across; /* ZA_SOURCE_ACROSS: what is done, */
    double share;          /* of ZA_ACROSS_WINSORIZE, from 0 to 0.5, */
    int labels;            /* among the tickers of one label: which set of labels of those that a run is given; or -1 */
    int ticker;            /* ZA_SOURCE_TICKER: which of the tickers that a run is given */
    za_period period;      /* ZA_SOURCE_PERIOD: which, */
    bool forming;          /* and whether it is the period so far */
} za_source;

#endif
