/* The instruction set is AVX2 where there is one to choose; elsewhere the compiler splits the vectors. */
#define ZA_LANES 4
#if !defined(__x86_64__)
#include "kernels/drivers.h"
#elif defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2"))), apply_to = function)
#include "kernels/drivers.h"
#pragma clang attribute pop
#else
#pragma GCC target("avx2")
#include "kernels/drivers.h"
#endif
