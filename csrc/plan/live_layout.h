/* Where the states of a plan lie in a live tile: tickers in step, side by side in the lanes of a set. */
#ifndef ZA_PLAN_LIVE_LAYOUT_H
#define ZA_PLAN_LIVE_LAYOUT_H

#include "kernels/lane_set.h"
#include "plan/graph.h"

/* Of a kernel whose inputs may be other than finite numbers, the header has one more vector, the mark: the last bar
 * that was not finite where it is windowed, else how many bars have entered each lane. */
typedef struct za_live_node {
    int64_t header, slots;            /* where its vectors begin, in each part */
    int64_t header_count, slot_count; /* how many there are, the mark included */
    bool marked;
} za_live_node;

/* A tile is its headers before the last bar, those after it, in an order that alternates, and the slots. All of it is
 * [vector][lane], nodes in order of evaluation. */
typedef struct za_live_layout {
    const za_plan *plan;
    bool finite; /* all values of the columns are finite */
    za_live_node *nodes;
    int64_t headers, slots; /* vectors of each part */
    int64_t largest;        /* vectors of the node that has most */
} za_live_layout;

enum { ZA_LIVE_HEADERS = 2 };

/* Finds out where everything lies. ZA_OK or ZA_NO_MEMORY. */
za_code za_live_layout_make(za_live_layout *layout, const za_plan *plan, bool finite, za_error *error);
void za_live_layout_free(za_live_layout *layout);
/* Vectors of a whole tile. */
int64_t za_live_layout_vectors(const za_live_layout *layout);

#endif
