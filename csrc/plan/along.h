/* With one lane: bars side by side where they do not wait for each other. */
#ifndef ZA_PLAN_ALONG_H
#define ZA_PLAN_ALONG_H

#include "kernels/lane_set.h"
#include "plan/graph.h"

/* Bars of an operation that remembers nothing. */
void za_along_operate(const za_operation_block *block);
/* As the set's run, for any kernel: side by side where its bars do not wait, else one after the other. All inputs are
 * finite. */
void za_along_run(const za_lane_set *set, const za_node *node, const za_kernel_block *block);

#endif
