#include "live/board.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "store/bars.h"

static void fill(za_live_board *board, const za_live_board *former)
{
    int64_t known = former == NULL ? 0 : former->rows;
    for (int feature = 0; feature < board->features; feature++) {
        double *column = board->values + feature * board->rows;
        if (known > 0) {
            memcpy(column, former->values + feature * known, (size_t)known * sizeof *column);
        }
        for (int64_t row = known; row < board->rows; row++) {
            column[row] = NAN;
        }
    }
    for (int64_t row = 0; row < board->rows; row++) {
        board->times[row] = row < known ? former->times[row] : ZA_TIME_MISSING;
    }
}

za_live_board *za_live_board_new(int64_t rows, int features, const za_live_board *former)
{
    za_live_board *board = za_alloc(1, sizeof *board);
    double *values = za_alloc_aligned((size_t)rows * (size_t)features, sizeof *values);
    int64_t *times = za_alloc((size_t)rows, sizeof *times);
    if (board == NULL || values == NULL || times == NULL) {
        za_free(board);
        za_free(values);
        za_free(times);
        return NULL;
    }
    *board = (za_live_board){.rows = rows, .features = features, .values = values, .times = times};
    atomic_init(&board->references, 1);
    fill(board, former);
    return board;
}

void za_live_board_retain(za_live_board *board)
{
    atomic_fetch_add_explicit(&board->references, 1, memory_order_relaxed);
}

void za_live_board_release(za_live_board *board)
{
    if (board != NULL && atomic_fetch_sub_explicit(&board->references, 1, memory_order_acq_rel) == 1) {
        za_free(board->values);
        za_free(board->times);
        za_free(board);
    }
}
