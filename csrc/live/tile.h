/* A live tile: the states of tickers that have come equally far. */
#ifndef ZA_LIVE_TILE_H
#define ZA_LIVE_TILE_H

#include <string.h>

#include "live/layout.h"
#include "live/memory.h"
#include "plan/tile_inside.h"

enum { ZA_NO_ROW = -1 };

/* Sections that all tickers of a tile have got, and their own progress does not tell yet. */
typedef struct za_live_pending {
    uint64_t sequence;             /* of the last section; 0: nothing, and the rest does not count */
    int64_t time;                  /* of the latest of its tickers' last bars */
    int64_t bars, revisions;       /* that came; a ticker that joined the tile since has had as many */
    uint64_t print[ZA_MOST_LANES]; /* fingerprints of the last bar */
} za_live_pending;

typedef struct za_live_tile {
    za_live_memory *home;
    za_live_piece memory; /* owned, out of `home`; [vector][lane] each, as the layout says */
    const za_lane_set *set;
    int64_t bars;               /* that have entered; at least one */
    int after;                  /* which of the headers is that after the last bar */
    int used;                   /* lanes with a ticker */
    bool apart;                 /* it takes in its news by views of its tickers, whatever else there is */
    int32_t row[ZA_MOST_LANES]; /* of each lane's ticker; ZA_NO_ROW: none */
    za_live_pending pending;
} za_live_tile;

/* A tile without tickers; its states are unwritten. False without memory. */
bool za_live_tile_make(za_live_tile *tile, za_live_memory *memory);
void za_live_tile_free(za_live_tile *tile);

/* Returns whether it might take in another ticker, or be taken in. */
static inline bool za_live_tile_is_loose(const za_live_tile *tile)
{
    return tile->set->lanes == 1 || tile->used < tile->set->lanes;
}

/* The headers before (0) or after (1) the last bar, and the slots. */
static inline double *za_live_header(const za_live_tile *tile, int after)
{
    return tile->memory.headers[after ? tile->after : 1 - tile->after];
}

static inline double *za_live_slots(const za_live_tile *tile)
{
    return tile->memory.slots;
}

/* One number of each lane. The number of lanes is known where it is copied: a call costs more than the copy. */
static inline void za_live_copy_lanes(double *to, const double *from, int lanes)
{
    switch (lanes) {
    case 8:
        memcpy(to, from, 8 * sizeof *to);
        break;
    case 4:
        memcpy(to, from, 4 * sizeof *to);
        break;
    default:
        *to = *from;
    }
}

/* The first lane without a ticker of a tile that has one. */
int za_live_free_lane(const za_live_tile *tile);
/* The first used lane, and whether all are used by tickers of rows that follow each other. */
int za_live_first_lane(const za_live_tile *tile);
bool za_live_rows_follow(const za_live_tile *tile);

/* The parts of states that lie one behind the other. */
static inline za_live_piece za_live_piece_of(const za_live_layout *layout, int lanes, double *states)
{
    int64_t header = layout->headers * lanes;
    return (za_live_piece){.headers = {states, states + header}, .slots = states + ZA_LIVE_HEADERS * header};
}

/* A lane's states, headers before and after first, as one lane has them. */
void za_live_take_lane(const za_live_tile *tile, const za_live_layout *layout, int lane, double *states);
/* The way back: the lane is that of the ticker of `row` from now on. */
void za_live_put_lane(za_live_tile *tile, const za_live_layout *layout, int lane, const double *states);

/* The states of a lane become those of a lane of another tile, or of the same one. */
void za_live_copy_lane(const za_live_tile *from, int lane, const za_live_tile *to, int to_lane,
                       const za_live_layout *layout);
/* The states of all lanes become those of a lane of another tile. */
void za_live_copy_lane_to_all(const za_live_tile *from, int lane, const za_live_tile *to, const za_live_layout *layout);
/* The lane has no ticker any more. */
void za_live_empty_lane(za_live_tile *tile, int lane);

/* Returns whether states of one lane that come from elsewhere can be those of so many bars: what counts in them does.
 */
bool za_live_states_fit(const za_live_layout *layout, int64_t bars, const double *states);

/* The states of a plan's tile before (0) or after (1) its last bar become those of `tile`, of the same lanes. The slots
 * are taken with those after it. */
void za_live_take_states(za_live_tile *tile, const za_live_layout *layout, const za_tile *from, int after);

#endif
