/* One bar enters the states of live tiles: through the nodes of a plan in turn, each for many tiles at once. */
#ifndef ZA_PLAN_LIVE_STEP_H
#define ZA_PLAN_LIVE_STEP_H

#include "plan/live_tile.h"

/* Tiles at a time: their values fit the first-level cache, and beginning a node is worth it. */
enum { ZA_LIVE_BATCH = 16 };

/* Memory for steps of tiles of one lane set; lies in what the caller lends. Values are [tile][lane]. */
typedef struct za_live_work {
    const za_live_layout *layout;
    const za_lane_set *set;
    double *(*value)[ZA_MAX_OUTPUTS]; /* of each node's wanted outputs */
    double *columns;                  /* [column][tile][lane]: the bar's, filled by the caller */
    int64_t *times;                   /* of the bar, [tile][lane]; as well, where the plan reads them */
    double *patches, *holes, *states; /* for holes; one node's state of a single lane */
} za_live_work;

/* Bytes of it. */
size_t za_live_work_bytes(const za_live_layout *layout, const za_lane_set *set);
/* `memory`, aligned to a cache line, is the caller's and outlives it. */
void za_live_work_open(za_live_work *work, const za_live_layout *layout, const za_lane_set *set, void *memory);
/* Where the caller puts a column of tile `at`: `lanes` doubles. */
double *za_live_work_column(const za_live_work *work, int column, int at);

/* Up to ZA_LIVE_BATCH tiles of one number of bars. Result k of the ticker of row r is values[k * rows + r]. */
typedef struct za_live_batch {
    const za_live_work *work;
    za_live_tile *const *tiles;
    int count;
    const za_zone *zone;
    double *values;
    int64_t rows;
} za_live_batch;

/* The bar in the work's columns enters each tile, and the results of it are written. `again`: it takes the place of the
 * tiles' last bar. Cannot fail. */
void za_live_step(const za_live_batch *batch, bool again);

#endif
