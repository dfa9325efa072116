#include "plan/derived.h"

#include <math.h>

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static void gather_by_bar(const za_feed *feed, const za_feed_rows *rows)
{
    double *to = rows->to;
    for (int64_t i = 0; i < rows->bars; i++, to += rows->step) {
        int64_t bar = earlier(rows->first + i, rows->last);
        *to = feed->values[bar > feed->first ? bar - feed->first : 0];
    }
}

/* Returns how many of the feed's times are at or before `time`. */
static int64_t count_until(const za_feed *feed, int64_t time)
{
    int64_t least = 0, most = feed->count;
    while (least < most) {
        int64_t middle = (least + most) / 2;
        if (feed->times[middle] <= time) {
            least = middle + 1;
        } else {
            most = middle;
        }
    }
    return least;
}

/* Gathers, for each bar, the last value at or before its time. */
static void gather_by_time(const za_feed *feed, const za_feed_rows *rows)
{
    double *to = rows->to;
    int64_t known = rows->bars == 0 ? 0 : count_until(feed, rows->times[earlier(rows->first, rows->last)]);
    for (int64_t i = 0; i < rows->bars; i++, to += rows->step) {
        int64_t time = rows->times[earlier(rows->first + i, rows->last)];
        while (known < feed->count && feed->times[known] <= time) {
            known++;
        }
        *to = known > 0 ? feed->values[known - 1] : NAN;
    }
}

void za_feed_gather(const za_feed *feed, const za_feed_rows *rows)
{
    if (feed->times == NULL) {
        gather_by_bar(feed, rows);
    } else {
        gather_by_time(feed, rows);
    }
}
