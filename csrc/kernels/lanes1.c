#define ZA_LANES 1
#if defined(__GNUC__) && !defined(__clang__)
/* Pairs of a kernel's numbers in one register would have to be taken apart again at each bar. */
#pragma GCC optimize("no-tree-slp-vectorize")
#endif
#include "kernels/drivers.h"
