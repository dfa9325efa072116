#include "live/step.h"

#include <math.h>

#include "base/memory.h"
#include "kernels/lanes.h"
#include "live/kernels.h"
#include "live/periods.h"

/* Doubles of a cache line. */
enum { LINE = ZA_CACHE_LINE / (int)sizeof(double) };

/* The parts of the memory, in bytes. */
typedef struct za_live_parts {
    size_t value, block, times, parts, patches, holes, states;
} za_live_parts;

enum { PATCHES = ZA_MAX_INPUTS + ZA_MAX_OUTPUTS };

static za_live_parts parts_of(const za_live_layout *layout, const za_lane_set *set)
{
    size_t vector = (size_t)set->lanes * sizeof(double);
    return (za_live_parts){.value =
                               za_whole_lines((size_t)layout->plan->node_count * ZA_MAX_OUTPUTS * sizeof(double *)),
                           .block = za_whole_lines(ZA_LIVE_BATCH * vector),
                           .times = za_whole_lines(ZA_LIVE_BATCH * (size_t)set->lanes * sizeof(int64_t)),
                           .parts = za_whole_lines(2 * ZA_LIVE_BATCH * sizeof(za_kernel_state)),
                           .patches = za_whole_lines(PATCHES * vector),
                           .holes = za_whole_lines(ZA_HOLE_VECTORS * vector),
                           .states = za_whole_lines((size_t)(layout->largest + ZA_MAX_OUTPUTS) * sizeof(double))};
}

/* The bytes of the results of a plan over periods. */
static size_t results_bytes(const za_live_gathered *gathered, const za_lane_set *set)
{
    size_t results = (size_t)gathered->source->plan->output_count;
    return za_whole_lines(results * ZA_LIVE_BATCH * (size_t)set->lanes * sizeof(double));
}

static size_t lane_bytes(const za_live_gathered *gathered)
{
    return za_whole_lines((size_t)za_live_layout_vectors(gathered->layout) * sizeof(double));
}

/* The structs of all plans over periods. */
static size_t period_works_bytes(const za_live_layout *layout)
{
    size_t count = (size_t)layout->gathered_count;
    return za_whole_lines(count * (sizeof(za_live_period_work) + 2 * sizeof(za_live_work)));
}

size_t za_live_work_bytes(const za_live_layout *layout, const za_lane_set *set)
{
    const za_plan *plan = layout->plan;
    za_live_parts parts = parts_of(layout, set);
    size_t blocks = (size_t)(plan->buffer_count + plan->constant_count + plan->column_count + plan->source_count);
    size_t bytes =
        parts.value + blocks * parts.block + parts.times + parts.parts + parts.patches + parts.holes + parts.states;
    bytes += period_works_bytes(layout);
    for (int i = 0; i < layout->gathered_count; i++) {
        const za_live_gathered *gathered = &layout->gathered[i];
        bytes += za_live_work_bytes(gathered->layout, set) + za_live_work_bytes(gathered->layout, za_lane_set_one()) +
                 results_bytes(gathered, set) + lane_bytes(gathered);
    }
    return bytes;
}

static void fill(double *values, double value, int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        values[i] = value;
    }
}

/* Columns are read where the caller puts them, constants are there for good, and others share buffers. */
static void place_values(za_live_work *work, double *constants, double *buffers, int64_t doubles)
{
    const za_plan *plan = work->layout->plan;
    for (int i = 0; i < plan->node_count; i++) {
        const za_node *node = &plan->nodes[i];
        for (int k = 0; k < ZA_MAX_OUTPUTS; k++) {
            bool constant = node->spec.kind == ZA_NODE_CONSTANT;
            double *first = constant ? constants : buffers;
            bool wanted = node->read && node->buffer[k] != ZA_NO_BUFFER;
            work->value[i][k] = wanted ? first + node->buffer[k] * doubles : NULL;
            if (wanted && constant) {
                fill(work->value[i][k], node->spec.params.value[0], doubles);
            }
        }
        if (node->spec.kind == ZA_NODE_COLUMN) {
            work->value[i][0] = za_live_work_column(work, node->spec.which, 0);
        }
    }
}

static void open_period_works(za_live_work *work, char *at)
{
    const za_live_layout *layout = work->layout;
    const za_lane_set *one = za_lane_set_one();
    work->period_works = (za_live_period_work *)(void *)at;
    za_live_work *works = (za_live_work *)(void *)(work->period_works + layout->gathered_count);
    at += period_works_bytes(layout);
    for (int i = 0; i < layout->gathered_count; i++) {
        const za_live_gathered *gathered = &layout->gathered[i];
        za_live_period_work *period_work = &work->period_works[i];
        *period_work = (za_live_period_work){.wide = &works[2 * i], .one = &works[2 * i + 1]};
        za_live_work_open(period_work->wide, gathered->layout, work->set, at);
        at += za_live_work_bytes(gathered->layout, work->set);
        za_live_work_open(period_work->one, gathered->layout, one, at);
        period_work->results = (double *)(void *)(at += za_live_work_bytes(gathered->layout, one));
        period_work->lane = (double *)(void *)(at += results_bytes(gathered, work->set));
        at += lane_bytes(gathered);
    }
}

void za_live_work_open(za_live_work *work, const za_live_layout *layout, const za_lane_set *set, void *memory)
{
    const za_plan *plan = layout->plan;
    za_live_parts parts = parts_of(layout, set);
    char *at = memory;
    *work = (za_live_work){.layout = layout, .set = set, .value = (double *(*)[ZA_MAX_OUTPUTS])(void *)at};
    work->columns = (double *)(void *)(at += parts.value);
    double *constants = (double *)(void *)(at += (size_t)(plan->column_count + plan->source_count) * parts.block);
    double *buffers = (double *)(void *)(at += (size_t)plan->constant_count * parts.block);
    work->times = (int64_t *)(void *)(at += (size_t)plan->buffer_count * parts.block);
    work->parts = (za_kernel_state *)(void *)(at += parts.times);
    work->patches = (double *)(void *)(at += parts.parts);
    work->holes = (double *)(void *)(at += parts.patches);
    work->states = (double *)(void *)(at += parts.holes);
    open_period_works(work, at + parts.states);
    place_values(work, constants, buffers, (int64_t)(parts.block / sizeof(double)));
}

static void place_parts(const za_live_batch *batch)
{
    for (int tile = 0; tile < batch->count; tile++) {
        const za_live_tile *at = batch->tiles[tile];
        batch->work->parts[tile] = (za_kernel_state){za_live_header(at, 0), za_live_header(at, 1), za_live_slots(at)};
    }
    for (int tile = 0; tile < batch->next_count; tile++) {
        const za_live_tile *at = batch->next[tile];
        batch->work->parts[ZA_LIVE_BATCH + tile] =
            (za_kernel_state){za_live_header(at, 1), za_live_header(at, 0), za_live_slots(at)};
    }
}

static double *header_of(const za_live_batch *batch, int node, int tile, int after)
{
    const za_live_layout *layout = batch->work->layout;
    return za_live_header(batch->tiles[tile], after) + layout->nodes[node].header * batch->work->set->lanes;
}

/* The header of a node that no bar enters goes on as it is. */
static void keep_header(const za_live_batch *batch, int node)
{
    int lanes = batch->work->set->lanes;
    int64_t count = batch->work->layout->nodes[node].header_count;
    for (int tile = 0; count > 0 && tile < batch->count; tile++) {
        const double *from = header_of(batch, node, tile, 0);
        double *to = header_of(batch, node, tile, 1);
        for (int64_t i = 0; i < count * lanes; i += lanes) {
            za_live_copy_lanes(to + i, from + i, lanes);
        }
    }
}

/* Runs an operation that remembers one number a lane, tile by tile. */
static void run_remembering(const za_live_batch *batch, int node, za_operation_block block)
{
    int lanes = batch->work->set->lanes;
    keep_header(batch, node);
    block.bars = 1;
    for (int tile = 0; tile < batch->count; tile++) {
        block.state = header_of(batch, node, tile, 1);
        batch->work->set->operate(&block);
        block.out += lanes;
        for (int i = 0; i < ZA_MAX_ARGUMENTS; i++) {
            block.in[i] = block.in[i] == NULL ? NULL : block.in[i] + lanes;
        }
    }
}

static void run_operation(const za_live_batch *batch, int node)
{
    const za_node *at = &batch->work->layout->plan->nodes[node];
    za_operation_block block = {
        .operation = (za_operation)at->spec.which, .bars = batch->count, .out = batch->work->value[node][0]};
    for (int i = 0; i < at->spec.input_count; i++) {
        block.in[i] = za_live_input(batch, node, i);
    }
    if (at->vectors > 0) {
        run_remembering(batch, node, block);
    } else {
        batch->work->set->operate(&block); /* tiles are as good as bars */
    }
}

static void run_skip(const za_live_batch *batch, int node)
{
    const za_live_work *work = batch->work;
    double bars[ZA_LIVE_BATCH * ZA_MOST_LANES];
    fill(bars, work->layout->plan->nodes[node].spec.params.value[0], batch->count * work->set->lanes);
    run_remembering(batch, node,
                    (za_operation_block){.operation = ZA_OPERATION_after,
                                         .in = {za_live_input(batch, node, 0), bars},
                                         .out = work->value[node][0]});
}

static void run_lag(const za_live_batch *batch, int node, int64_t bar)
{
    const za_live_layout *layout = batch->work->layout;
    int64_t lanes = batch->work->set->lanes, slots = layout->nodes[node].slot_count;
    int64_t newest = bar % slots * lanes, oldest = (bar + 1) % slots * lanes;
    const double *in = za_live_input(batch, node, 0);
    double *out = batch->work->value[node][0];
    for (int tile = 0; tile < batch->count; tile++) {
        double *ring = za_live_slots(batch->tiles[tile]) + layout->nodes[node].slots * lanes;
        za_live_copy_lanes(ring + newest, in + tile * lanes, (int)lanes);
        za_live_copy_lanes(out + tile * lanes, ring + oldest, (int)lanes);
    }
}

static void run_calendar(const za_live_batch *batch, int node)
{
    const za_live_work *work = batch->work;
    za_calendar_field field = (za_calendar_field)work->layout->plan->nodes[node].spec.which;
    for (int i = 0; i < batch->count * work->set->lanes; i++) {
        work->value[node][0][i] = za_calendar_value(field, batch->zone, work->times[i]);
    }
}

static void run_node(const za_live_batch *batch, int node, int64_t bar)
{
    switch (batch->work->layout->plan->nodes[node].spec.kind) {
    case ZA_NODE_KERNEL:
        za_live_run_kernel(batch, node, bar);
        break;
    case ZA_NODE_OPERATION:
        run_operation(batch, node);
        break;
    case ZA_NODE_LAG:
        run_lag(batch, node, bar);
        break;
    case ZA_NODE_SKIP:
        run_skip(batch, node);
        break;
    case ZA_NODE_CALENDAR:
        run_calendar(batch, node);
        break;
    default: /* columns and constants are there, outputs are their kernel's */
        break;
    }
}

/* The bar is before the first one that enters the node. */
static void leave_out(const za_live_batch *batch, int node)
{
    keep_header(batch, node);
    for (int k = 0; k < ZA_MAX_OUTPUTS; k++) {
        if (batch->work->value[node][k] != NULL) {
            fill(batch->work->value[node][k], NAN, batch->count * batch->work->set->lanes);
        }
    }
}

/* Where the results of a tile's lanes go. A lane without a ticker has the row of the first one with one, whose result
 * is written last. */
typedef struct za_live_rows {
    bool follow; /* they are those of tickers and follow each other */
    int first;   /* lane with a ticker */
    int64_t at[ZA_MOST_LANES];
} za_live_rows;

static void place_rows(const za_live_batch *batch, za_live_rows *rows)
{
    for (int tile = 0; tile < batch->count; tile++) {
        const int32_t *row = batch->tiles[tile]->row;
        rows[tile].follow = za_live_rows_follow(batch->tiles[tile]);
        rows[tile].first = za_live_first_lane(batch->tiles[tile]);
        for (int lane = 0; lane < batch->work->set->lanes; lane++) {
            bool used = row[lane] != ZA_NO_ROW;
            rows[tile].at[lane] = row[used ? lane : rows[tile].first] - batch->first;
        }
    }
}

static void emit(const za_live_batch *batch, za_emit emit, int node, const za_live_rows *rows)
{
    const double *from = batch->work->value[node][emit.output];
    double *to = batch->values + emit.result * batch->rows;
    int lanes = batch->work->set->lanes;
    for (int tile = 0; tile < batch->count; tile++, from += lanes) {
        const int64_t *at = rows[tile].at;
        if (rows[tile].follow) {
            za_live_copy_lanes(to + at[0], from, lanes);
            continue;
        }
        for (int lane = 0; lane < lanes; lane++) {
            to[at[lane]] = from[lane];
        }
        to[at[rows[tile].first]] = from[rows[tile].first];
    }
}

/* Headers are read and written line by line, a few of each tile in turn: asked for at once they come in as fast as
 * memory gives them. */
static void fetch_headers(const za_live_batch *batch)
{
    const za_live_layout *layout = batch->work->layout;
    for (int tile = 0; tile < batch->count; tile++) {
        const double *before = batch->work->parts[tile].before, *after = batch->work->parts[tile].after;
        for (int64_t i = 0; i < layout->headers * batch->work->set->lanes; i += LINE) {
            __builtin_prefetch(before + i);
            if (!batch->streamed) {
                __builtin_prefetch(after + i, 1);
            }
        }
    }
}

/* How far the headers that the next batch reads have been asked for. */
typedef struct za_live_ahead {
    int tile;
    int64_t at;
} za_live_ahead;

/* Asks for so many lines of them more: memory works while this batch is computed. */
static void fetch_next(const za_live_batch *batch, za_live_ahead *ahead, int64_t lines)
{
    enum { SECOND_LEVEL = 2 };
    const za_live_layout *layout = batch->work->layout;
    for (; lines > 0 && ahead->tile < batch->next_count; lines--) {
        __builtin_prefetch(za_live_header(batch->next[ahead->tile], 1) + ahead->at, 0, SECOND_LEVEL);
        ahead->at += LINE;
        if (ahead->at >= layout->headers * batch->work->set->lanes) {
            *ahead = (za_live_ahead){ahead->tile + 1, 0};
        }
    }
}

/* Computes the values of bars gathered into periods; each period that enters is a step of its own. */
static void make_of_periods(const za_live_batch *batch)
{
    for (int i = 0; i < batch->work->layout->gathered_count; i++) {
        za_live_entries entries;
        za_live_entries_begin(&entries, batch, i);
        while (za_live_entries_next(&entries)) {
            za_live_step(&entries.entering, entries.again);
            za_live_entries_take(&entries);
        }
        za_live_entries_end(&entries);
    }
}

/* Takes the values of another ticker, and the times at which it was read. */
static void make_of_tickers(const za_live_batch *batch)
{
    const za_live_work *work = batch->work;
    const za_live_layout *layout = work->layout;
    int lanes = work->set->lanes;
    for (int source = 0; source < layout->plan->source_count; source++) {
        const za_live_series *series = layout->series[source];
        double *to = za_live_work_column(work, layout->plan->column_count + source, 0);
        for (int i = 0; series != NULL && i < batch->count * lanes; i++) {
            bool is_known = i > 0 && work->times[i] == work->times[i - 1]; /* most are of one time */
            to[i] =
                is_known ? to[i - 1] : za_live_series_at(series, layout->plan->sources[source].output, work->times[i]);
        }
    }
    for (int tile = 0; layout->time != ZA_LIVE_NO_TIME && tile < batch->count; tile++) {
        double *times = za_live_header(batch->tiles[tile], 1) + layout->time * lanes;
        for (int lane = 0; lane < lanes; lane++) {
            za_live_put_bits(&times[lane], work->times[tile * lanes + lane]);
        }
    }
}

void za_live_step(const za_live_batch *batch, bool again)
{
    const za_plan *plan = batch->work->layout->plan;
    for (int tile = 0; !again && tile < batch->count; tile++) {
        batch->tiles[tile]->after = 1 - batch->tiles[tile]->after;
        batch->tiles[tile]->bars++;
    }
    za_live_rows rows[ZA_LIVE_BATCH];
    place_rows(batch, rows);
    place_parts(batch);
    fetch_headers(batch);
    if (plan->source_count > 0) {
        make_of_periods(batch);
        make_of_tickers(batch);
    }
    int64_t bar = batch->tiles[0]->bars - 1;
    int64_t share = batch->next_count * batch->work->layout->headers / plan->node_count + 1;
    za_live_ahead ahead = {0, 0};
    for (int i = 0; i < plan->node_count; i++) {
        const za_node *node = &plan->nodes[i];
        if (!node->read) {
            continue;
        }
        if (bar < node->entry) {
            leave_out(batch, i);
        } else {
            run_node(batch, i, bar);
        }
        for (int k = 0; k < node->emit_count; k++) {
            emit(batch, plan->emits[node->emits + k], i, rows);
        }
        fetch_next(batch, &ahead, share);
    }
}
