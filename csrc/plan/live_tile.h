/* A live tile: the states of tickers that have come equally far. */
#ifndef ZA_PLAN_LIVE_TILE_H
#define ZA_PLAN_LIVE_TILE_H

#include "plan/live_layout.h"
#include "plan/tile_inside.h"

enum { ZA_NO_ROW = -1 };

typedef struct za_live_tile {
    double *memory; /* owned; [vector][lane], as the layout says */
    const za_lane_set *set;
    int64_t bars;               /* that have entered; at least one */
    int after;                  /* which of the headers is that after the last bar */
    int used;                   /* lanes with a ticker */
    int32_t row[ZA_MOST_LANES]; /* of each lane's ticker; ZA_NO_ROW: none */
} za_live_tile;

/* A tile without tickers; its states are unwritten. False without memory. */
bool za_live_tile_make(za_live_tile *tile, const za_live_layout *layout, const za_lane_set *set);
void za_live_tile_free(za_live_tile *tile);

/* Whether it might take in another ticker, or be taken in. */
static inline bool za_live_tile_is_loose(const za_live_tile *tile)
{
    return tile->set->lanes == 1 || tile->used < tile->set->lanes;
}

/* The headers before (0) or after (1) the last bar, and the slots. */
double *za_live_header(const za_live_tile *tile, const za_live_layout *layout, int after);
double *za_live_slots(const za_live_tile *tile, const za_live_layout *layout);

/* A lane's states, headers before and after first, as one lane has them. */
void za_live_take_lane(const za_live_tile *tile, const za_live_layout *layout, int lane, double *states);
/* The way back: the lane is that of the ticker of `row` from now on. */
void za_live_put_lane(za_live_tile *tile, const za_live_layout *layout, int lane, const double *states);

/* Whether states of one lane that come from elsewhere can be those of so many bars: what counts in them does. */
bool za_live_states_fit(const za_live_layout *layout, int64_t bars, const double *states);

/* The states of a plan's tile before (0) or after (1) its last bar become those of `tile`, of the same lanes. The slots
 * are taken with those after it. */
void za_live_take_states(za_live_tile *tile, const za_live_layout *layout, const za_tile *from, int after);

#endif
