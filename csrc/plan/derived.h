/* Columns that other plans have made, on their way into a tile. */
#ifndef ZA_PLAN_DERIVED_H
#define ZA_PLAN_DERIVED_H

#include <stddef.h>
#include <stdint.h>

/* The values that a tile reads of one for one lane. Without times values[0] is that of the bar `first`, and so on to
 * the lane's last bar; nobody needs the bars before it. With times values[i] holds from times[i] on, until times[i +
 * 1]. */
typedef struct za_feed {
    const double *values;
    const int64_t *times; /* NULL, or ascending, `count` of them */
    int64_t first, count;
} za_feed;

/* Bars of a lane that are wanted, and where. */
typedef struct za_feed_rows {
    const int64_t *times;      /* of all the lane's bars; NULL if the feed has none */
    int64_t first, bars, last; /* from the bar `first` on so many; behind the lane's last one they repeat it */
    double *to;
    int64_t step; /* from one of the doubles to the next */
} za_feed_rows;

void za_feed_gather(const za_feed *feed, const za_feed_rows *rows);

/* The same for all series. */
typedef struct za_derived {
    const double *values;
    const int64_t *times;      /* NULL: values by bar */
    const int64_t *row, *from; /* those of series i begin at values[row[i]], with its bar from[i], or at times[from[i]];
                                  NULL: by time, all series read the same */
    const int64_t *counts;     /* by time: how many each series reads; */
    int64_t count;             /* or all */
} za_derived;

static inline za_feed za_derived_feed(const za_derived *derived, size_t series)
{
    if (derived->row == NULL) {
        return (za_feed){.values = derived->values, .times = derived->times, .count = derived->count};
    }
    const double *values = derived->values + derived->row[series];
    return derived->times == NULL ? (za_feed){.values = values, .first = derived->from[series]}
                                  : (za_feed){.values = values,
                                              .times = derived->times + derived->from[series],
                                              .count = derived->counts[series]};
}

#endif
