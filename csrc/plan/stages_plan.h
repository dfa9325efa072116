/* The series, rows and sources of the stages of a plan. */
#ifndef ZA_PLAN_STAGES_PLAN_H
#define ZA_PLAN_STAGES_PLAN_H

#include "plan/stages_inside.h"

/* Plans stages that have their top and others. ZA_NO_MEMORY; ZA_BAD_VALUE if the store has not another ticker. */
za_code za_stages_plan(za_stages *stages, za_error *error);
/* Returns whether the source is a cross-section, made for this stage or an earlier one. */
bool za_stages_compares(const za_source *source);

#endif
