#include "live/series.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"

static void drop_oldest(za_live_series *series, int64_t count)
{
    series->count -= count;
    memmove(series->times, series->times + count, (size_t)series->count * sizeof *series->times);
    memmove(series->values, series->values + count * series->outputs,
            (size_t)(series->count * series->outputs) * sizeof *series->values);
}

bool za_live_series_reserve(za_live_series *series, int64_t more, int64_t most)
{
    int64_t needed = series->count + more, room = series->room + series->room / 2;
    if (needed > series->room && series->count > 2 * most) {
        drop_oldest(series, series->count - most);
        needed = series->count + more;
    }
    if (needed <= series->room) {
        return true;
    }
    room = room > needed ? room : needed;
    int64_t *times = za_resize(series->times, (size_t)room, sizeof *times);
    series->times = times != NULL ? times : series->times;
    double *values = za_resize(series->values, (size_t)room, (size_t)series->outputs * sizeof *values);
    series->values = values != NULL ? values : series->values;
    bool done = times != NULL && values != NULL;
    series->room = done ? room : series->room;
    return done;
}

void za_live_series_free(za_live_series *series)
{
    za_free(series->times);
    za_free(series->values);
    *series = (za_live_series){0};
}

static bool differ(const double *some, const double *others, int count)
{
    bool same = true;
    for (int i = 0; same && i < count; i++) {
        same = memcmp(&some[i], &others[i], sizeof *some) == 0 || (isnan(some[i]) && isnan(others[i]));
    }
    return !same;
}

bool za_live_series_put(za_live_series *series, int64_t time, const double *values, bool again)
{
    series->count += !again;
    double *to = series->values + (series->count - 1) * series->outputs;
    bool changed = !again || differ(to, values, series->outputs);
    memcpy(to, values, (size_t)series->outputs * sizeof *to);
    series->times[series->count - 1] = time;
    return changed;
}

double za_live_series_at(const za_live_series *series, int output, int64_t time)
{
    int64_t least = 0, most = series->count;
    if (most > 0 && series->times[most - 1] <= time) { /* as a rule */
        least = most;
    }
    while (least < most) {
        int64_t middle = (least + most) / 2;
        if (series->times[middle] <= time) {
            least = middle + 1;
        } else {
            most = middle;
        }
    }
    return least > 0 ? series->values[(least - 1) * series->outputs + output] : NAN;
}
