/* Fields of the calendar, at known moments and at the ends of what a time can say. */
#include <stdint.h>

#include "check.h"
#include "plan/calendar.h"

static const int64_t hour = INT64_C(3600000000000);

typedef struct expected {
    double hour, minute, weekday, day, month, date;
} expected;

static void check_fields(const za_zone *zone, int64_t time, expected wanted)
{
    CHECK(za_calendar_value(ZA_CALENDAR_HOUR, zone, time) == wanted.hour);
    CHECK(za_calendar_value(ZA_CALENDAR_MINUTE, zone, time) == wanted.minute);
    CHECK(za_calendar_value(ZA_CALENDAR_WEEKDAY, zone, time) == wanted.weekday);
    CHECK(za_calendar_value(ZA_CALENDAR_DAY, zone, time) == wanted.day);
    CHECK(za_calendar_value(ZA_CALENDAR_MONTH, zone, time) == wanted.month);
    CHECK(za_calendar_value(ZA_CALENDAR_DATE, zone, time) == wanted.date);
}

/* By Python's datetime. */
static void test_known_moments(void)
{
    const za_zone utc = {0};
    check_fields(&utc, 0, (expected){0, 0, 3, 1, 1, 0});
    check_fields(&utc, -1, (expected){23, 59, 2, 31, 12, -1});
    check_fields(&utc, INT64_C(951825600000000000), (expected){12, 0, 1, 29, 2, 11016});  /* 2000-02-29 12:00 */
    check_fields(&utc, INT64_C(-2203891200000000000), (expected){0, 0, 3, 1, 3, -25508}); /* 1900-03-01 */
}

static void test_zones_and_beginnings_of_days(void)
{
    const int64_t since[] = {INT64_C(1000) * hour}, offset[] = {2 * hour};
    const za_zone zone = {.since = since, .offset = offset, .count = 1, .initial = -5 * hour, .day_start = 17 * hour};
    check_fields(&zone, 999 * hour, (expected){10, 0, 1, 10, 2, 40});  /* 1970-02-11 10:00, a day that began at 17:00 */
    check_fields(&zone, 1000 * hour, (expected){18, 0, 2, 11, 2, 41}); /* 1970-02-11 18:00, an hour into the next */
}

/* 1677-09-21 00:12 and 2262-04-11 23:47, which offsets carry beyond what 64 bits of nanoseconds hold. */
static void test_the_ends_of_time(void)
{
    const za_zone utc = {0}, east = {.initial = 14 * hour, .day_start = 1}, west = {.initial = -12 * hour};
    check_fields(&utc, INT64_MIN, (expected){0, 12, 1, 21, 9, -106752});
    check_fields(&utc, INT64_MAX, (expected){23, 47, 4, 11, 4, 106751});
    check_fields(&east, INT64_MAX, (expected){13, 47, 5, 12, 4, 106752});
    check_fields(&west, INT64_MIN, (expected){12, 12, 0, 20, 9, -106753});
}

int main(void)
{
    test_known_moments();
    test_zones_and_beginnings_of_days();
    test_the_ends_of_time();
    return check_report("calendar");
}
