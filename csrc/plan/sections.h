/* Cross-sections: results of a run, which lie series by series, compared time by time. */
#ifndef ZA_PLAN_SECTIONS_H
#define ZA_PLAN_SECTIONS_H

#include "plan/across.h"
#include "plan/row_times.h"

/* A set of labels: codes from 0 to `count` - 1, or -1 without a label. A table has one code a row, tickers have one
 * each. */
typedef struct za_label_codes {
    const int32_t *codes;
    size_t count;
} za_label_codes;

/* A column to be made: of the results `values`, which lie as those of the run; the two may be one. */
typedef struct za_comparison {
    za_across_kind kind;
    double share;
    const za_label_codes *labels; /* NULL: all are compared */
    const double *values;
    double *results;
} za_comparison;

/* The owner fills the first part. */
typedef struct za_sections {
    const za_run *run;         /* by row and from: of tickers that are pinned, or of a table with times */
    const za_row_times *times; /* of its rows; rows before them have no value */
    za_comparison *list; /* is put in another order: those of a column side by side, for which it is sorted once */
    int count;

    za_job job;    /* whose `run` it fills, with `count` and `grain` */
    int64_t block; /* times a claim */
} za_sections;

/* Makes a job of it. */
void za_sections_init(za_sections *sections);

#endif
