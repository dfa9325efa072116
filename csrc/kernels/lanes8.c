#if defined(__x86_64__)
#define ZA_LANES 8
#include "kernels/drivers.h"
#endif
