/* A plan over many series, as a job for the pool: the tickers of a store, or the groups of a table. */
#ifndef ZA_PLAN_RUN_H
#define ZA_PLAN_RUN_H

#include "plan/run_inside.h"

/* Makes a job of it. The owner may set job.done, job.urgency and job.deadline_ns afterwards. ZA_BAD_VALUE for lanes
 * that this processor has not got. */
za_code za_run_init(za_run *run, za_error *error);
/* Nobody waits for it any more: tiles that have not begun are left out. Any thread, while the run is there. */
void za_run_cancel(za_run *run);
/* After every item was run: ZA_OK, or why there are no results. */
za_code za_run_finish(const za_run *run, za_error *error);

/* The first reason stands. */
void za_run_end(za_run *run, za_code code);
bool za_run_goes_on(const za_run *run);
/* Returns whether the work is so small that no thread is woken for it. */
bool za_run_is_brief(const za_run *run);

/* All of it while the calling thread waits: on it if the work is small or the pool takes no job, else on the pool. A
 * single series that is long is for both. */
za_code za_run_wait(za_run *run, za_pool *pool, za_error *error);

#endif
