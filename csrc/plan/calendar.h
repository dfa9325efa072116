/* Hours, weekdays and dates of bars, in a time zone. */
#ifndef ZA_PLAN_CALENDAR_H
#define ZA_PLAN_CALENDAR_H

#include <stdint.h>

typedef enum za_calendar_field {
    ZA_CALENDAR_HOUR,
    ZA_CALENDAR_MINUTE,
    ZA_CALENDAR_WEEKDAY, /* Monday is 0 */
    ZA_CALENDAR_DAY,     /* of the month, from 1 */
    ZA_CALENDAR_MONTH,   /* from 1 */
    ZA_CALENDAR_DATE,    /* days since 1970-01-01 */
    ZA_CALENDAR_COUNT
} za_calendar_field;

/* A time zone as its changes: from since[i] on (nanoseconds since 1970 UTC, ascending) local time is UTC plus
 * offset[i]; before since[0] it is plus `initial`. All zero: UTC. Borrowed arrays. `day_start` is when a day of trading
 * begins, local, in nanoseconds after midnight: weekday, day, month and date are of the day that began last. Offsets
 * and `day_start` are shorter than a day. */
typedef struct za_zone {
    const int64_t *since, *offset;
    int64_t count, initial, day_start;
} za_zone;

/* Returns what is to be added to UTC at that time, by the last change at or before it. */
int64_t za_zone_offset(const za_zone *zone, int64_t time);

/* "hour", "minute", ... */
const char *za_calendar_name(za_calendar_field field);

/* The field of a time, nanoseconds since 1970 UTC. */
double za_calendar_value(za_calendar_field field, const za_zone *zone, int64_t time);

#endif
