/* Checks whether what a caller says can be a plan. */
#ifndef ZA_PLAN_CHECK_H
#define ZA_PLAN_CHECK_H

#include "base/status.h"
#include "plan/node.h"

/* ZA_OK, or ZA_BAD_VALUE naming the node, the source or the result that cannot be. */
za_code za_plan_check(const za_plan_spec *plan, za_error *error);

#endif
