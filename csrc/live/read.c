#include "live/read.h"

#include <string.h>

#include "live/tiles.h"

za_live_stats za_live_stats_of(za_live *live)
{
    pthread_mutex_lock(&live->mutex);
    za_live_stats stats = {.bars = atomic_load(&live->bars),
                           .revised = atomic_load(&live->revised),
                           .restarted = atomic_load(&live->restarted),
                           .tickers = live->present};
    for (int64_t i = 0; i < za_live_stretch_count(live); i++) {
        const za_live_stretch *stretch = &live->stretches[i];
        stats.tiles += stretch->count;
        for (int64_t at = 0; at < stretch->count; at++) {
            stats.bytes +=
                za_live_layout_vectors(&live->layout) * stretch->tiles[at].set->lanes * (int64_t)sizeof(double);
        }
    }
    for (int i = 0; i < live->other_count; i++) {
        const za_live_other *other = &live->others[i];
        int64_t bar = (int64_t)sizeof(int64_t) + other->series.outputs * (int64_t)sizeof(double);
        stats.bytes += za_live_layout_vectors(&other->layout) * (int64_t)sizeof(double) + other->series.room * bar;
    }
    pthread_mutex_unlock(&live->mutex);
    return stats;
}

za_live_board *za_live_board_of(za_live *live)
{
    pthread_mutex_lock(&live->board_mutex);
    za_live_board *board = live->board;
    za_live_board_retain(board);
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
