/* The layout of a plan's states in a live tile: tickers in step, side by side in the lanes of a set. */
#ifndef ZA_LIVE_LAYOUT_H
#define ZA_LIVE_LAYOUT_H

#include <string.h>

#include "kernels/lane_set.h"
#include "live/memory.h"
#include "live/series.h"
#include "plan/graph.h"

/* The header of a kernel whose inputs may be other than finite numbers has one more vector, the mark: the last bar that
 * was not finite where it is windowed, else how many bars have entered each lane. */
typedef struct za_live_node {
    int64_t header, slots;            /* where its vectors begin, in each part */
    int64_t header_count, slot_count; /* how many there are, the mark included */
    bool marked;
} za_live_node;

typedef struct za_live_layout za_live_layout;

/* Vectors of each lane in the header of bars that are gathered into periods: as bits of whole numbers the period of the
 * last bar and the time of its first one; how many were finished before it, -1 before any bar; the figures of it so
 * far, of each column that its plan reads; and, unless it is read as it forms, what the plan has given for the last
 * finished one. */
enum { ZA_LIVE_PERIOD, ZA_LIVE_BEGAN, ZA_LIVE_FINISHED, ZA_LIVE_FIGURES };

/* Vectors among the slots: how many periods have entered the plan, and a tile of its states, of which the headers after
 * an even number of periods come first. */
enum { ZA_LIVE_ENTERED, ZA_LIVE_STATES };

/* Bars gathered into periods for a plan that makes columns. */
typedef struct za_live_gathered {
    const za_source *source; /* one of those columns */
    za_live_layout *layout;  /* owned; of its plan */
    int *columns;            /* owned; those of the bars that the plan reads */
    int column_count;
    int64_t header, slots; /* where its vectors begin, in each part */
} za_live_gathered;

enum { ZA_LIVE_NO_TIME = -1 };

/* A tile is its headers before the last bar, those after it, in an order that alternates, and the slots. All of it is
 * [vector][lane], nodes in order of evaluation, and behind them what columns of other plans are made of. */
struct za_live_layout {
    const za_plan *plan;
    const int *columns; /* borrowed; what each column of the bars is, a za_figure or behind them a further column */
    bool finite;        /* all values of the columns are finite */
    za_live_node *nodes;
    za_live_gathered *gathered;
    int gathered_count;
    const za_live_series **series; /* of each source what another ticker has given; NULL: of periods */
    int64_t time;                  /* the vector of bits of the bar's time, in the header; ZA_LIVE_NO_TIME */
    int64_t headers, slots;        /* vectors of each part */
    int64_t largest;               /* vectors of the node that has most */
};

/* Finds out where everything lies; whoever keeps other tickers fills in `series`. ZA_OK, ZA_NO_MEMORY, or
 * ZA_BAD_VALUE for a plan across tickers; it can be freed in any case. */
za_code za_live_layout_make(za_live_layout *layout, const za_plan *plan, const int *columns, za_error *error);
void za_live_layout_free(za_live_layout *layout);
/* Vectors of a whole tile. */
int64_t za_live_layout_vectors(const za_live_layout *layout);

/* A whole number of 64 bits in the place of a double. */
static inline void za_live_put_bits(double *place, int64_t number)
{
    memcpy(place, &number, sizeof number);
}

static inline int64_t za_live_bits(const double *place)
{
    int64_t number;
    memcpy(&number, place, sizeof number);
    return number;
}

#endif
