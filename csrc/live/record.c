#include "live/record.h"

#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "live/take.h"
#include "live/tiles.h"

/* Whole numbers up to it are doubles. */
#define MOST_BARS (INT64_C(1) << 53)

int64_t za_live_record_doubles(const za_live *live)
{
    return za_live_layout_vectors(&live->layout);
}

/* Returns how many of the rows are up to `time`, if one of them is of that time; 0 if all are later, -1 else. */
static int64_t rows_up_to(const za_rows *rows, int64_t time)
{
    int64_t least = 0, most = rows->count;
    while (least < most) {
        int64_t middle = (least + most) / 2;
        if (rows->time[middle] < time) {
            least = middle + 1;
        } else {
            most = middle;
        }
    }
    bool found = least < rows->count && rows->time[least] == time;
    return found ? least + 1 : least == 0 && rows->count > 0 ? 0 : -1;
}

/* Returns the fingerprint of the bar before the last of the first `seen` rows, its time included; 0: the view has none.
 * Only bars that are loaded anew have another one: a store replaces no bar but the last. */
static uint64_t print_before(const za_live *live, const za_view *view, int64_t seen)
{
    if (seen < 2) {
        return 0;
    }
    double time;
    memcpy(&time, &view->rows.time[seen - 2], sizeof time);
    return za_live_mix(za_live_fingerprint_of(live, view, seen - 2), time);
}

static bool is_other_bar(const za_live *live, const za_view *view, int64_t seen, uint64_t before)
{
    uint64_t now = print_before(live, view, seen);
    return now != 0 && before != 0 && now != before;
}

static bool goes_on(const za_live *live, const za_live_member *member, const za_view *view)
{
    return za_live_news_of(live, member, view).change <= ZA_LIVE_NEWS;
}

/* Returns whether no other ticker's bars are anew, so that members may keep what they have read of them. */
static bool others_go_on(const za_live *live)
{
    bool all = true;
    for (int i = 0; all && i < live->other_count; i++) {
        const za_live_other *other = &live->others[i];
        za_view view = za_store_view(live->spec.store, other->symbol);
        all = other->tile.bars == 0 || goes_on(live, &other->member, &view);
        za_view_release(&view);
    }
    return all;
}

static void take(za_live *live, int64_t row, za_live_record *record)
{
    const za_live_member *member = &live->members[row];
    za_live_tile *tile = za_live_tile_of(live, row);
    za_live_settle(live, tile);
    za_view view = za_store_view(live->spec.store, (za_symbol){live->names.texts[row], live->names.lengths[row]});
    if (goes_on(live, member, &view)) {
        za_live_take_lane(tile, &live->layout, member->lane, record->states);
        record->bars = tile->bars;
        record->time = live->board->times[row];
        record->before = print_before(live, &view, rows_up_to(&view.rows, record->time));
    }
    za_view_release(&view);
}

void za_live_take(za_live *live, int64_t row, za_live_record *record)
{
    pthread_mutex_lock(&live->mutex);
    record->bars = 0;
    if (live->members[row].tile != ZA_NO_TILE && others_go_on(live)) {
        take(live, row, record);
    }
    pthread_mutex_unlock(&live->mutex);
}

/* A tile of its own, which has seen the bar of that time but is to take it in again. */
static za_code put(za_live *live, int64_t row, const za_live_record *record, const za_progress *seen)
{
    za_live_tile tile;
    za_live_stretch *stretch = za_live_stretch_of(live, row);
    if (!za_live_reserve_tiles(stretch, 1) || !za_live_tile_make(&tile, &live->one)) {
        return ZA_NO_MEMORY;
    }
    za_live_put_lane(&tile, &live->layout, 0, record->states);
    tile.bars = record->bars;
    tile.used = 1;
    tile.row[0] = (int32_t)row;
    za_live_add_tile(live, stretch, &tile);
    live->members[row].seen = *seen;
    live->members[row].fingerprint = 0; /* whatever the bar of that time is now, it is taken in again */
    live->present++;
    live->is_current = false;
    atomic_fetch_sub_explicit(&live->revised, 1, memory_order_relaxed); /* which that bar will count as */
    stretch->moves++;
    return ZA_OK;
}

static bool can_be_of(const za_live_layout *layout, const za_live_record *record)
{
    return record->bars > 0 && record->bars <= MOST_BARS && za_live_states_fit(layout, record->bars, record->states);
}

static za_code fail_put(za_symbol symbol, const za_live_record *record, za_error *error)
{
    char text[ZA_TIME_TEXT];
    za_time_text(record->time, text);
    return za_fail(error, ZA_BAD_VALUE, "%.*s: the store has no bar of %s, the last one that the states have seen",
                   za_symbol_shown(symbol), symbol.text, text);
}

static za_code fail_before(za_symbol symbol, const za_live_record *record, za_error *error)
{
    char text[ZA_TIME_TEXT];
    za_time_text(record->time, text);
    return za_fail(error, ZA_BAD_VALUE, "%.*s: the bar before that of %s is another one than the states have seen",
                   za_symbol_shown(symbol), symbol.text, text);
}

static za_code fail_states(za_symbol symbol, const za_live_record *record, za_error *error)
{
    return za_fail(error, ZA_BAD_VALUE, "%.*s: these cannot be the states of %lld bars", za_symbol_shown(symbol),
                   symbol.text, (long long)record->bars);
}

/* The progress as if the first `seen` rows of the view had been seen, and the last of them were replaced since. */
static za_progress progress_of(const za_view *view, int64_t seen)
{
    za_progress progress = view->progress;
    progress.end -= view->rows.count - seen;
    progress.revisions--;
    return progress;
}

za_code za_live_put(za_live *live, int64_t row, const za_live_record *record, za_error *error)
{
    pthread_mutex_lock(&live->mutex);
    za_symbol symbol = {live->names.texts[row], live->names.lengths[row]};
    za_view view = za_store_view(live->spec.store, symbol);
    int64_t seen = rows_up_to(&view.rows, record->time);
    za_code code = ZA_OK;
    if (!can_be_of(&live->layout, record)) {
        code = fail_states(symbol, record, error);
    } else if (view.rows.count > 0 && seen < 0) {
        code = fail_put(symbol, record, error);
    } else if (seen > 0 && !is_other_bar(live, &view, seen, record->before)) {
        za_progress progress = progress_of(&view, seen);
        code = put(live, row, record, &progress);
        code = code == ZA_OK ? ZA_OK : za_fail_memory(error);
    } else if (view.rows.count > 0) {
        atomic_fetch_add_explicit(&live->restarted, 1, memory_order_relaxed); /* with what the store has kept */
    }
    za_view_release(&view);
    pthread_mutex_unlock(&live->mutex);
    return code;
}

/* The head of each other ticker: how many bars have entered, the time of the last one, at how many the values are kept,
 * the fingerprint of the bar before; then the states, the times and the values. */
typedef struct za_live_other_head {
    int64_t bars, time, count;
    uint64_t before;
} za_live_other_head;

static size_t state_bytes(const za_live_other *other)
{
    return (size_t)za_live_layout_vectors(&other->layout) * sizeof(double);
}

static size_t bar_bytes(const za_live_other *other)
{
    return sizeof(int64_t) + (size_t)other->series.outputs * sizeof(double);
}

static size_t others_bytes(const za_live *live)
{
    size_t bytes = 0;
    for (int i = 0; i < live->other_count; i++) {
        const za_live_other *other = &live->others[i];
        bytes += sizeof(za_live_other_head) + state_bytes(other) + (size_t)other->series.count * bar_bytes(other);
    }
    return bytes;
}

static char *add(char *to, const void *from, size_t bytes)
{
    memcpy(to, from, bytes);
    return to + bytes;
}

/* Returns the head of an other ticker; an empty one if its bars are anew. */
static za_live_other_head head_of(const za_live *live, const za_live_other *other)
{
    za_live_other_head head = {0};
    za_view view = za_store_view(live->spec.store, other->symbol);
    if (other->tile.bars > 0 && goes_on(live, &other->member, &view)) {
        uint64_t before = print_before(live, &view, rows_up_to(&view.rows, other->time));
        head = (za_live_other_head){other->tile.bars, other->time, other->series.count, before};
    }
    za_view_release(&view);
    return head;
}

/* Tickers without bars have states all the same, of nothing. */
static char *take_other(const za_live *live, const za_live_other *other, char *to)
{
    const za_live_series *series = &other->series;
    za_live_other_head head = head_of(live, other);
    double *states = (double *)(void *)(to = add(to, &head, sizeof head)); /* heads and states are whole doubles */
    to += state_bytes(other);
    if (head.bars == 0) {
        memset(states, 0, state_bytes(other));
        return to;
    }
    za_live_take_lane(&other->tile, &other->layout, 0, states);
    to = add(to, series->times, (size_t)series->count * sizeof *series->times);
    return add(to, series->values, (size_t)(series->count * series->outputs) * sizeof *series->values);
}

char *za_live_take_others(za_live *live, size_t *bytes)
{
    pthread_mutex_lock(&live->mutex);
    char *taken = za_alloc(1, others_bytes(live)), *to = taken;
    for (int i = 0; taken != NULL && i < live->other_count; i++) {
        to = take_other(live, &live->others[i], to);
    }
    *bytes = (size_t)(to - taken);
    pthread_mutex_unlock(&live->mutex);
    return taken;
}

/* Where the parts of another ticker begin in bytes that hold them. */
typedef struct za_live_other_parts {
    za_live_other_head head;
    const char *states, *times, *values, *end;
} za_live_other_parts;

static bool find_parts(const za_live_other *other, const char *from, size_t bytes, za_live_other_parts *parts)
{
    size_t fixed = sizeof parts->head + state_bytes(other);
    if (bytes < fixed) {
        return false;
    }
    memcpy(&parts->head, from, sizeof parts->head);
    size_t count = (size_t)parts->head.count;
    if (parts->head.count < 0 || count > (bytes - fixed) / bar_bytes(other)) {
        return false;
    }
    parts->states = from + sizeof parts->head;
    parts->times = from + fixed;
    parts->values = parts->times + count * sizeof(int64_t);
    parts->end = from + fixed + count * bar_bytes(other);
    return true;
}

/* Ascending times, of which the last is that of the record. */
static bool times_fit(const za_live_series *series, int64_t last)
{
    bool fit = series->times[series->count - 1] == last;
    for (int64_t i = 1; fit && i < series->count; i++) {
        fit = series->times[i - 1] < series->times[i];
    }
    return fit;
}

/* The parts become the other ticker's states, if the store goes on from there. `record` has memory for its states. */
static za_code put_other(const za_live *live, za_live_other *other, const za_live_other_parts *parts,
                         za_live_record *record, za_error *error)
{
    za_live_series *series = &other->series;
    record->bars = parts->head.bars;
    record->time = parts->head.time;
    memcpy(record->states, parts->states, state_bytes(other));
    if (parts->head.count == 0 || !can_be_of(&other->layout, record)) {
        return fail_states(other->symbol, record, error);
    }
    if (!za_live_series_reserve(series, parts->head.count, INT64_MAX / 2)) {
        return za_fail_memory(error);
    }
    memcpy(series->times, parts->times, (size_t)parts->head.count * sizeof *series->times);
    memcpy(series->values, parts->values, (size_t)(parts->head.count * series->outputs) * sizeof *series->values);
    series->count = parts->head.count;
    za_view view = za_store_view(live->spec.store, other->symbol);
    int64_t seen = rows_up_to(&view.rows, record->time);
    za_code code = ZA_OK;
    if (!times_fit(series, record->time)) {
        code = fail_states(other->symbol, record, error);
    } else if (view.rows.count > 0 && seen < 0) {
        code = fail_put(other->symbol, record, error);
    } else if (is_other_bar(live, &view, seen, parts->head.before)) {
        code = fail_before(other->symbol, record, error);
    } else if (seen > 0) {
        za_live_put_lane(&other->tile, &other->layout, 0, record->states);
        other->tile.bars = record->bars;
        other->time = record->time;
        other->member.seen = progress_of(&view, seen);
    }
    series->count = other->tile.bars > 0 ? series->count : 0; /* else it begins anew */
    za_view_release(&view);
    return code;
}

static za_code put_parts(const za_live *live, za_live_other *other, const za_live_other_parts *parts, za_error *error)
{
    za_live_record record = {.states = za_alloc(1, state_bytes(other))};
    za_code code = record.states == NULL   ? za_fail_memory(error)
                   : parts->head.bars == 0 ? ZA_OK
                                           : put_other(live, other, parts, &record, error);
    za_free(record.states);
    return code;
}

za_code za_live_put_others(za_live *live, const char *from, size_t bytes, za_error *error)
{
    pthread_mutex_lock(&live->mutex);
    const char *end = from + bytes;
    za_code code = ZA_OK;
    for (int i = 0; code == ZA_OK && i < live->other_count; i++) {
        za_live_other_parts parts;
        bool there = find_parts(&live->others[i], from, (size_t)(end - from), &parts);
        code = there ? put_parts(live, &live->others[i], &parts, error)
                     : za_fail(error, ZA_BAD_VALUE, "the states of other tickers are cut off");
        from = there ? parts.end : end;
    }
    if (code == ZA_OK && from != end) {
        code = za_fail(error, ZA_BAD_VALUE, "there is more than the states of other tickers");
    }
    pthread_mutex_unlock(&live->mutex);
    return code;
}
