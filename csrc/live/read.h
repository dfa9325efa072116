/* Reads live states, from any thread. */
#ifndef ZA_LIVE_READ_H
#define ZA_LIVE_READ_H

#include "live/board.h"
#include "live/options.h"

za_live_stats za_live_stats_of(za_live *live);
/* Another reference to the board of now. */
za_live_board *za_live_board_of(za_live *live);
/* A board's figures at one moment, between two updates. */
void za_live_copy(za_live *live, const za_live_board *board, double *values, int64_t *times);
/* The symbol of a row of some board, which stays where it is. */
za_symbol za_live_symbol(za_live *live, int64_t row);

#endif
