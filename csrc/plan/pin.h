/* The series of a run as they are at one moment: pinned views of a store's tickers, or the groups of a table. */
#ifndef ZA_PLAN_PIN_H
#define ZA_PLAN_PIN_H

#include "plan/run.h"

/* Takes views of all tickers; a ticker that stands there twice has one view, where tickers may be compared. For a
 * history it finds the rows of which the times are from `first` to `last` (both included), and fills row, from and
 * rows. ZA_OK or ZA_NO_MEMORY. */
za_code za_run_pin(za_run *run, int64_t first, int64_t last, za_error *error);
/* Releases views, twins, row and from. */
void za_run_release(za_run *run);

/* A column of a series that is pinned, or of a table; and which figure of a bar it is. */
const double *za_run_column(const za_run *run, size_t at, int column);
int za_run_figure(const za_run *run, int column);

/* A series: its bars, and their times, which are NULL if the plan reads none. */
typedef struct za_bars_of {
    const int64_t *times;
    int64_t bars;
} za_bars_of;

/* The bars of series `at`: of a table, or of a ticker that is pinned. */
static inline za_bars_of za_run_bars_of(const za_run *run, size_t at)
{
    if (run->table != NULL) {
        const za_table *table = run->table;
        int64_t first = table->offsets[at];
        return (za_bars_of){table->times == NULL ? NULL : table->times + first, table->offsets[at + 1] - first};
    }
    const za_rows *rows = &run->tickers.views[at].rows;
    return (za_bars_of){rows->time, rows->count};
}

/* The first bar whose time is not before `time`. */
int64_t za_first_bar_at(za_bars_of series, int64_t time);

#endif
