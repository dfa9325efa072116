/* The sets that the lane files define; za_lane_set_of says which of them this processor runs. */
#ifndef ZA_KERNELS_LANE_SETS_H
#define ZA_KERNELS_LANE_SETS_H

#include "kernels/lane_set.h"

extern const za_lane_set za_lane_set_1, za_lane_set_4;
#if defined(__x86_64__)
extern const za_lane_set za_lane_set_8;
#endif

#endif
