#include "plan/joined.h"

#include <math.h>

#include "plan/graph.h"

/* Returns whether what a tile reads and writes of `next` lies `rows` rows behind that of `first`, and no bar earlier in
 * the tile than in its series: where nodes have no values yet, the tile has none. */
static bool follows(const za_run *run, const za_series *first, const za_series *next, int64_t rows)
{
    bool follow = next->from < next->bars && next->bars >= run->least;
    follow = follow && next->row == first->row + rows && next->from <= first->from + rows;
    follow = follow && (run->table == NULL || next->offset + next->from == first->offset + first->from + rows);
    for (int i = 0; follow && i < run->plan->source_count; i++) {
        const za_derived *derived = &run->derived[i];
        follow = derived->row != NULL && derived->times == NULL &&
                 derived->row[next->at] + next->from - derived->from[next->at] ==
                     derived->row[first->at] + first->from - derived->from[first->at] + rows;
    }
    return follow;
}

void za_joined_begin(za_claim *claim)
{
    const za_run *run = claim->run;
    za_series *first = &claim->series[0];
    int64_t rows = 0;
    bool fit = !run->plan->remembers || run->plan->joins;
    if (!fit || run->cut.lanes != 0 || run->way != NULL || (run->table == NULL && za_plan_reads_bars(run->plan))) {
        return;
    }
    for (int i = 0; i < claim->count; i++) {
        if (!follows(run, first, &claim->series[i], rows)) {
            return;
        }
        rows += claim->series[i].bars - claim->series[i].from;
    }
    first->bars = first->from + rows;
    claim->count = 1;
}

/* NaN, or the integer in its place, in the first rows of a result. */
static void take_away(const za_run *run, int result, int64_t row, int64_t rows)
{
    for (int64_t at = row; at < row + rows; at++) {
        if (run->integers != NULL) {
            run->integers[at] = 0;
        } else {
            run->values[result * run->rows + at * run->step] = NAN;
        }
    }
}

void za_joined_end(const za_claim *claim, int count)
{
    for (int i = 1; claim->count == 1 && i < count; i++) {
        const za_series *series = &claim->series[i];
        for (int result = 0; claim->run->plan->joins && result < claim->run->plan->output_count; result++) {
            int64_t before = za_plan_lookback(claim->run->plan, result);
            take_away(claim->run, result, series->row, before < series->bars ? before : series->bars);
        }
    }
}
