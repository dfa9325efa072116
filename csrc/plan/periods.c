#include "plan/periods.h"

#include <math.h>

#include "base/memory.h"
#include "plan/graph.h"
#include "plan/pin.h"

/* Series a claim. */
enum { GRAIN = 16 };

double za_period_fold(int figure, double so_far, double value)
{
    if (!isfinite(value)) {
        return so_far;
    }
    if (isnan(so_far)) {
        return value;
    }
    switch (figure) {
    case ZA_FIGURE_OPEN:
        return so_far;
    case ZA_FIGURE_HIGH:
        return value > so_far ? value : so_far;
    case ZA_FIGURE_LOW:
        return value < so_far ? value : so_far;
    case ZA_FIGURE_VOLUME:
        return so_far + value;
    default:
        return value;
    }
}

/* Counts a series' periods, and says where each begins if there is room for it. */
static int64_t find_periods(const za_periods *periods, size_t at, int64_t *starts, int64_t *times)
{
    za_bars_of series = za_run_bars_of(periods->around, at);
    int64_t count = 0, last = 0;
    for (int64_t bar = 0; bar < series.bars; bar++) {
        int64_t period = za_period_of(periods->period, &periods->around->zone, series.times[bar]);
        if (bar > 0 && period == last) {
            continue;
        }
        if (starts != NULL) {
            starts[count] = bar;
            times[count] = series.times[bar];
        }
        count++;
        last = period;
    }
    return count;
}

static void run_count(za_job *job, size_t begin, size_t end, za_scratch *scratch)
{
    za_periods *periods = (za_periods *)(void *)((char *)job - offsetof(za_periods, count));
    (void)scratch;
    for (size_t at = begin; at < end && za_run_goes_on(periods->around); at++) {
        periods->offsets[at + 1] = find_periods(periods, at, NULL, NULL);
    }
}

/* One column of one series. */
static void gather(const za_periods *periods, size_t at, int column, int64_t bars)
{
    const double *values = za_run_column(periods->around, at, column);
    int figure = za_run_figure(periods->around, column);
    int64_t first = periods->offsets[at], last = periods->offsets[at + 1];
    for (int64_t i = first; i < last; i++) {
        int64_t end = i + 1 < last ? periods->starts[i + 1] : bars;
        double all = NAN;
        for (int64_t bar = periods->starts[i]; bar < end; bar++) {
            all = za_period_fold(figure, all, values[bar]);
        }
        periods->columns[column][i] = all;
    }
}

static void run_fill(za_job *job, size_t begin, size_t end, za_scratch *scratch)
{
    za_periods *periods = (za_periods *)(void *)((char *)job - offsetof(za_periods, fill));
    (void)scratch;
    for (size_t at = begin; at < end && za_run_goes_on(periods->around); at++) {
        int64_t first = periods->offsets[at];
        (void)find_periods(periods, at, periods->starts + first, periods->times + first);
        for (int column = 0; column < periods->plan->column_count; column++) {
            if (periods->columns[column] != NULL) {
                gather(periods, at, column, za_run_bars_of(periods->around, at).bars);
            }
        }
    }
}

za_code za_periods_init(za_periods *periods, za_error *error)
{
    size_t series = periods->around->count, columns = (size_t)periods->plan->column_count;
    periods->offsets = za_alloc_zeroed(series + 1, sizeof *periods->offsets);
    periods->columns = za_alloc_zeroed(columns, sizeof *periods->columns);
    if (periods->offsets == NULL || periods->columns == NULL) {
        return za_fail_memory(error);
    }
    periods->count = (za_job){.run = run_count, .count = series, .grain = GRAIN};
    periods->fill = (za_job){.run = run_fill, .count = series, .grain = GRAIN};
    return ZA_OK;
}

za_code za_periods_place(za_periods *periods, za_error *error)
{
    for (size_t at = 0; at < periods->around->count; at++) {
        periods->offsets[at + 1] += periods->offsets[at];
    }
    size_t all = (size_t)periods->offsets[periods->around->count];
    periods->starts = za_alloc(all, sizeof *periods->starts);
    periods->times = za_alloc(all, sizeof *periods->times);
    bool placed = periods->starts != NULL && periods->times != NULL;
    for (int i = 0; placed && i < periods->plan->node_count; i++) {
        const za_node *node = &periods->plan->nodes[i];
        if (node->read && node->spec.kind == ZA_NODE_COLUMN && periods->columns[node->spec.which] == NULL) {
            periods->columns[node->spec.which] = za_alloc(all, sizeof(double));
            placed = periods->columns[node->spec.which] != NULL;
        }
    }
    periods->table = (za_table){.columns = (const double *const *)(void *)periods->columns,
                                .times = periods->times,
                                .offsets = periods->offsets};
    return placed ? ZA_OK : za_fail_memory(error);
}

void za_periods_release(za_periods *periods)
{
    for (int i = 0; periods->columns != NULL && i < periods->plan->column_count; i++) {
        za_free(periods->columns[i]);
    }
    za_free(periods->columns);
    za_free(periods->offsets);
    za_free(periods->starts);
    za_free(periods->times);
    periods->columns = NULL;
    periods->offsets = periods->starts = periods->times = NULL;
}

int64_t za_periods_at(const za_periods *periods, size_t series, int64_t bar)
{
    const int64_t *starts = periods->starts + periods->offsets[series];
    int64_t least = 0, most = periods->offsets[series + 1] - periods->offsets[series];
    while (most - least > 1) {
        int64_t middle = (least + most) / 2;
        if (starts[middle] <= bar) {
            least = middle;
        } else {
            most = middle;
        }
    }
    return least;
}
