/* The compiled lane sets, and which of them this processor runs. */
#ifndef ZA_KERNELS_LANES_H
#define ZA_KERNELS_LANES_H

#include "base/cpu.h"
#include "kernels/lane_set.h"

/* The set of an instruction set, or NULL if this build or processor has not got it. */
const za_lane_set *za_lane_set_of(za_isa isa);
/* The widest set to use: the best of the processor, or what ZIGGY_ASYNC_ISA names (read once, at the first call; a name
 * that is unknown or not available here is ignored for the best one). */
const za_lane_set *za_lane_set_widest(void);
/* One lane: the set for leftovers. */
const za_lane_set *za_lane_set_one(void);

#endif
