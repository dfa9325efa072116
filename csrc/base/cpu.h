/* The instruction sets of the processor, and the number of CPUs that this process may use. */
#ifndef ZA_BASE_CPU_H
#define ZA_BASE_CPU_H

#include <stdbool.h>

typedef enum za_isa {
    ZA_ISA_SCALAR, /* one ticker at a time, plain doubles */
    ZA_ISA_AVX2,   /* four */
    ZA_ISA_AVX512, /* eight; F, DQ and VL */
    ZA_ISA_COUNT
} za_isa;

/* "scalar", "avx2", "avx512". */
const char *za_isa_name(za_isa isa);
/* The set of that name; false when there is none. */
bool za_isa_from_name(const char *name, za_isa *isa);
/* The best set that this processor and operating system run. On processors other than x86 the four-lane set is
 * compiled for the baseline (NEON) and counts as ZA_ISA_AVX2's place in the order. */
za_isa za_isa_best(void);

/* CPUs this process may use: affinity and cgroup quota (v2 and v1), at least 1. */
int za_cpu_count(void);

#endif
