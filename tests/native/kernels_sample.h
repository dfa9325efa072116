/* What the tests of kernels share: a source of numbers and parts of blocks. */
#ifndef ZA_TESTS_KERNELS_SAMPLE_H
#define ZA_TESTS_KERNELS_SAMPLE_H

#include <stdint.h>

#include "kernels/lanes.h"

static uint64_t random_state = 88172645463325252u;

/* Xorshift; uniform in [0, 1). */
static inline double random_unit(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (double)(random_state >> 11) * 0x1p-53;
}

/* The part of a block that begins `bar` bars later and has `bars` bars. */
static inline za_kernel_block block_part(const za_lane_set *set, const za_kernel_block *whole, int64_t bar,
                                         int64_t bars)
{
    za_kernel_block part = *whole;
    part.age += bar;
    part.bars = bars;
    for (int input = 0; input < ZA_MAX_INPUTS && part.in[input] != NULL; ++input) {
        part.in[input] += bar * set->lanes;
    }
    for (int output = 0; output < ZA_MAX_OUTPUTS && part.out[output] != NULL; ++output) {
        part.out[output] += bar * set->lanes;
    }
    return part;
}

#endif
