/* A plan is a list of indicators with their parameters and the slots of a row that their outputs go to. It is run over
 * a tile: as many tickers with the same number of bars as there are lanes. */
#ifndef ZA_MARKET_STEPS_H
#define ZA_MARKET_STEPS_H

#include "kernels/lanes.h"
#include "pool/pool.h"
#include "store/store.h"

enum { ZA_MOST_SLOTS = 32, ZA_NO_SLOT = -1 };

typedef struct za_step_of {
    za_indicator indicator;
    za_params params;
    za_field real; /* the column that the indicator's close input reads; ZA_CLOSE but for averages of others */
    int slot[ZA_MAX_OUTPUTS]; /* where in the row each output goes, or ZA_NO_SLOT */
} za_step_of;

typedef struct za_steps {
    const za_step_of *steps;
    int count;
} za_steps;

/* Plain columns of the tickers of a tile; those that no step reads may be NULL. */
typedef struct za_frame_of_bars {
    const double *column[ZA_FIELD_COUNT][ZA_MOST_LANES];
    int64_t bars;
} za_frame_of_bars;

/* The bars of up to `lanes` views of equal length, side by side; lanes without a view repeat the last one. */
za_frame_of_bars za_frame_of_views(const za_view *views, int count, int lanes);

/* Snapshots of all steps whose lookback is below the number of bars, for every lane of the set, into rows[lane]; slots
 * of the other steps are not touched. False without memory. */
bool za_steps_run(za_steps plan, const za_lane_set *set, const za_frame_of_bars *tile, za_scratch *scratch,
                  double (*rows)[ZA_MOST_SLOTS]);

#endif
