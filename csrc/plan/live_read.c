/* What others read of live states, and the states themselves on their way to a file and back. */
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "kernels/lanes.h"
#include "plan/live_inside.h"

za_live_stats za_live_stats_of(za_live *live)
{
    pthread_mutex_lock(&live->mutex);
    za_live_stats stats = {.bars = atomic_load(&live->bars),
                           .revised = atomic_load(&live->revised),
                           .restarted = atomic_load(&live->restarted),
                           .tickers = live->present,
                           .tiles = live->tile_count};
    for (int64_t i = 0; i < live->tile_count; i++) {
        stats.bytes += za_live_state_doubles(live) * live->tiles[i].set->lanes * (int64_t)sizeof(double);
    }
    pthread_mutex_unlock(&live->mutex);
    return stats;
}

za_live_board *za_live_board_of(za_live *live)
{
    pthread_mutex_lock(&live->board_mutex);
    za_live_board *board = live->board;
    atomic_fetch_add_explicit(&board->references, 1, memory_order_relaxed);
    pthread_mutex_unlock(&live->board_mutex);
    return board;
}

void za_live_copy(za_live *live, const za_live_board *board, double *values, int64_t *times)
{
    size_t rows = (size_t)board->rows;
    pthread_mutex_lock(&live->mutex);
    memcpy(values, board->values, rows * (size_t)za_plan_output_count(live->spec.plan) * sizeof *values);
    memcpy(times, board->times, rows * sizeof *times);
    pthread_mutex_unlock(&live->mutex);
}

za_symbol za_live_symbol(za_live *live, int64_t row)
{
    pthread_mutex_lock(&live->mutex);
    za_symbol symbol = {live->names.texts[row], live->names.lengths[row]};
    pthread_mutex_unlock(&live->mutex);
    return symbol;
}

int64_t za_live_state_doubles(const za_live *live)
{
    return za_live_layout_vectors(&live->layout);
}

int64_t za_live_take(za_live *live, int64_t row, int64_t *time, double *states)
{
    int64_t bars = 0;
    pthread_mutex_lock(&live->mutex);
    const za_live_member *member = &live->members[row];
    if (member->tile != ZA_NO_TILE) {
        const za_live_tile *tile = &live->tiles[member->tile];
        za_live_take_lane(tile, &live->layout, member->lane, states);
        bars = tile->bars;
        *time = live->board->times[row];
    }
    pthread_mutex_unlock(&live->mutex);
    return bars;
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
static za_code put(za_live *live, int64_t row, int64_t bars, const za_progress *seen, const double *states)
{
    za_live_tile tile;
    if (!za_live_reserve_tiles(live, 1) || !za_live_tile_make(&tile, &live->layout, za_lane_set_one())) {
        return ZA_NO_MEMORY;
    }
    za_live_put_lane(&tile, &live->layout, 0, states);
    tile.bars = bars;
    tile.used = 1;
    tile.row[0] = (int32_t)row;
    za_live_add_tile(live, &tile);
    live->members[row].seen = *seen;
    live->present++;
    live->sequence = UINT64_MAX; /* the next update is to look at it, whatever the store's is */
    atomic_fetch_sub_explicit(&live->revised, 1, memory_order_relaxed); /* which that bar will count as */
    live->moves++;
    return ZA_OK;
}

/* Whole numbers up to it are doubles. */
#define MOST_BARS (INT64_C(1) << 53)

za_code za_live_put(za_live *live, int64_t row, int64_t bars, int64_t time, const double *states, za_error *error)
{
    pthread_mutex_lock(&live->mutex);
    za_symbol symbol = {live->names.texts[row], live->names.lengths[row]};
    za_view view = za_store_view(live->spec.store, symbol);
    int64_t seen = rows_up_to(&view.rows, time);
    za_code code = ZA_OK;
    if (bars < 1 || bars > MOST_BARS || !za_live_states_fit(&live->layout, bars, states)) {
        code = za_fail(error, ZA_BAD_VALUE, "%.*s: these are no states of %lld bars", za_symbol_shown(symbol),
                       symbol.text, (long long)bars);
    } else if (view.rows.count > 0 && seen < 0) {
        char text[ZA_TIME_TEXT];
        za_time_text(time, text);
        code = za_fail(error, ZA_BAD_VALUE, "%.*s: the store has no bar of %s, the last one that the states have seen",
                       za_symbol_shown(symbol), symbol.text, text);
    } else if (seen > 0) {
        za_progress progress = view.progress;
        progress.end -= view.rows.count - seen;
        progress.revisions--; /* whatever the bar of that time is now, it is taken in again */
        code = put(live, row, bars, &progress, states);
        code = code == ZA_OK ? ZA_OK : za_fail_memory(error);
    } else if (view.rows.count > 0) {
        atomic_fetch_add_explicit(&live->restarted, 1, memory_order_relaxed); /* with what the store has kept */
    }
    za_view_release(&view);
    pthread_mutex_unlock(&live->mutex);
    return code;
}
