#define ZA_LANES 4
#include "kernels/drivers.h"
