/* The fields of a plan's stages, for the files that plan and run them. */
#ifndef ZA_PLAN_STAGES_INSIDE_H
#define ZA_PLAN_STAGES_INSIDE_H

#include "plan/forming.h"
#include "plan/others.h"
#include "plan/periods.h"

/* One plan. Its results are kept until the last of the stages that read them is done. */
typedef struct za_stage {
    za_run *run; /* the top's, or `own` */
    za_run own;
    za_table table; /* of another ticker */
    za_derived *derived;
    za_comparison *list;  /* the cross-sections before it, */
    double **columns;     /* of each source what was allocated for one; NULL where it takes the place of its values */
    za_sections sections; /* of the results of the stage `compared` */
    int compared;         /* -1: there are none */
    int64_t oldest;       /* the first time that they have to have */
    int64_t since;        /* rows before this time stand in for those of stale series, and are read by nobody */
    int last_reader;
    const za_source *gathered; /* NULL, or the source for which bars are gathered into periods */
    za_periods periods;
    za_forming forming;
    int64_t *bar;            /* of each series the first bar of which what the periods give is needed */
    int64_t *known, *counts; /* where the times begin from which it is known, and how many there are */
} za_stage;

typedef struct za_stages {
    za_job job; /* in the pool in place of `under_way` */
    za_job *under_way;
    za_run *top;
    za_others others;
    za_view *views;     /* of the other tickers */
    za_row_times times; /* of the series that were compared last */
    const za_plan **plans;
    za_stage *list; /* in order of evaluation */
    int count, step;
} za_stages;

/* The place of a plan among those of the stages; `count` if it is none of them. */
int za_stages_place(const za_stages *stages, const za_plan *plan);

#endif
