#ifndef ZA_BASE_CLOCK_H
#define ZA_BASE_CLOCK_H

#include <stdint.h>

enum { ZA_TIME_TEXT = 48 };

/* Nanoseconds of a clock that never goes back; its zero means nothing. */
int64_t za_clock_ns(void);

/* Nanoseconds since 1970 UTC by the wall clock. */
int64_t za_clock_utc_ns(void);

/* ISO 8601 of nanoseconds since 1970 UTC, with the fraction only where there is one: 2018-12-31T16:00:00+00:00. */
void za_time_text(int64_t ns, char text[ZA_TIME_TEXT]);

#endif
