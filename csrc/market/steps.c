#include "market/steps.h"

#include "base/memory.h"

za_frame_of_bars za_frame_of_views(const za_view *views, int count, int lanes)
{
    za_frame_of_bars tile = {.bars = views[0].rows.count};
    for (int lane = 0; lane < lanes; lane++) {
        const za_rows *rows = &views[lane < count ? lane : count - 1].rows;
        for (int i = 0; i < ZA_FIGURE_COUNT; i++) { /* each figure is the field of its number */
            tile.column[i][lane] = rows->figure[i];
        }
    }
    return tile;
}

/* From which bar each column is needed, and the largest state, for all steps that have bars enough. */
typedef struct za_extent {
    int64_t first[ZA_FIELD_COUNT]; /* tile->bars where no step reads the column */
    size_t state_bytes;
} za_extent;

static bool has_bars(const za_step_of *step, int64_t bars)
{
    return bars > za_lookback(step->indicator, &step->params);
}

/* The column of the tile behind an input of the indicator. */
static za_field source_of(const za_step_of *step, int input)
{
    za_field usual = za_indicator_info_of(step->indicator)->inputs[input];
    return usual == ZA_CLOSE ? step->real : usual;
}

/* The bar at which a step has to start so that its last value is that of the whole history. */
static int64_t start_of(const za_step_of *step, int64_t bars)
{
    za_memory memory = za_memory_of(step->indicator, &step->params);
    return memory.kind == ZA_REACH && memory.bars < bars ? bars - memory.bars : 0;
}

static za_extent extent_of(za_steps plan, const za_lane_set *set, int64_t bars)
{
    za_extent extent = {.state_bytes = 0};
    for (int i = 0; i < ZA_FIELD_COUNT; i++) {
        extent.first[i] = bars;
    }
    for (const za_step_of *step = plan.steps; step < plan.steps + plan.count; step++) {
        if (!has_bars(step, bars)) {
            continue;
        }
        int64_t start = start_of(step, bars);
        size_t bytes = set->state_bytes(step->indicator, &step->params);
        for (int input = 0; input < za_indicator_info_of(step->indicator)->input_count; input++) {
            za_field source = source_of(step, input);
            extent.first[source] = start < extent.first[source] ? start : extent.first[source];
        }
        extent.state_bytes = bytes > extent.state_bytes ? bytes : extent.state_bytes;
    }
    return extent;
}

static size_t round_up(size_t bytes)
{
    return (bytes + ZA_CACHE_LINE - 1) / ZA_CACHE_LINE * ZA_CACHE_LINE;
}

/* [bar][lane] columns from extent->first on, transposed into `memory`; with one lane they are the tile's own. */
static void gather(const za_lane_set *set, const za_frame_of_bars *tile, const za_extent *extent, double *memory,
                   const double **columns)
{
    for (int field = 0; field < ZA_FIELD_COUNT; field++) {
        int64_t first = extent->first[field], bars = tile->bars - first;
        const double *plain[ZA_MOST_LANES];
        columns[field] = NULL;
        if (bars <= 0) {
            continue;
        }
        for (int lane = 0; lane < set->lanes; lane++) {
            plain[lane] = tile->column[field][lane] + first;
        }
        if (set->lanes == 1) {
            columns[field] = plain[0];
            continue;
        }
        set->transpose(plain, bars, memory);
        columns[field] = memory;
        memory += round_up((size_t)(bars * set->lanes) * sizeof(double)) / sizeof(double);
    }
}

static size_t tile_bytes(const za_lane_set *set, const za_frame_of_bars *tile, const za_extent *extent)
{
    size_t bytes = 0;
    for (int field = 0; set->lanes > 1 && field < ZA_FIELD_COUNT; field++) {
        bytes += round_up((size_t)((tile->bars - extent->first[field]) * set->lanes) * sizeof(double));
    }
    return bytes;
}

/* What every step of a plan finds: the columns of the tile from the bar on at which the first step needs them. */
typedef struct za_run {
    const za_lane_set *set;
    za_extent extent;
    const double *column[ZA_FIELD_COUNT]; /* [bar][lane] */
    int64_t bars;
    void *state;
} za_run;

static void run_step(const za_run *run, const za_step_of *step, double (*rows)[ZA_MOST_SLOTS])
{
    const za_lane_set *set = run->set;
    const za_indicator_info *info = za_indicator_info_of(step->indicator);
    int64_t start = start_of(step, run->bars), bars = run->bars - start;
    _Alignas(ZA_CACHE_LINE) double out[ZA_MAX_OUTPUTS][ZA_MOST_LANES];
    za_kernel_block block = {.indicator = step->indicator,
                             .params = &step->params,
                             .age = start,
                             .bars = bars - 1,
                             .from = bars - 1,
                             .state = run->state};
    za_kernel_block last = block;
    last.age = run->bars - 1;
    last.bars = 1;
    last.from = 0;
    for (int input = 0; input < info->input_count; input++) {
        za_field source = source_of(step, input);
        block.in[input] = run->column[source] + (start - run->extent.first[source]) * set->lanes;
        last.in[input] = block.in[input] + (bars - 1) * set->lanes;
    }
    for (int output = 0; output < info->output_count; output++) {
        last.out[output] = step->slot[output] != ZA_NO_SLOT ? out[output] : NULL;
    }
    set->start(step->indicator, &step->params, start, run->state);
    set->run(&block);
    set->run(&last);
    for (int output = 0; output < info->output_count; output++) {
        for (int lane = 0; step->slot[output] != ZA_NO_SLOT && lane < set->lanes; lane++) {
            rows[lane][step->slot[output]] = out[output][lane];
        }
    }
}

bool za_steps_run(za_steps plan, const za_lane_set *set, const za_frame_of_bars *tile, za_scratch *scratch,
                  double (*rows)[ZA_MOST_SLOTS])
{
    za_run run = {.set = set, .extent = extent_of(plan, set, tile->bars), .bars = tile->bars};
    size_t state_bytes = round_up(run.extent.state_bytes);
    char *memory = za_scratch_get(scratch, state_bytes + tile_bytes(set, tile, &run.extent));
    if (memory == NULL) {
        return false;
    }
    run.state = memory;
    gather(set, tile, &run.extent, (double *)(void *)(memory + state_bytes), run.column);
    for (const za_step_of *step = plan.steps; step < plan.steps + plan.count; step++) {
        if (has_bars(step, tile->bars)) {
            run_step(&run, step, rows);
        }
    }
    return true;
}
