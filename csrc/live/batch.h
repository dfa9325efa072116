/* Live tiles into which one bar enters together, and the memory that it takes. */
#ifndef ZA_LIVE_BATCH_H
#define ZA_LIVE_BATCH_H

#include "live/tile.h"

/* Tiles at a time: their values fit the first-level cache, and beginning a node is worth it. */
enum { ZA_LIVE_BATCH = 16 };

typedef struct za_live_work za_live_work;

/* Memory for the steps of a plan over periods. */
typedef struct za_live_period_work {
    za_live_work *wide, *one; /* of the tiles' lane set, and of one lane */
    double *results;          /* of tiles: [result][tile][lane] */
    double *lane;             /* a tile of one lane */
} za_live_period_work;

/* Memory for steps of tiles of one lane set; lies in what the caller lends. Values are [tile][lane]. */
struct za_live_work {
    const za_live_layout *layout;
    const za_lane_set *set;
    double *(*value)[ZA_MAX_OUTPUTS]; /* of each node's wanted outputs */
    double *columns;                  /* [column][tile][lane]: the bar's, filled by the caller; then those of sources */
    int64_t *times;                   /* of the bar, [tile][lane]; as well, where the plan reads them */
    za_kernel_state *parts;           /* where those of each tile of a batch begin, and behind them those of the next */
    double *patches, *holes, *states; /* for holes; one node's state of a single lane */
    za_live_period_work *period_works; /* of each plan over periods that the layout has */
};

/* Returns where the caller puts a column of tile `at`: `lanes` doubles. */
static inline double *za_live_work_column(const za_live_work *work, int column, int at)
{
    return work->columns + (column * ZA_LIVE_BATCH + at) * work->set->lanes;
}

/* Up to ZA_LIVE_BATCH tiles of one number of bars. Result k of the ticker of row r is values[k * rows + r - first]. */
typedef struct za_live_batch {
    const za_live_work *work;
    za_live_tile *const *tiles, *const *next; /* and those that a new bar enters afterwards */
    int count, next_count;
    bool streamed; /* the states are more than the caches hold */
    const za_zone *zone;
    double *values;
    int64_t rows, first;
} za_live_batch;

/* Returns where an input of a node has its values, [tile][lane]. */
static inline const double *za_live_input(const za_live_batch *batch, int node, int input)
{
    int output;
    const za_plan *plan = batch->work->layout->plan;
    const za_node *source = za_node_source(plan, plan->nodes[node].spec.inputs[input], &output);
    return batch->work->value[source - plan->nodes][output];
}

#endif
