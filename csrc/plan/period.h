/* Periods into which bars are gathered, by the clock of a time zone. */
#ifndef ZA_PLAN_PERIOD_H
#define ZA_PLAN_PERIOD_H

#include <stdbool.h>

#include "plan/calendar.h"

typedef enum za_period_unit {
    ZA_PERIOD_MINUTES, /* so many, which divide a day; counted from where a day of trading begins */
    ZA_PERIOD_DAY,     /* of trading, */
    ZA_PERIOD_WEEK,    /* seven of them from Monday on, */
    ZA_PERIOD_MONTH,   /* or those of a calendar month */
    ZA_PERIOD_UNIT_COUNT
} za_period_unit;

typedef struct za_period {
    za_period_unit unit;
    int minutes;
} za_period;

bool za_period_is_good(za_period period);
/* A number that the times of one period have in common, and no others near them. A span of minutes begins whenever the
 * clock shows its beginning: where it is set back over that, the first one ends there, and another begins. */
int64_t za_period_of(za_period period, const za_zone *zone, int64_t time);

#endif
