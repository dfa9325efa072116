#include "plan/calendar.h"

static const int64_t ns_per_minute = INT64_C(60000000000), ns_per_hour = INT64_C(3600000000000),
                     ns_per_day = INT64_C(86400000000000);

const char *za_calendar_name(za_calendar_field field)
{
    static const char *const names[ZA_CALENDAR_COUNT] = {"hour", "minute", "weekday", "day", "month", "date"};
    return names[field];
}

int64_t za_zone_offset(const za_zone *zone, int64_t time)
{
    int64_t least = 0, most = zone->count; /* changes known to be at or before; those that may be */
    while (least < most) {
        int64_t middle = (least + most) / 2;
        if (zone->since[middle] <= time) {
            least = middle + 1;
        } else {
            most = middle;
        }
    }
    return least == 0 ? zone->initial : zone->offset[least - 1];
}

static int64_t floor_divide(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

/* The remainder of floor_divide: from 0 to b - 1. */
static int64_t floor_remainder(int64_t a, int64_t b)
{
    return a % b < 0 ? a % b + b : a % b;
}

/* Day of the month and month of a day since 1970 in the proleptic Gregorian calendar, counted in years that begin in
 * March, so that a leap day is a year's last. */
static void civil_of(int64_t date, int64_t *day, int64_t *month)
{
    enum { DAYS_TO_MARCH_0 = 719468, DAYS_IN_400_YEARS = 146097 };
    int64_t since = date + DAYS_TO_MARCH_0;
    int64_t of_era = floor_remainder(since, DAYS_IN_400_YEARS);
    int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
    int64_t from_march = (5 * of_year + 2) / 153;
    *day = of_year - (153 * from_march + 2) / 5 + 1;
    *month = from_march < 10 ? from_march + 3 : from_march - 9;
}

double za_calendar_value(za_calendar_field field, const za_zone *zone, int64_t time)
{
    /* The day and the time of day apart: the offset of a time near either end would overflow the whole. */
    int64_t of_day = floor_remainder(time, ns_per_day) + za_zone_offset(zone, time);
    int64_t date = floor_divide(time, ns_per_day) + floor_divide(of_day - zone->day_start, ns_per_day);
    int64_t day, month;
    switch (field) {
    case ZA_CALENDAR_HOUR:
        return (double)(floor_remainder(of_day, ns_per_day) / ns_per_hour);
    case ZA_CALENDAR_MINUTE:
        return (double)(floor_remainder(of_day, ns_per_hour) / ns_per_minute);
    case ZA_CALENDAR_WEEKDAY:
        return (double)floor_remainder(date + 3, 7); /* 1970-01-01 was a Thursday */
    case ZA_CALENDAR_DATE:
        return (double)date;
    default:
        civil_of(date, &day, &month);
        return (double)(field == ZA_CALENDAR_DAY ? day : month);
    }
}
