/* A long series as eight short ones: cut into as many pieces as there are lanes, which run side by side; a longer one
 * as several tiles of such pieces, which threads share. */
#ifndef ZA_PLAN_PIECES_H
#define ZA_PLAN_PIECES_H

#include "plan/tile.h"
#include "pool/pool.h"

typedef enum za_pieces { ZA_PIECES_DONE, ZA_PIECES_UNFIT, ZA_PIECES_NO_MEMORY } za_pieces;

/* Computes the series of a tile of one lane whose results are wanted from its first bar on, with the lanes of `wide`.
 * Each piece begins before its first bar from no state. Where something remembers the whole past, its state at that bar
 * is compared, bit for bit, with what the piece before has ended in; where they differ the piece is computed again from
 * the right one. ZA_PIECES_UNFIT: the plan remembers for ever, or the series is too short for its memory, or holds
 * values that are not finite, or the pool closes; then the results are to be computed by one lane. Threads of `pool`
 * that have nothing more urgent to do help, unless it is NULL. */
za_pieces za_pieces_run(const za_tile_spec *one, const za_lane_set *wide, za_pool *pool, za_scratch *scratch);

#endif
