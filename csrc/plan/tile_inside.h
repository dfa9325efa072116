/* The fields of a tile, for the files that run it. */
#ifndef ZA_PLAN_TILE_INSIDE_H
#define ZA_PLAN_TILE_INSIDE_H

#include "kernels/lane_set.h"
#include "plan/calendar.h"
#include "plan/derived.h"
#include "plan/graph.h"

/* The place of a tile's results: result k of lane l at bar t is values[k * rows + (row[l] + t - from[l]) * step]. */
typedef struct za_target {
    double *values;
    int64_t rows, step;
    int64_t row[ZA_MOST_LANES], from[ZA_MOST_LANES];
} za_target;

/* The work of a tile. Lanes from `lanes` on repeat others, and nothing is written for them. */
typedef struct za_tile_spec {
    const za_plan *plan;
    const za_lane_set *set;
    const za_zone *zone;
    const double *const (*column)[ZA_MOST_LANES]; /* of each column, of each lane; NULL where no node reads it */
    const double *const (*next)[ZA_MOST_LANES];   /* NULL, or the columns of the tile that comes next, as far before
                                                   * their ends as these */
    const za_feed (*feed)[ZA_MOST_LANES];         /* the same of the derived columns */
    const int64_t *time[ZA_MOST_LANES];           /* NULL unless the plan reads times */
    int64_t bars[ZA_MOST_LANES];
    int lanes;
    bool clean;    /* all values of the columns are finite */
    bool streamed; /* results go past the caches */
    bool direct;   /* a kernel that is all of the plan may read columns, and write results, itself */
    int64_t block; /* bars a block; 0: what fits the caches */
    /* Whether the results are still wanted, asked now and then with `waiting`; NULL: they are. Any thread. */
    bool (*is_wanted)(void *waiting);
    void *waiting;
    int64_t begin;    /* of a piece of a series: the bar at which every node begins, as if in the middle; else 0 */
    za_target target; /* results are wanted from the bars target.from on */
} za_tile_spec;

/* A node under way. */
typedef struct za_step {
    int64_t from;                  /* its values are read from this bar on */
    int64_t enter;                 /* the first bar that enters */
    int64_t age;                   /* bars that have entered, of a kernel's own count */
    bool finite;                   /* of a column: its rows of this block hold finite values only, as far as is known */
    int64_t hole_end;              /* of a windowed kernel: from this bar on all is finite again */
    double *value[ZA_MAX_OUTPUTS]; /* of the block's first bar; [bar][lane] */
    double *state;                 /* [vector][lane] */
    double *holes;                 /* of a kernel: the last vectors of its state */
} za_step;

/* The memory that is read next: bars [row, last) of the column of `node`, then [first, last) of those of later nodes.
 */
typedef struct za_ahead {
    const double *const (*columns)[ZA_MOST_LANES]; /* NULL: nothing */
    int node;
    int64_t row, first, last;
} za_ahead;

typedef struct za_tile {
    za_tile_spec spec;
    za_step *steps;
    double *states;
    size_t state_bytes;
    double *buffers, *constants, *patches, *waste;
    int64_t block, first, end; /* bars: a block, the first that anything reads, behind the last */
    za_ahead ahead;
    bool met_holes; /* a kernel's input held a value that is not finite */
} za_tile;

/* Bars of the longest lane. */
static inline int64_t za_tile_bars(const za_tile_spec *spec)
{
    int64_t most = 0;
    for (int lane = 0; lane < spec->set->lanes; lane++) {
        most = spec->bars[lane] > most ? spec->bars[lane] : most;
    }
    return most;
}

/* The first bar of any lane of which results are wanted. */
static inline int64_t za_tile_oldest(const za_tile_spec *spec)
{
    int64_t oldest = INT64_MAX;
    for (int lane = 0; lane < spec->lanes; lane++) {
        oldest = spec->target.from[lane] < oldest ? spec->target.from[lane] : oldest;
    }
    return oldest;
}

/* Returns whether all lanes reach to bar `end`. */
static inline bool za_tile_is_even(const za_tile *tile, int64_t end)
{
    bool even = true;
    for (int lane = 0; lane < tile->spec.set->lanes; lane++) {
        even = even && tile->spec.bars[lane] >= end;
    }
    return even;
}

/* Returns where a result of a lane's bar goes. */
static inline double *za_target_of(const za_target *target, int result, int lane, int64_t bar)
{
    return target->values + result * target->rows + (target->row[lane] + bar - target->from[lane]) * target->step;
}

static inline bool za_tile_is_wanted(const za_tile *tile)
{
    return tile->spec.is_wanted == NULL || tile->spec.is_wanted(tile->spec.waiting);
}

#endif
