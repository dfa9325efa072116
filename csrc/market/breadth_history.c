#include "market/breadth_history.h"

#include <stdlib.h>

#include "base/memory.h"
#include "kernels/lanes.h"
#include "store/breadth.h"

/* Symbols a claim, of some hundred bars each; bars computed at once; symbols whose bars are taken under one lock, so
 * that an append never waits long. */
enum { GRAIN = 32, BLOCK = 256, AT_ONCE = 256 };

static bool add_change(za_breadth_changes *changes, za_breadth_change change)
{
    if (changes->count == changes->room) {
        int64_t room = changes->room * 2 + 8;
        za_breadth_change *list = za_resize(changes->list, (size_t)room, sizeof *list);
        if (list == NULL) {
            return false;
        }
        changes->list = list;
        changes->room = room;
    }
    changes->list[changes->count++] = change;
    changes->above += change.above;
    return true;
}

/* Adds the bars [from, from + count) with their averages, which come after those that were added before. */
static bool add_sides(za_breadth_changes *changes, const za_rows *rows, int64_t from, int64_t count,
                      const double *averages)
{
    for (int64_t i = 0; i < count; i++) {
        int64_t bar = from + i;
        int32_t above = rows->figure[ZA_FIGURE_CLOSE][bar] > averages[i];
        bool is_first = bar == ZA_BREADTH_BARS - 1;
        bool is_change = is_first || (bar >= ZA_BREADTH_BARS && above != changes->above);
        if (is_change && !add_change(changes, (za_breadth_change){rows->time[bar], is_first, above - changes->above})) {
            return false;
        }
    }
    return true;
}

/* With the bits of the average that the breadth of now is made from. */
static bool read_symbol(za_breadth_changes *changes, const za_rows *rows)
{
    static const za_params params = {{ZA_BREADTH_BARS}};
    _Alignas(64) double state[4 * ZA_BREADTH_BARS]; /* as in store/breadth.c */
    double averages[BLOCK];
    const za_lane_set *one = za_lane_set_one();
    one->start(ZA_INDICATOR_sma, &params, 0, state);
    for (int64_t from = 0; from < rows->count; from += BLOCK) {
        int64_t count = rows->count - from < BLOCK ? rows->count - from : BLOCK;
        za_kernel_block block = {.indicator = ZA_INDICATOR_sma,
                                 .params = &params,
                                 .age = from,
                                 .bars = count,
                                 .in = {rows->figure[ZA_FIGURE_CLOSE] + from},
                                 .out = {averages},
                                 .state = state};
        one->run(&block);
        if (!add_sides(changes, rows, from, count, averages)) {
            return false;
        }
    }
    return true;
}

static void end_with(za_breadth_history *history, za_code code)
{
    int none = ZA_OK;
    (void)atomic_compare_exchange_strong(&history->ended, &none, (int)code);
}

static void run_items(za_job *job, size_t begin, size_t end, za_scratch *scratch)
{
    (void)scratch;
    za_breadth_history *history = (za_breadth_history *)(void *)job;
    for (size_t at = begin; at < end && atomic_load_explicit(&history->ended, memory_order_relaxed) == ZA_OK; at++) {
        if (za_symbol_is_index(history->symbols[at])) {
            continue;
        }
        const za_rows *rows = &history->views[at].rows;
        if (rows->count >= ZA_BREADTH_BARS && !read_symbol(&history->changes[at], rows)) {
            end_with(history, ZA_NO_MEMORY);
        }
    }
}

za_code za_breadth_history_init(za_breadth_history *history, za_error *error)
{
    atomic_init(&history->ended, ZA_OK);
    history->symbols = za_store_symbols(history->store, &history->count);
    if (history->symbols == NULL) {
        return za_fail_memory(error);
    }
    if (!za_store_options_of(history->store).ordered) {
        history->count = 0; /* such a store has no breadth */
    }
    history->changes = za_alloc_zeroed(history->count, sizeof *history->changes);
    history->views = za_alloc_zeroed(history->count, sizeof *history->views);
    if (history->changes == NULL || history->views == NULL) {
        return za_fail_memory(error);
    }
    for (size_t at = 0; at < history->count; at += AT_ONCE) {
        size_t count = history->count - at < AT_ONCE ? history->count - at : AT_ONCE;
        (void)za_store_views(history->store, history->symbols + at, count, history->views + at);
    }
    history->job = (za_job){.run = run_items, .count = history->count, .grain = GRAIN, .urgency = ZA_NORMAL};
    return ZA_OK;
}

void za_breadth_history_cancel(za_breadth_history *history)
{
    end_with(history, ZA_CANCELLED);
}

static int compare_times(const void *one, const void *other)
{
    int64_t a = ((const za_breadth_change *)one)->time, b = ((const za_breadth_change *)other)->time;
    return (a > b) - (a < b);
}

/* All changes in order of time; NULL without memory. */
static za_breadth_change *sorted_changes(const za_breadth_history *history, int64_t *count)
{
    *count = 0;
    for (size_t i = 0; i < history->count; i++) {
        *count += history->changes[i].count;
    }
    za_breadth_change *all = za_alloc((size_t)*count, sizeof *all);
    int64_t at = 0;
    for (size_t i = 0; all != NULL && i < history->count; i++) {
        for (int64_t k = 0; k < history->changes[i].count; k++) {
            all[at++] = history->changes[i].list[k];
        }
    }
    if (all != NULL) {
        qsort(all, (size_t)*count, sizeof *all, compare_times);
    }
    return all;
}

static void sum_up(za_breadth_history *history, const za_breadth_change *all, int64_t count)
{
    int64_t counted = 0, above = 0;
    for (int64_t i = 0; i < count; i++) {
        counted += all[i].counted;
        above += all[i].above;
        if (i + 1 == count || all[i + 1].time != all[i].time) {
            history->times[history->steps] = all[i].time;
            history->percent[history->steps++] = 100.0 * (double)above / (double)counted;
        }
    }
}

za_code za_breadth_history_merge(za_breadth_history *history, za_error *error)
{
    za_code ended = (za_code)atomic_load(&history->ended);
    ended = ended != ZA_OK ? ended : history->job.code;
    if (ended != ZA_OK && ended != ZA_NO_MEMORY) {
        return za_fail(error, ended,
                       ended == ZA_EXPIRED ? "the deadline passed before the signals were done"
                                           : "the computation of signals was cancelled");
    }
    int64_t count;
    za_breadth_change *all = ended == ZA_OK ? sorted_changes(history, &count) : NULL;
    if (all != NULL) {
        history->times = za_alloc((size_t)count, sizeof *history->times);
        history->percent = za_alloc((size_t)count, sizeof *history->percent);
    }
    bool is_done = all != NULL && history->times != NULL && history->percent != NULL;
    if (is_done) {
        sum_up(history, all, count);
    }
    za_free(all);
    return is_done ? ZA_OK : za_fail_memory(error);
}

void za_breadth_history_release(za_breadth_history *history)
{
    for (size_t i = 0; history->changes != NULL && i < history->count; i++) {
        za_free(history->changes[i].list);
    }
    for (size_t i = 0; history->views != NULL && i < history->count; i++) {
        za_view_release(&history->views[i]);
    }
    za_free(history->changes);
    za_free(history->views);
    za_free(history->symbols);
    za_free(history->times);
    za_free(history->percent);
}
