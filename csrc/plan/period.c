#include "plan/period.h"

enum { MINUTES_A_DAY = 24 * 60 };

bool za_period_is_good(za_period period)
{
    return (unsigned)period.unit < ZA_PERIOD_UNIT_COUNT &&
           (period.unit != ZA_PERIOD_MINUTES || (period.minutes > 0 && MINUTES_A_DAY % period.minutes == 0));
}

/* a + b, which near the ends of time begins anew: such numbers are compared only. */
static int64_t add(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a + (uint64_t)b);
}

/* When a span of minutes began, in UTC: where the clock was set since, by the clock of then. One whose beginning no
 * clock has shown has a number of its own, which is not a minute. */
static int64_t start_of_minutes(int64_t length, const za_zone *zone, int64_t time)
{
    int64_t offset = za_zone_offset(zone, time);
    int64_t of_day = add(add(time, offset), -zone->day_start), rest = of_day % length;
    int64_t local = add(add(of_day, -(rest < 0 ? rest + length : rest)), zone->day_start);
    int64_t start = add(local, -offset), then = za_zone_offset(zone, start);
    if (then == offset) {
        return start;
    }
    int64_t earlier = add(local, -then);
    return za_zone_offset(zone, earlier) == then ? earlier : add(earlier, -1);
}

int64_t za_period_of(za_period period, const za_zone *zone, int64_t time)
{
    static const int64_t ns_per_minute = INT64_C(60000000000);
    int64_t date = (int64_t)za_calendar_value(ZA_CALENDAR_DATE, zone, time);
    switch (period.unit) {
    case ZA_PERIOD_MINUTES:
        return start_of_minutes(period.minutes * ns_per_minute, zone, time);
    case ZA_PERIOD_WEEK: /* whose Monday has this date */
        return date - (int64_t)za_calendar_value(ZA_CALENDAR_WEEKDAY, zone, time);
    case ZA_PERIOD_MONTH: /* whose first day has this date */
        return date - (int64_t)za_calendar_value(ZA_CALENDAR_DAY, zone, time);
    default:
        return date;
    }
}
