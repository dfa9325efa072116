/* A long series as eight short ones: cut into as many pieces as there are lanes, which run side by side; a longer one
 * as several tiles of such pieces, which threads share. */
#ifndef ZA_PLAN_PIECES_H
#define ZA_PLAN_PIECES_H

#include "plan/tile.h"
#include "pool/pool.h"

typedef enum za_pieces { ZA_PIECES_DONE, ZA_PIECES_UNFIT, ZA_PIECES_NO_MEMORY } za_pieces;

/* The cuts of a series. A tile has as many pieces as lanes, one behind the other, and the tiles follow each other. */
typedef struct za_cut {
    const za_lane_set *set; /* of the pieces */
    int64_t head;           /* the bar at which the first piece begins; what is before runs in one lane */
    int64_t warm;           /* bars that enter before a piece's first */
    int64_t units;          /* of `period` bars, that each lane has in all tiles together */
    int64_t period;
    int tiles;  /* more than one: for several threads */
    bool exact; /* after the warm-up every value is right: nothing remembers more */
} za_cut;

/* Finds where to cut the series of a tile of one lane whose results are wanted from its first bar on, for the lanes of
 * `wide`, and for threads of `pool` unless it is NULL. False: one lane is to compute it, because the plan remembers for
 * ever, or the series is too short for its memory. */
bool za_pieces_find(const za_tile_spec *one, const za_lane_set *wide, const za_pool *pool, za_cut *cut);
/* Bytes that za_pieces_run needs, aligned to a cache line. */
size_t za_pieces_bytes(const za_tile_spec *one, const za_cut *cut);
/* Computes the pieces; `memory` is the caller's. Each begins before its first bar from no state. Where something
 * remembers the whole past, its state at that bar is compared, bit for bit, with what the piece before has ended in;
 * where they differ the piece is computed again from the right one. ZA_PIECES_UNFIT: the series holds values that are
 * not finite, or the pool closes; then one lane is to compute the results. Threads of `pool` that have nothing more
 * urgent to do help if there are several tiles. */
za_pieces za_pieces_run(const za_tile_spec *one, const za_cut *cut, za_pool *pool, void *memory);

#endif
