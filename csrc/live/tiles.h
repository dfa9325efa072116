/* The lists of live tiles: each stretch of rows has its own. */
#ifndef ZA_LIVE_TILES_H
#define ZA_LIVE_TILES_H

#include "live/live_inside.h"

/* The stretch that the row belongs to. */
static inline za_live_stretch *za_live_stretch_of(const za_live *live, int64_t row)
{
    return &live->stretches[row / ZA_LIVE_STRETCH];
}

/* Stretches of so many rows. */
static inline int64_t za_live_stretches_of(int64_t rows)
{
    return (rows + ZA_LIVE_STRETCH - 1) / ZA_LIVE_STRETCH;
}

static inline int64_t za_live_stretch_count(const za_live *live)
{
    return za_live_stretches_of(live->board->rows);
}

/* The tile of a ticker that has states. */
static inline za_live_tile *za_live_tile_of(const za_live *live, int64_t row)
{
    return &za_live_stretch_of(live, row)->tiles[live->members[row].tile];
}

/* Notes how many loose tiles have taken in nothing, and how many have taken in bars: some may have come into step. */
static inline void za_live_note_loose(za_live_stretch *stretch, int64_t stayed, int64_t went_on)
{
    stretch->moves += stayed < went_on ? stayed : went_on;
}

/* Room for `count` more tiles; false without memory. The tiles may move. */
bool za_live_reserve_tiles(za_live_stretch *stretch, int64_t count);
/* The tile goes into the list of its tickers' stretch, which owns it from now on and has room; its tickers know where
 * they are. */
void za_live_add_tile(za_live *live, za_live_stretch *stretch, const za_live_tile *tile);
/* The tickers of the tile in that place of the list know where they are. */
void za_live_place_tile(za_live *live, const za_live_stretch *stretch, int64_t at);
/* A ticker that is about to move, by where its states are. */
typedef struct za_live_mover {
    int64_t tile; /* its place in the list of its stretch */
    int lane;
    uint64_t seen; /* of the store: up to there it has no news, or up to where its progress says, if that is more */
} za_live_mover;

/* The ticker leaves for a new tile out of `memory`, the last of the list; the tiles may move. False without memory:
 * then nothing has changed. */
bool za_live_leave(za_live *live, za_live_stretch *stretch, za_live_mover mover, za_live_memory *memory);
/* The ticker becomes that of a free lane of another tile, of the same stretch and age. */
void za_live_move(za_live *live, za_live_stretch *stretch, za_live_mover mover, za_live_tile *to);
/* Turns what is pending of the tile into its tickers' own progress. */
void za_live_settle(za_live *live, za_live_tile *tile);

#endif
