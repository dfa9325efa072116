/* The values of a plan at each bar of one ticker, to be read by time. */
#ifndef ZA_LIVE_SERIES_H
#define ZA_LIVE_SERIES_H

#include <stdbool.h>
#include <stdint.h>

typedef struct za_live_series {
    int outputs;
    int64_t count, room;
    int64_t *times; /* owned; of each bar, oldest first */
    double *values; /* owned; output k at bar i is values[i * outputs + k] */
} za_live_series;

/* Makes room for so many more bars. At least the last `most` bars are kept; older ones go before there are twice as
 * many and `more`. False without memory. */
bool za_live_series_reserve(za_live_series *series, int64_t more, int64_t most);
void za_live_series_free(za_live_series *series);
/* The values of the next bar, for which there is room; `again`: they take the place of the last one's. Whether they
 * differ from those. */
bool za_live_series_put(za_live_series *series, int64_t time, const double *values, bool again);
/* The output at the last bar at or before that time; NaN before the first. */
double za_live_series_at(const za_live_series *series, int output, int64_t time);

#endif
