/* Bars gathered into periods: the first open, the highest high, the lowest low, the last close, the total volume, and
 * the last of any other column. Values that are not finite are left out. */
#ifndef ZA_PLAN_PERIODS_H
#define ZA_PLAN_PERIODS_H

#include "plan/period.h"
#include "plan/run.h"

/* The owner fills the first part. */
typedef struct za_periods {
    const za_run *around; /* of tickers that are pinned, or of a table with times: whose bars are gathered */
    const za_plan *plan;  /* what reads the periods */
    za_period period;

    /* First `count`, then, after za_periods_place, `fill`: jobs over the series. */
    za_job count, fill;
    int64_t *offsets; /* owned: of each series' periods, and behind the last */
    int64_t *starts;  /* owned: the bar with which each begins, and its time */
    int64_t *times;
    double **columns; /* owned, as `plan` numbers them; NULL where it reads none */
    za_table table;   /* of all that */
} za_periods;

/* ZA_OK or ZA_NO_MEMORY, each. */
za_code za_periods_init(za_periods *periods, za_error *error);
za_code za_periods_place(za_periods *periods, za_error *error);
void za_periods_release(za_periods *periods);

/* The period of a series' bar, counted from its first one. */
int64_t za_periods_at(const za_periods *periods, size_t series, int64_t bar);

/* Returns a period's figure with another bar in it; NAN before the first. */
double za_period_fold(int figure, double so_far, double value);

#endif
