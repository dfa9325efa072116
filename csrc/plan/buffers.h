/* The memory of a block of each value while a tile is run. */
#ifndef ZA_PLAN_BUFFERS_H
#define ZA_PLAN_BUFFERS_H

#include "plan/graph.h"

/* Gives each wanted value of the nodes a buffer, which others get after its last reader. `last` says of each node which
 * one reads its values last, -1 if none does. ZA_OK or ZA_NO_MEMORY. */
za_code za_buffers_assign(za_plan *plan, const int *last, za_error *error);

#endif
