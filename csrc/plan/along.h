/* With one lane: bars side by side where they do not wait for each other. */
#ifndef ZA_PLAN_ALONG_H
#define ZA_PLAN_ALONG_H

#include "kernels/lane_set.h"
#include "plan/graph.h"

/* Bars of an operation that remembers nothing. */
void za_along_operate(const za_operation_block *block);
/* Returns whether za_along_run can and should run this block in the set's stead. */
bool za_along_fits(const za_lane_set *set, const za_node *node, const za_kernel_block *block);
/* Does what a set's run does, all bars side by side. False if an input is not finite: then no state has changed. */
bool za_along_run(const za_node *node, const za_kernel_block *block);

#endif
