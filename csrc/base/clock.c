#include "base/clock.h"

#include <string.h>
#include <time.h>

#include "base/text.h"

enum { NS_PER_SECOND = 1000000000 };

static int64_t read_clock(clockid_t clock)
{
    struct timespec now;
    (void)clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * NS_PER_SECOND + now.tv_nsec;
}

int64_t za_clock_ns(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

int64_t za_clock_utc_ns(void)
{
    return read_clock(CLOCK_REALTIME);
}

void za_time_text(int64_t ns, char text[ZA_TIME_TEXT])
{
    int64_t seconds = ns / NS_PER_SECOND, fraction = ns % NS_PER_SECOND;
    if (fraction < 0) {
        seconds -= 1;
        fraction += NS_PER_SECOND;
    }
    struct tm calendar;
    time_t when = (time_t)seconds;
    memset(&calendar, 0, sizeof calendar);
    (void)gmtime_r(&when, &calendar);
    size_t used = strftime(text, ZA_TIME_TEXT, "%Y-%m-%dT%H:%M:%S", &calendar);
    /* datetime.fromisoformat reads six digits; nanoseconds are written only where they are not 0. */
    if (fraction % 1000 != 0) {
        used += za_print(text + used, ZA_TIME_TEXT - used, ".%09d", (int)fraction);
    } else if (fraction != 0) {
        used += za_print(text + used, ZA_TIME_TEXT - used, ".%06d", (int)(fraction / 1000));
    }
    (void)za_print(text + used, ZA_TIME_TEXT - used, "+00:00");
}
