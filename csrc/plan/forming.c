#include "plan/forming.h"

#include <math.h>
#include <string.h>

#include "plan/pin.h"
#include "plan/tile.h"

/* The part of a node that an entering bar changes, beside slots that it writes and does not read. */
typedef struct za_part {
    int64_t header, holes; /* vectors at the beginning and at the end of its state */
} za_part;

static za_part part_of(const za_node *node, const za_lane_set *set)
{
    if (node->spec.kind == ZA_NODE_KERNEL) {
        size_t vector = (size_t)set->lanes * sizeof(double);
        return (za_part){(int64_t)(set->header_bytes((za_indicator)node->spec.which) / vector), ZA_HOLE_VECTORS};
    }
    return (za_part){node->spec.kind == ZA_NODE_LAG ? 0 : node->vectors, 0};
}

static size_t bytes_of(const za_tile_spec *spec)
{
    const za_plan *plan = spec->plan;
    int64_t vectors = 0;
    for (int i = 0; i < plan->node_count; i++) {
        za_part part = part_of(&plan->nodes[i], spec->set);
        vectors += plan->nodes[i].read ? part.header + part.holes : 0;
    }
    return (size_t)plan->node_count * sizeof(za_step) + (size_t)(vectors * spec->set->lanes) * sizeof(double);
}

/* The steps of a tile with their headers, one behind the other: into `memory`, or back. */
static void move_headers(za_tile *tile, void *memory, bool back)
{
    const za_plan *plan = tile->spec.plan;
    za_step *steps = memory;
    double *kept = (double *)(void *)(steps + plan->node_count);
    int lanes = tile->spec.set->lanes;
    for (int i = 0; i < plan->node_count; i++) {
        const za_node *node = &plan->nodes[i];
        if (!node->read) {
            continue;
        }
        za_part part = part_of(node, tile->spec.set);
        size_t header = (size_t)(part.header * lanes), holes = (size_t)(part.holes * lanes);
        double *state = tile->steps[i].state, *end = state + node->vectors * lanes - holes;
        memcpy(back ? state : kept, back ? kept : state, header * sizeof *kept);
        memcpy(back ? end : kept + header, back ? kept + header : end, holes * sizeof *kept);
        kept += header + holes;
        if (node->spec.kind == ZA_NODE_KERNEL) { /* the steps of constants say what is in their blocks */
            *(back ? &tile->steps[i] : &steps[i]) = *(back ? &steps[i] : &tile->steps[i]);
        }
    }
}

/* A tile on its way through the versions of periods. */
typedef struct za_versions {
    const za_forming *forming;
    za_tile *tile;
    const size_t *series;
    void *headers;                                      /* before the period */
    int64_t first[ZA_MOST_LANES], count[ZA_MOST_LANES]; /* of each lane: the period's first bar, and how many it has */
    bool entered;                                       /* a version of the period */
} za_versions;

/* Finds the bars of the tile's next period; returns the most that a lane has. */
static int64_t open_period(za_versions *versions)
{
    const za_periods *periods = versions->forming->periods;
    int64_t most = 0;
    for (int lane = 0; lane < versions->tile->spec.lanes; lane++) {
        size_t series = versions->series[lane];
        int64_t at = periods->offsets[series] + versions->tile->end, end = periods->offsets[series + 1];
        int64_t bars = za_run_bars_of(periods->around, series).bars;
        versions->first[lane] = at < end ? periods->starts[at] : bars;
        versions->count[lane] = (at + 1 < end ? periods->starts[at + 1] : bars) - versions->first[lane];
        most = versions->count[lane] > most ? versions->count[lane] : most;
    }
    move_headers(versions->tile, versions->headers, false);
    versions->entered = false;
    return most;
}

/* The figures of a lane's period with its bar number `version`. */
static void fold_bar(const za_versions *versions, int lane, int64_t period, int64_t version)
{
    const za_periods *periods = versions->forming->periods;
    size_t series = versions->series[lane];
    for (int column = 0; column < periods->plan->column_count; column++) {
        if (periods->columns[column] != NULL) {
            double *figure = &periods->columns[column][periods->offsets[series] + period];
            double value = za_run_column(periods->around, series, column)[versions->first[lane] + version];
            *figure = za_period_fold(za_run_figure(periods->around, column), version == 0 ? NAN : *figure, value);
        }
    }
}

/* Folds a bar into each lane that has one, and says where its results go. Whether any are wanted. */
static bool fold_version(za_versions *versions, int64_t period, int64_t version)
{
    const za_forming *forming = versions->forming;
    za_target *target = &versions->tile->spec.target;
    bool wanted = false;
    for (int lane = 0; lane < versions->tile->spec.lanes; lane++) {
        size_t series = versions->series[lane];
        int64_t bar = versions->first[lane] + version;
        bool enters = version < versions->count[lane], emits = enters && bar >= forming->from[series];
        if (enters) {
            fold_bar(versions, lane, period, version);
        }
        target->row[lane] = forming->row[series] + (emits ? bar - forming->from[series] : 0);
        target->from[lane] = emits ? period : period + 1;
        wanted = wanted || emits;
    }
    return wanted;
}

/* The version enters from the headers of before the period. */
static bool enter_version(za_versions *versions, int64_t period)
{
    if (versions->entered) {
        move_headers(versions->tile, versions->headers, true);
        versions->tile->end = period;
    }
    versions->entered = true;
    return za_tile_run(versions->tile, period + 1);
}

static bool run_period(za_versions *versions)
{
    int64_t period = versions->tile->end, most = open_period(versions);
    bool entered = true;
    for (int64_t version = 0; version < most; version++) {
        bool wanted = fold_version(versions, period, version);
        entered = entered && (!(wanted || version + 1 == most) || enter_version(versions, period));
    }
    return entered;
}

static bool run(const za_tile_way *way, za_tile *tile, const size_t *series, void *memory)
{
    za_versions versions = {
        .forming = (const za_forming *)(const void *)way, .tile = tile, .series = series, .headers = memory};
    int64_t plain = INT64_MAX, end = 0;
    for (int lane = 0; lane < tile->spec.lanes; lane++) {
        plain = tile->spec.target.from[lane] < plain ? tile->spec.target.from[lane] : plain;
        end = tile->spec.bars[lane] > end ? tile->spec.bars[lane] : end;
    }
    bool good = za_tile_run(tile, plain);
    while (good && tile->end < end) {
        good = run_period(&versions);
    }
    return good;
}

const za_tile_way za_forming_way = {bytes_of, run};
