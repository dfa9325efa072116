#include "plan/series.h"

#include "base/memory.h"
#include "kernels/lanes.h"
#include "plan/pieces.h"

static za_tile_spec tile_of(const za_plan *plan, int64_t bars, double *values)
{
    return (za_tile_spec){.plan = plan,
                          .set = za_lane_set_one(),
                          .bars = {bars},
                          .lanes = 1,
                          .target = {.values = values, .rows = bars, .step = 1}};
}

static size_t pointer_bytes(const za_plan *plan)
{
    return za_whole_lines((size_t)plan->column_count * ZA_MOST_LANES * sizeof(double *));
}

size_t za_series_bytes(const za_plan *plan, int64_t bars)
{
    za_cut cut;
    za_tile_spec spec = tile_of(plan, bars, NULL);
    bool pieces = za_pieces_find(&spec, za_lane_set_widest(), NULL, &cut);
    return pointer_bytes(plan) + (pieces ? za_pieces_bytes(&spec, &cut) : za_tile_bytes(&spec));
}

bool za_series_run(const za_plan *plan, const double *const *columns, int64_t bars, double *values, za_scratch *scratch)
{
    char *memory = za_scratch_get(scratch, za_series_bytes(plan, bars));
    if (memory == NULL) {
        return false;
    }
    const double *(*pointers)[ZA_MOST_LANES] = (void *)memory;
    for (int i = 0; i < plan->column_count; i++) {
        pointers[i][0] = columns[i];
    }
    za_tile_spec spec = tile_of(plan, bars, values);
    spec.column = (const double *const(*)[ZA_MOST_LANES])(void *)pointers;
    memory += pointer_bytes(plan);
    za_cut cut;
    if (za_pieces_find(&spec, za_lane_set_widest(), NULL, &cut) &&
        za_pieces_run(&spec, &cut, NULL, memory) == ZA_PIECES_DONE) {
        return true;
    }
    za_tile tile;
    za_tile_open(&tile, &spec, memory);
    return za_tile_run(&tile, bars); /* true: one lane, whose results are always wanted */
}
