#include "plan/row_times.h"

#include <string.h>

#include "base/memory.h"
#include "plan/pin.h"

/* Ascending times, each once. */
typedef struct za_times {
    const int64_t *times;
    int64_t count;
    int64_t *owned; /* NULL while they are those of a series */
} za_times;

/* Every time that is in one of them. False without memory. */
static bool unite(za_times *a, za_times *b)
{
    if (a->count == b->count && memcmp(a->times, b->times, (size_t)a->count * sizeof *a->times) == 0) {
        za_free(b->owned);
        return true;
    }
    int64_t *both = za_alloc((size_t)(a->count + b->count), sizeof *both), count = 0;
    for (int64_t i = 0, j = 0; both != NULL && (i < a->count || j < b->count);) {
        bool from_a = j == b->count || (i < a->count && a->times[i] <= b->times[j]);
        int64_t time = from_a ? a->times[i] : b->times[j];
        i += i < a->count && a->times[i] == time;
        j += j < b->count && b->times[j] == time;
        both[count++] = time;
    }
    za_free(a->owned);
    za_free(b->owned);
    int64_t *fitting = both == NULL ? NULL : za_resize(both, (size_t)count, sizeof *both);
    a->owned = fitting != NULL ? fitting : both;
    a->times = a->owned;
    a->count = count;
    return both != NULL;
}

/* The times of the series [begin, end), two halves at a time: equal ones are met early. */
static bool times_of(const za_run *run, const int64_t *first, size_t begin, size_t end, za_times *times)
{
    *times = (za_times){.times = NULL};
    if (end - begin <= 1) {
        if (end > begin) {
            za_bars_of series = za_run_bars_of(run, begin);
            *times = (za_times){.times = series.bars > 0 ? series.times + first[begin] : NULL,
                                .count = series.bars - first[begin]};
        }
        return true;
    }
    za_times right = {.times = NULL};
    size_t middle = begin + (end - begin) / 2;
    bool found = times_of(run, first, begin, middle, times) && times_of(run, first, middle, end, &right);
    if (!found) {
        za_free(times->owned);
        times->owned = NULL;
        return false;
    }
    if (times->count == 0) {
        *times = right;
        return true;
    }
    return right.count == 0 || unite(times, &right);
}

/* All times, as memory of their own even where all series have those of one of them. */
static bool unite_all(za_row_times *found, const za_run *run)
{
    za_times all;
    if (!times_of(run, found->first, 0, run->count, &all)) {
        return false;
    }
    found->count = all.count;
    found->times = all.owned;
    if (all.owned == NULL && all.count > 0) {
        found->times = za_alloc((size_t)all.count, sizeof *found->times);
        if (found->times == NULL) {
            return false;
        }
        memcpy(found->times, all.times, (size_t)all.count * sizeof *found->times);
    }
    return true;
}

bool za_row_times_find(za_row_times *found, const za_run *run, int64_t oldest)
{
    const za_view *views = run->tickers.views;
    if (found->first != NULL && found->table == run->table && found->views == views && found->oldest == oldest) {
        return true;
    }
    za_row_times_release(found);
    *found = (za_row_times){.table = run->table, .views = views, .oldest = oldest};
    found->first = za_alloc(run->count, sizeof *found->first);
    for (size_t at = 0; found->first != NULL && at < run->count; at++) {
        found->first[at] = za_first_bar_at(za_run_bars_of(run, at), oldest);
    }
    if (found->first == NULL || !unite_all(found, run)) {
        za_row_times_release(found);
        return false;
    }
    return true;
}

void za_row_times_release(za_row_times *found)
{
    za_free(found->first);
    za_free(found->times);
    *found = (za_row_times){0};
}
