/* The instruction set is AVX-512, as the processors have it that have its double-word and vector-length parts. */
#define ZA_LANES 8
#if !defined(__x86_64__)
typedef int za_no_eight_lanes; /* a file must hold a declaration */
#elif defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx512f,avx512dq,avx512vl"))), apply_to = function)
#include "kernels/drivers.h"
#pragma clang attribute pop
#else
#pragma GCC target("avx512f,avx512dq,avx512vl,prefer-vector-width=512")
#include "kernels/drivers.h"
#endif
