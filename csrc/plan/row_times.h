/* The times at which the series of a run have bars, for whoever compares them time by time. */
#ifndef ZA_PLAN_ROW_TIMES_H
#define ZA_PLAN_ROW_TIMES_H

#include "plan/run.h"

/* All zero: of nothing yet. */
typedef struct za_row_times {
    const za_table *table; /* of these series, */
    const za_view *views;
    int64_t oldest; /* and of their bars from this time on */
    int64_t *first; /* owned: of each series the first of these bars */
    int64_t *times; /* owned: all their times, each once, ascending */
    int64_t count;
} za_row_times;

/* Finds the times of the run's series from `oldest` on, unless it is they that are there. False without memory: then
 * nothing is. */
bool za_row_times_find(za_row_times *found, const za_run *run, int64_t oldest);
void za_row_times_release(za_row_times *found);

#endif
