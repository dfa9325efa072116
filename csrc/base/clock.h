#ifndef ZA_BASE_CLOCK_H
#define ZA_BASE_CLOCK_H

#include <stdint.h>

/* Nanoseconds of a clock that never goes back; its zero means nothing. */
int64_t za_clock_ns(void);

#endif
