#include "plan/sections.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"

/* Values a claim, and times at most. */
enum { VALUES_A_CLAIM = 65536, MOST_TIMES = 1024 };

/* Ascending times, each once. */
typedef struct za_times {
    const int64_t *times;
    int64_t count;
    int64_t *owned; /* NULL while they are those of a series */
} za_times;

/* The rows of a series that take part: from the bar `first` on. */
static int64_t first_of(const za_sections *sections, za_bars_of series, size_t at, int64_t oldest)
{
    int64_t first = za_first_bar_at(series, oldest), from = sections->run->from[at];
    return first < from ? from : first < series.bars ? first : series.bars;
}

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
static bool times_of(const za_sections *sections, size_t begin, size_t end, int64_t oldest, za_times *times)
{
    *times = (za_times){.times = NULL};
    if (end - begin <= 1) {
        if (end > begin) {
            za_bars_of series = za_run_bars_of(sections->run, begin);
            int64_t first = first_of(sections, series, begin, oldest);
            *times = (za_times){.times = series.bars > 0 ? series.times + first : NULL, .count = series.bars - first};
        }
        return true;
    }
    za_times right = {.times = NULL};
    size_t middle = begin + (end - begin) / 2;
    bool found = times_of(sections, begin, middle, oldest, times) && times_of(sections, middle, end, oldest, &right);
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

/* Rows before the first that takes part have no value. */
static void clear_earlier(const za_sections *sections, int64_t oldest)
{
    const za_run *run = sections->run;
    for (size_t at = 0; at < run->count; at++) {
        int64_t first = first_of(sections, za_run_bars_of(run, at), at, oldest);
        for (int i = 0; i < sections->count; i++) {
            double *results = sections->list[i].results + run->row[at];
            for (int64_t row = 0; row < first - run->from[at]; row++) {
                results[row] = NAN;
            }
        }
    }
}

/* What a worker has in hand: the times [first, last) of one section, with the members of each. */
typedef struct za_slice {
    const za_sections *sections;
    const za_comparison *section;
    int64_t first, last;
    za_member *members, *spare; /* [time][series] and [series] */
    size_t *found;              /* members at each time */
    za_groups groups;
} za_slice;

static bool open_slice(za_slice *slice, za_scratch *scratch)
{
    size_t series = slice->sections->run->count, times = (size_t)(slice->last - slice->first);
    size_t labels = slice->section->labels == NULL ? 0 : slice->section->labels->count;
    size_t members = (times + 1) * series * sizeof *slice->members;
    size_t counts = (times + 2 * labels) * sizeof(size_t);
    char *memory = za_scratch_get(scratch, members + counts + labels * sizeof(int32_t) + 1);
    if (memory == NULL) {
        return false;
    }
    slice->members = (za_member *)(void *)memory;
    slice->spare = slice->members + times * series;
    slice->found = (size_t *)(void *)(memory + members);
    slice->groups = (za_groups){.members = slice->found + times,
                                .ends = slice->found + times + labels,
                                .labels = (int32_t *)(void *)(memory + members + counts)};
    memset(slice->found, 0, (times + labels) * sizeof *slice->found);
    return true;
}

static int32_t label_of(const za_slice *slice, size_t at, int64_t bar)
{
    const za_label_codes *labels = slice->section->labels;
    const za_run *run = slice->sections->run;
    return labels == NULL ? 0 : run->table == NULL ? labels->codes[at] : labels->codes[run->table->offsets[at] + bar];
}

/* A row at the time number `time` of the slice. What has no part in it has no value. */
static void enter(za_slice *slice, size_t at, int64_t bar, size_t time)
{
    const za_run *run = slice->sections->run;
    int64_t cell = run->row[at] + bar - run->from[at];
    za_member member = {.value = slice->section->values[cell], .cell = cell, .label = label_of(slice, at, bar)};
    slice->section->results[cell] = NAN;
    if (isfinite(member.value) && member.label >= 0) {
        slice->members[time * run->count + slice->found[time]++] = member;
    }
}

static void enter_series(za_slice *slice, size_t at)
{
    const za_sections *sections = slice->sections;
    const int64_t *times = sections->times;
    za_bars_of series = za_run_bars_of(sections->run, at);
    int64_t latest = times[slice->last - 1];
    int64_t bar = first_of(sections, series, at, times[slice->first]), time = slice->first;
    for (; bar < series.bars && series.times[bar] <= latest; bar++) {
        while (times[time] < series.times[bar]) {
            time++;
        }
        enter(slice, at, bar, (size_t)(time - slice->first));
    }
}

/* A twin has what its ticker has, at the times of the slice. */
static void answer_twin(const za_slice *slice, const za_twin *twin)
{
    const za_run *run = slice->sections->run;
    const int64_t *times = slice->sections->times;
    za_bars_of series = za_run_bars_of(run, twin->at);
    int64_t bar = first_of(slice->sections, series, twin->at, times[slice->first]);
    double *results = slice->section->results;
    for (; bar < series.bars && series.times[bar] <= times[slice->last - 1]; bar++) {
        results[run->row[twin->at] + bar - run->from[twin->at]] =
            results[run->row[twin->first] + bar - run->from[twin->first]];
    }
}

static void compare(za_slice *slice, za_member *members, size_t count)
{
    const za_comparison *section = slice->section;
    if (section->labels == NULL) {
        za_across_apply(section->kind, section->share, members, count, slice->spare);
    } else {
        const za_groups *groups = &slice->groups;
        za_across_group(members, count, slice->spare, &slice->groups);
        for (size_t group = 0, first = 0; group < groups->count; first = groups->ends[group++]) {
            size_t members_of_group = groups->ends[group] - first;
            za_across_apply(section->kind, section->share, members + first, members_of_group, slice->spare);
        }
    }
    for (size_t i = 0; i < count; i++) {
        section->results[members[i].cell] = members[i].value;
    }
}

static void run_slice(const za_sections *sections, size_t item, za_scratch *scratch)
{
    size_t blocks = sections->job.count / (size_t)sections->count;
    za_slice slice = {.sections = sections,
                      .section = &sections->list[item / blocks],
                      .first = (int64_t)(item % blocks) * sections->block};
    slice.last = slice.first + sections->block;
    slice.last = slice.last < sections->time_count ? slice.last : sections->time_count;
    if (slice.first >= slice.last || !za_run_goes_on(sections->run)) {
        return;
    }
    if (!open_slice(&slice, scratch)) {
        za_run_end((za_run *)(uintptr_t)sections->run, ZA_NO_MEMORY);
        return;
    }
    for (size_t at = 0, twin = 0; at < sections->run->count; at++) {
        if (twin < sections->twin_count && sections->twins[twin].at == at) {
            twin++;
        } else {
            enter_series(&slice, at);
        }
    }
    for (size_t time = 0; time < (size_t)(slice.last - slice.first); time++) {
        compare(&slice, slice.members + time * sections->run->count, slice.found[time]);
    }
    for (size_t i = 0; i < sections->twin_count; i++) {
        answer_twin(&slice, &sections->twins[i]);
    }
}

static void run_items(za_job *job, size_t begin, size_t end, za_scratch *scratch)
{
    const za_sections *sections = (const za_sections *)(void *)((char *)job - offsetof(za_sections, job));
    for (size_t item = begin; item < end; item++) {
        run_slice(sections, item, scratch);
    }
}

za_code za_sections_init(za_sections *sections, int64_t oldest, za_error *error)
{
    za_times times;
    const za_run *run = sections->run;
    if ((run->table == NULL &&
         !za_twins_find(run->tickers.views, run->count, &sections->twins, &sections->twin_count)) ||
        !times_of(sections, 0, run->count, oldest, &times)) {
        return za_fail_memory(error);
    }
    if (times.owned == NULL && times.count > 0) { /* all series have the times of one of them */
        times.owned = za_alloc((size_t)times.count, sizeof *times.owned);
        if (times.owned == NULL) {
            return za_fail_memory(error);
        }
        memcpy(times.owned, times.times, (size_t)times.count * sizeof *times.owned);
    }
    sections->times = times.owned;
    sections->time_count = times.count;
    clear_earlier(sections, oldest);
    int64_t block = VALUES_A_CLAIM / (int64_t)(sections->run->count + 1) + 1;
    sections->block = block < MOST_TIMES ? block : MOST_TIMES;
    size_t blocks = (size_t)((times.count + sections->block - 1) / sections->block);
    sections->job =
        (za_job){.run = run_items, .count = (blocks > 0 ? blocks : 1) * (size_t)sections->count, .grain = 1};
    return ZA_OK;
}

void za_sections_release(za_sections *sections)
{
    za_free(sections->times);
    za_free(sections->twins);
    sections->times = NULL;
    sections->twins = NULL;
    sections->twin_count = 0;
}
