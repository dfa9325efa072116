#include "plan/sections.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "plan/pin.h"

/* Values a claim, and times at most. */
enum { VALUES_A_CLAIM = 65536, MOST_TIMES = 1024 };

/* Rows before the first that takes part have no value. */
static void clear_earlier(const za_sections *sections)
{
    const za_run *run = sections->run;
    for (size_t at = 0; at < run->count; at++) {
        for (int64_t row = 0; row < sections->times->first[at] - run->from[at]; row++) {
            for (int i = 0; i < sections->count; i++) {
                sections->list[i].results[run->row[at] + row] = NAN;
            }
        }
    }
}

/* The work of one worker: the times [first, last) of the comparisons of one column. */
typedef struct za_slice {
    const za_sections *sections;
    const za_comparison *list;
    int count;
    int64_t first, last;
    int64_t *cell;               /* of each series where the result of its first bar in the slice goes */
    za_member *members;          /* [time][series] */
    size_t *found;               /* members at each time */
    za_member *spare, *compared; /* [series] */
    int32_t *label_of;           /* of each member of one time */
    za_groups groups;
} za_slice;

static size_t most_labels(const za_slice *slice)
{
    size_t most = 0;
    for (int i = 0; i < slice->count; i++) {
        const za_label_codes *labels = slice->list[i].labels;
        most = labels != NULL && labels->count > most ? labels->count : most;
    }
    return most;
}

static bool open_slice(za_slice *slice, za_scratch *scratch)
{
    size_t series = slice->sections->run->count, times = (size_t)(slice->last - slice->first);
    size_t labels = most_labels(slice);
    size_t members = (times + 2) * series * sizeof *slice->members, cells = series * sizeof *slice->cell;
    size_t counts = (times + 2 * labels) * sizeof *slice->found;
    char *memory = za_scratch_get(scratch, members + cells + counts + (series + labels) * sizeof(int32_t));
    if (memory == NULL) {
        return false;
    }
    slice->members = (za_member *)(void *)memory;
    slice->spare = slice->members + times * series;
    slice->compared = slice->spare + series;
    slice->cell = (int64_t *)(void *)(memory + members);
    slice->found = (size_t *)(void *)(memory + members + cells);
    slice->label_of = (int32_t *)(void *)(memory + members + cells + counts);
    slice->groups = (za_groups){
        .members = slice->found + times, .ends = slice->found + times + labels, .labels = slice->label_of + series};
    memset(slice->found, 0, (times + labels) * sizeof *slice->found);
    return true;
}

/* The result of a bar; NAN of what takes no part. */
static void answer(const za_comparison *comparison, const za_slice *slice, const za_member *member, double value)
{
    comparison->results[slice->cell[member->series] + member->bar] = value;
}

/* A series with a bar at every time needs no look at them. */
static bool has_all_times(const za_sections *sections, size_t at, int64_t bars)
{
    return bars - sections->times->first[at] == sections->times->count;
}

/* The first bar of a series in the slice. */
static int64_t begin_of(const za_slice *slice, size_t at, za_bars_of series)
{
    const za_sections *sections = slice->sections;
    int64_t first = sections->times->first[at];
    if (has_all_times(sections, at, series.bars)) {
        return first + slice->first;
    }
    int64_t bar = za_first_bar_at(series, sections->times->times[slice->first]);
    return bar > first ? bar : first;
}

/* A bar at the time number `time` of the slice. */
static void enter(za_slice *slice, za_member member, int64_t time)
{
    if (isfinite(member.value)) {
        slice->members[(size_t)time * slice->sections->run->count + slice->found[time]++] = member;
        return;
    }
    for (int i = 0; i < slice->count; i++) {
        answer(&slice->list[i], slice, &member, NAN);
    }
}

static void enter_series(za_slice *slice, size_t at)
{
    const za_sections *sections = slice->sections;
    const za_run *run = sections->run;
    const int64_t *times = sections->times->times;
    za_bars_of series = za_run_bars_of(run, at);
    bool all_times = has_all_times(sections, at, series.bars);
    int64_t begin = begin_of(slice, at, series), time = slice->first;
    slice->cell[at] = run->row[at] + begin - run->from[at];
    const double *values = slice->list->values + slice->cell[at];
    for (int64_t bar = begin; bar < series.bars; bar++, time++) {
        while (!all_times && time < slice->last && times[time] < series.times[bar]) {
            time++;
        }
        if (time == slice->last) {
            return;
        }
        enter(slice, (za_member){values[bar - begin], (uint32_t)at, (uint32_t)(bar - begin)}, time - slice->first);
    }
}

/* A twin has what its ticker has, at the times of the slice. */
static void answer_twin(const za_slice *slice, const za_twin *twin)
{
    const za_run *run = slice->sections->run;
    za_bars_of series = za_run_bars_of(run, twin->at);
    int64_t begin = begin_of(slice, twin->at, series), latest = slice->sections->times->times[slice->last - 1];
    for (int64_t bar = begin; bar < series.bars && series.times[bar] <= latest; bar++) {
        for (int i = 0; i < slice->count; i++) {
            double *results = slice->list[i].results;
            results[run->row[twin->at] + bar - run->from[twin->at]] = results[slice->cell[twin->first] + bar - begin];
        }
    }
}

static void find_labels(const za_slice *slice, const za_comparison *comparison, const za_member *members, size_t count)
{
    const int32_t *codes = comparison->labels->codes;
    const za_run *run = slice->sections->run;
    for (size_t i = 0; i < count; i++) {
        size_t at = members[i].series;
        int64_t bar = slice->cell[at] + members[i].bar - run->row[at] + run->from[at];
        slice->label_of[i] = run->table == NULL ? codes[at] : codes[run->table->offsets[at] + bar];
        if (slice->label_of[i] < 0) {
            answer(comparison, slice, &members[i], NAN);
        }
    }
}

/* Compares sorted members. */
static void compare(za_slice *slice, const za_comparison *comparison, const za_member *members, size_t count)
{
    za_groups *groups = &slice->groups;
    if (comparison->labels == NULL) {
        memcpy(slice->compared, members, count * sizeof *members);
        za_across_apply(comparison->kind, comparison->share, slice->compared, count);
    } else {
        size_t first = 0;
        find_labels(slice, comparison, members, count);
        za_across_group(members, slice->label_of, count, slice->compared, groups);
        for (size_t group = 0; group < groups->count; first = groups->ends[group++]) {
            za_across_apply(comparison->kind, comparison->share, slice->compared + first, groups->ends[group] - first);
        }
        count = first;
    }
    for (size_t i = 0; i < count; i++) {
        answer(comparison, slice, &slice->compared[i], slice->compared[i].value);
    }
}

/* The comparisons of the column number `column`. */
static za_slice slice_of(const za_sections *sections, size_t column)
{
    za_slice slice = {.sections = sections, .list = sections->list};
    const za_comparison *end = sections->list + sections->count;
    for (;; column--) {
        for (slice.count = 1; slice.list + slice.count < end && slice.list[slice.count].values == slice.list->values;
             slice.count++) {
        }
        if (column == 0) {
            return slice;
        }
        slice.list += slice.count;
    }
}

static void run_slice(const za_sections *sections, size_t item, za_scratch *scratch)
{
    size_t blocks = (size_t)((sections->times->count + sections->block - 1) / sections->block);
    size_t series = sections->run->count;
    za_slice slice = slice_of(sections, item / blocks);
    slice.first = (int64_t)(item % blocks) * sections->block;
    slice.last = slice.first + sections->block;
    slice.last = slice.last < sections->times->count ? slice.last : sections->times->count;
    if (!za_run_goes_on(sections->run)) {
        return;
    }
    if (!open_slice(&slice, scratch)) {
        za_run_end((za_run *)(uintptr_t)sections->run, ZA_NO_MEMORY);
        return;
    }
    const za_tickers *tickers = &sections->run->tickers;
    for (size_t at = 0, twin = 0; at < series; at++) {
        if (twin < tickers->twin_count && tickers->twins[twin].at == at) {
            twin++;
        } else {
            enter_series(&slice, at);
        }
    }
    for (int64_t time = 0; time < slice.last - slice.first; time++) {
        size_t count = slice.found[time];
        const za_member *sorted = za_across_sort(slice.members + (size_t)time * series, count, slice.spare);
        for (int i = 0; i < slice.count; i++) {
            compare(&slice, &slice.list[i], sorted, count);
        }
    }
    for (size_t i = 0; i < tickers->twin_count; i++) {
        answer_twin(&slice, &tickers->twins[i]);
    }
}

static void run_items(za_job *job, size_t begin, size_t end, za_scratch *scratch)
{
    const za_sections *sections = (const za_sections *)(void *)((char *)job - offsetof(za_sections, job));
    for (size_t item = begin; item < end; item++) {
        run_slice(sections, item, scratch);
    }
}

static int by_column(const void *a, const void *b)
{
    uintptr_t left = (uintptr_t)((const za_comparison *)a)->values;
    uintptr_t right = (uintptr_t)((const za_comparison *)b)->values;
    return (left > right) - (left < right);
}

/* Puts comparisons of a column side by side, and returns how many columns there are. */
static size_t order_by_column(za_comparison *list, int count)
{
    size_t columns = 1;
    qsort(list, (size_t)count, sizeof *list, by_column);
    for (int i = 1; i < count; i++) {
        columns += list[i].values != list[i - 1].values;
    }
    return columns;
}

void za_sections_init(za_sections *sections)
{
    clear_earlier(sections);
    int64_t times = sections->times->count, block = VALUES_A_CLAIM / (int64_t)(sections->run->count + 1) + 1;
    sections->block = block < MOST_TIMES ? block : MOST_TIMES;
    size_t blocks = (size_t)((times + sections->block - 1) / sections->block);
    size_t columns = order_by_column(sections->list, sections->count);
    sections->job = (za_job){.run = run_items, .count = blocks * columns, .grain = 1};
}
