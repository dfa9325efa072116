/* A plan whose columns other plans make, over the tickers of a store or the groups of a table: stage after stage, each
 * of them jobs of the pool. Cross-sections stand between two stages: what feeds them is finished for all series. */
#ifndef ZA_PLAN_STAGES_H
#define ZA_PLAN_STAGES_H

#include "plan/others.h"
#include "plan/run.h"

typedef struct za_stages za_stages;

/* The stages of `top`, which is that of the last plan, in every part as za_run_init wants it, with tickers that are
 * pinned or a table, and times if the plan reads them. ZA_BAD_VALUE if the store has no bars of another ticker. The
 * caller keeps what `others` points to until the stages are freed, and frees them before it releases `top`. */
za_code za_stages_new(za_run *top, const za_others *others, za_stages **stages, za_error *error);
/* NULL is let pass. */
void za_stages_free(za_stages *stages);

/* All stages one after the other, after za_run_init of the last one: top->job.done is called after all of them, and
 * za_run_finish then says how it ended. ZA_SYSTEM: the pool did not take the first one, and nothing is called. */
za_code za_stages_submit(za_stages *stages, za_pool *pool, za_error *error);
/* After za_run_cancel of the last stage: gives up what nobody has begun. */
void za_stages_cancel(za_stages *stages, za_pool *pool);
/* The same while the calling thread waits, which takes part in all stages; work that is brief it does alone. */
za_code za_stages_wait(za_stages *stages, za_pool *pool, za_error *error);

#endif
