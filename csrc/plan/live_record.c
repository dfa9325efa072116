#include "plan/live_record.h"

#include "base/clock.h"
#include "plan/live_tiles.h"

/* Whole numbers up to it are doubles. */
#define MOST_BARS (INT64_C(1) << 53)

int64_t za_live_record_doubles(const za_live *live)
{
    return za_live_layout_vectors(&live->layout);
}

void za_live_take(za_live *live, int64_t row, za_live_record *record)
{
    pthread_mutex_lock(&live->mutex);
    const za_live_member *member = &live->members[row];
    record->bars = 0;
    if (member->tile != ZA_NO_TILE) {
        const za_live_tile *tile = &live->tiles[member->tile];
        za_live_take_lane(tile, &live->layout, member->lane, record->states);
        record->bars = tile->bars;
        record->time = live->board->times[row];
    }
    pthread_mutex_unlock(&live->mutex);
}

/* How many of the rows are up to `time`, if one of them is of that time; 0 if all are later, -1 else. */
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

/* A tile of its own, which has seen the bar of that time but is to take it in again. */
static za_code put(za_live *live, int64_t row, const za_live_record *record, const za_progress *seen)
{
    za_live_tile tile;
    if (!za_live_reserve_tiles(live, 1) || !za_live_tile_make(&tile, &live->one)) {
        return ZA_NO_MEMORY;
    }
    za_live_put_lane(&tile, &live->layout, 0, record->states);
    tile.bars = record->bars;
    tile.used = 1;
    tile.row[0] = (int32_t)row;
    za_live_add_tile(live, &tile);
    live->members[row].seen = *seen;
    live->members[row].fingerprint = 0; /* whatever the bar of that time is now, it is taken in again */
    live->present++;
    live->is_current = false;
    atomic_fetch_sub_explicit(&live->revised, 1, memory_order_relaxed); /* which that bar will count as */
    live->moves++;
    return ZA_OK;
}

static bool can_be_of(const za_live *live, const za_live_record *record)
{
    return record->bars > 0 && record->bars <= MOST_BARS &&
           za_live_states_fit(&live->layout, record->bars, record->states);
}

static za_code fail_put(za_symbol symbol, const za_live_record *record, za_error *error)
{
    char text[ZA_TIME_TEXT];
    za_time_text(record->time, text);
    return za_fail(error, ZA_BAD_VALUE, "%.*s: the store has no bar of %s, the last one that the states have seen",
                   za_symbol_shown(symbol), symbol.text, text);
}

za_code za_live_put(za_live *live, int64_t row, const za_live_record *record, za_error *error)
{
    pthread_mutex_lock(&live->mutex);
    za_symbol symbol = {live->names.texts[row], live->names.lengths[row]};
    za_view view = za_store_view(live->spec.store, symbol);
    int64_t seen = rows_up_to(&view.rows, record->time);
    za_code code = ZA_OK;
    if (!can_be_of(live, record)) {
        code = za_fail(error, ZA_BAD_VALUE, "%.*s: these cannot be the states of %lld bars", za_symbol_shown(symbol),
                       symbol.text, (long long)record->bars);
    } else if (view.rows.count > 0 && seen < 0) {
        code = fail_put(symbol, record, error);
    } else if (seen > 0) {
        za_progress progress = view.progress;
        progress.end -= view.rows.count - seen;
        progress.revisions--;
        code = put(live, row, record, &progress);
        code = code == ZA_OK ? ZA_OK : za_fail_memory(error);
    } else if (view.rows.count > 0) {
        atomic_fetch_add_explicit(&live->restarted, 1, memory_order_relaxed); /* with what the store has kept */
    }
    za_view_release(&view);
    pthread_mutex_unlock(&live->mutex);
    return code;
}
