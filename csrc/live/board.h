/* The board on which live states show their figures. */
#ifndef ZA_LIVE_BOARD_H
#define ZA_LIVE_BOARD_H

#include <stdatomic.h>
#include <stdint.h>

/* The last figures: result k of row r is values[k * rows + r]. Written by updates of its states, until a symbol joins:
 * then they have another one. Counted by those who hold it. */
typedef struct za_live_board {
    atomic_int references;
    int64_t rows;
    int features;
    double *values;
    int64_t *times; /* of each row's last bar; ZA_TIME_MISSING without bars */
} za_live_board;

/* With the rows of `former`, which may be NULL, and behind them rows without figures. NULL without memory. */
za_live_board *za_live_board_new(int64_t rows, int features, const za_live_board *former);
void za_live_board_retain(za_live_board *board);
/* Any thread; NULL is let pass. */
void za_live_board_release(za_live_board *board);

#endif
