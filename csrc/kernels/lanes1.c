#define ZA_LANES 1
#include "kernels/drivers.h"
