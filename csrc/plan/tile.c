#include "plan/tile.h"
#include "kernels/lanes.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "plan/ahead.h"
#include "plan/along.h"
#include "plan/direct.h"
#include "plan/holes.h"

/* Blocks of all buffers together take so much of the first-level cache. A long block, of the second level, saves what
 * each node costs to begin one: where a bar takes many operations, where the last bars alone are wanted, of which
 * little is written, and along a series, where what is no buffer lies. */
enum { BLOCK_BYTES = 48 * 1024, LONG_BLOCK_BYTES = 128 * 1024, MANY_OPERATIONS = 16 };
enum { LEAST_BLOCK = 16, MOST_BLOCK = 1024, MOST_ALONG = 16384 };

/* So many nodes have had their block before it is asked again whether the results are wanted. */
enum { NODES_A_LOOK = 32 };

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t within(int64_t bar, int64_t first, int64_t last)
{
    return bar < first ? first : bar > last ? last : bar;
}

static int64_t block_of(const za_tile_spec *spec)
{
    int64_t all = za_tile_bars(spec);
    bool last_alone = all - za_tile_oldest(spec) < LEAST_BLOCK, along = spec->plan->along && spec->set->lanes == 1;
    bool direct = !last_alone && za_direct_may(spec);
    int64_t inner = spec->plan->buffer_count - spec->plan->column_count - spec->plan->output_count;
    int64_t filled = last_alone ? spec->plan->column_count : direct ? 0 : spec->plan->buffer_count;
    int64_t buffers = 1 + (along ? later(inner, 0) : filled);
    bool is_long = last_alone || along || direct || spec->plan->weight >= MANY_OPERATIONS;
    int64_t bytes = is_long ? LONG_BLOCK_BYTES : BLOCK_BYTES, most = along ? MOST_ALONG : MOST_BLOCK;
    int64_t bars = bytes / (buffers * spec->set->lanes * (int64_t)sizeof(double));
    bars = bars < most ? bars : most;
    bars = (bars < all ? bars : all + LEAST_BLOCK - 1) / LEAST_BLOCK * LEAST_BLOCK;
    return spec->block > 0 ? spec->block : later(bars, LEAST_BLOCK);
}

/* The parts of a tile's memory, in bytes. */
typedef struct za_layout {
    size_t steps, states, block, all;
    int64_t block_bars;
} za_layout;

enum { PATCHES = ZA_MAX_INPUTS + ZA_MAX_OUTPUTS };

static za_layout layout_of(const za_tile_spec *spec)
{
    const za_plan *plan = spec->plan;
    size_t vector = (size_t)spec->set->lanes * sizeof(double);
    za_layout layout = {.steps = za_whole_lines((size_t)plan->node_count * sizeof(za_step)),
                        .states = za_whole_lines((size_t)plan->vectors * vector),
                        .block_bars = block_of(spec)};
    layout.block = za_whole_lines((size_t)layout.block_bars * vector);
    size_t blocks = (size_t)(plan->buffer_count + plan->constant_count + PATCHES + 1);
    layout.all = layout.steps + layout.states + blocks * layout.block;
    return layout;
}

size_t za_tile_bytes(const za_tile_spec *spec)
{
    return layout_of(spec).all;
}

static void fill(double *values, double value, int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        values[i] = value;
    }
}

/* The state of a node that has seen nothing. */
static void start_state(const za_tile *tile, const za_node *node, za_step *step)
{
    const za_lane_set *set = tile->spec.set;
    if (node->spec.kind == ZA_NODE_KERNEL) {
        set->start((za_indicator)node->spec.which, &node->spec.params, step->age, step->state);
        step->holes = step->state + (node->vectors - ZA_HOLE_VECTORS) * set->lanes;
        fill(step->holes, -INFINITY, set->lanes);
        fill(step->holes + set->lanes, 0.0, (ZA_HOLE_VECTORS - 1) * set->lanes);
    } else if (node->vectors > 0) {
        bool skipped = node->spec.kind == ZA_NODE_SKIP && tile->spec.begin > 0; /* before the piece, as a rule */
        double initial = node->spec.kind == ZA_NODE_OPERATION
                             ? za_operation_info_of((za_operation)node->spec.which)->initial
                         : skipped ? node->spec.params.value[0]
                                   : NAN;
        fill(step->state, initial, node->vectors * set->lanes);
    }
}

/* From which bars on the node is at work. */
static void open_step(za_tile *tile, const za_node *node, za_step *step, int64_t oldest)
{
    int64_t begin = tile->spec.begin;
    bool all = node->back == ZA_FOR_EVER || begin > 0;
    step->from = all ? begin : later(0, oldest - node->back);
    step->enter = later(begin, node->entry);
    if (node->memory != ZA_FOR_EVER && begin == 0) {
        step->enter = later(step->enter, step->from - (node->memory - 1));
    }
    step->age = step->enter - node->entry;
    start_state(tile, node, step);
    int64_t first = step->from < step->enter ? step->from : step->enter;
    tile->first = first < tile->first ? first : tile->first;
}

/* Nobody writes to what a constant has: a block of rows, or one bar of the widest set. */
static void place_buffers(const za_tile *tile, const za_node *node, za_step *step, int64_t doubles)
{
    bool constant = node->spec.kind == ZA_NODE_CONSTANT;
    for (int k = 0; node->wanted >> k != 0; k++) {
        if (node->buffer[k] != ZA_NO_BUFFER) {
            step->value[k] = (constant ? tile->constants : tile->buffers) + node->buffer[k] * doubles;
        }
    }
    if (constant) {
        fill(step->value[0], node->spec.params.value[0], node->rows ? doubles : ZA_MOST_LANES);
    }
}

void za_tile_open(za_tile *tile, const za_tile_spec *spec, void *memory)
{
    za_layout layout = layout_of(spec);
    const za_plan *plan = spec->plan;
    int64_t doubles = (int64_t)(layout.block / sizeof(double)), oldest = za_tile_oldest(spec);
    *tile = (za_tile){.spec = *spec, .steps = memory, .state_bytes = layout.states, .block = layout.block_bars};
    tile->states = (double *)(void *)((char *)memory + layout.steps);
    tile->buffers = tile->states + layout.states / sizeof(double);
    tile->constants = tile->buffers + plan->buffer_count * doubles;
    tile->patches = tile->constants + plan->constant_count * doubles;
    tile->waste = tile->patches + PATCHES * doubles;
    memset(tile->steps, 0, layout.steps);
    tile->first = za_tile_bars(spec);
    double *state = tile->states;
    for (int i = 0; i < plan->node_count; i++) {
        if (plan->nodes[i].read) {
            tile->steps[i].state = state;
            open_step(tile, &plan->nodes[i], &tile->steps[i], oldest);
            place_buffers(tile, &plan->nodes[i], &tile->steps[i], doubles);
            state += plan->nodes[i].vectors * spec->set->lanes;
        }
    }
    tile->end = tile->first;
}

/* Bars [first, last) that a node is to see, of a block that begins at bar `block`. */
typedef struct za_span {
    int64_t block, first, last;
} za_span;

static double *row_of(const za_tile *tile, const za_step *step, int output, za_span span)
{
    return step->value[output] + (span.first - span.block) * tile->spec.set->lanes;
}

/* The values of an input from the span's first bar on. */
static const double *input_row(const za_tile *tile, const za_node *node, int input, za_span span)
{
    int output;
    const za_node *source = za_node_source(tile->spec.plan, node->spec.inputs[input], &output);
    return row_of(tile, &tile->steps[source - tile->spec.plan->nodes], output, span);
}

/* A column of lanes that do not all reach to the end of the span: what is behind a lane's last bar repeats it. */
static void gather_uneven(const za_tile *tile, const double *const *columns, za_span span, double *to)
{
    int lanes = tile->spec.set->lanes;
    for (int64_t bar = span.first; bar < span.last; bar++) {
        for (int lane = 0; lane < lanes; lane++) {
            int64_t last = tile->spec.bars[lane] - 1;
            to[(bar - span.first) * lanes + lane] = columns[lane][bar < last ? bar : last];
        }
    }
}

static void run_derived(za_tile *tile, const za_node *node, za_step *step, za_span span)
{
    const za_feed *feeds = tile->spec.feed[node->spec.which - tile->spec.plan->column_count];
    int lanes = tile->spec.set->lanes;
    if (lanes == 1 && feeds[0].times == NULL) { /* the bars before the first are behind the pointer, and not read */
        step->value[0] = (double *)((uintptr_t)feeds[0].values + (uintptr_t)((span.block - feeds[0].first) * 8));
        return;
    }
    for (int lane = 0; lane < lanes; lane++) {
        za_feed_gather(&feeds[lane], &(za_feed_rows){.times = tile->spec.time[lane],
                                                     .first = span.first,
                                                     .bars = span.last - span.first,
                                                     .last = tile->spec.bars[lane] - 1,
                                                     .to = row_of(tile, step, 0, span) + lane,
                                                     .step = lanes});
    }
}

static void run_column(za_tile *tile, const za_node *node, za_step *step, za_span span)
{
    const za_lane_set *set = tile->spec.set;
    if (za_plan_source(tile->spec.plan, node->spec.which) != NULL) {
        run_derived(tile, node, step, span);
        return;
    }
    const double *const *columns = tile->spec.column[node->spec.which];
    if (set->lanes == 1) { /* nobody writes to a column's value */
        step->value[0] = (double *)(uintptr_t)(columns[0] + span.block);
        return;
    }
    double *to = row_of(tile, step, 0, span);
    step->finite = false;
    if (!za_tile_is_even(tile, span.last)) {
        gather_uneven(tile, columns, span, to);
        return;
    }
    const double *from[ZA_MOST_LANES];
    for (int lane = 0; lane < set->lanes; lane++) {
        from[lane] = columns[lane] + span.first;
    }
    step->finite = set->transpose(from, span.last - span.first, to);
}

static void run_calendar(const za_tile *tile, const za_node *node, const za_step *step, za_span span)
{
    int lanes = tile->spec.set->lanes;
    double *to = row_of(tile, step, 0, span);
    for (int64_t bar = span.first; bar < span.last; bar++) {
        for (int lane = 0; lane < lanes; lane++) {
            int64_t last = tile->spec.bars[lane] - 1, time = tile->spec.time[lane][bar < last ? bar : last];
            *to++ = za_calendar_value((za_calendar_field)node->spec.which, tile->spec.zone, time);
        }
    }
}

static void run_operation(const za_tile *tile, const za_node *node, const za_step *step, za_span span)
{
    za_operation_block block = {.operation = (za_operation)node->spec.which,
                                .bars = span.last - span.first,
                                .out = row_of(tile, step, 0, span),
                                .state = step->state};
    for (int i = 0; i < node->spec.input_count; i++) {
        bool constant = tile->spec.plan->nodes[node->spec.inputs[i]].spec.kind == ZA_NODE_CONSTANT;
        block.in[i] = input_row(tile, node, i, constant ? (za_span){0} : span);
        block.constants |= (unsigned)constant << i;
    }
    if (tile->spec.set->lanes == 1 && node->vectors == 0) {
        za_along_operate(&block);
    } else {
        tile->spec.set->operate(&block);
    }
}

/* The slots are a ring of one bar more than the lag: a bar is at the remainder of its number. */
static void run_lag(const za_tile *tile, const za_node *node, const za_step *step, za_span span)
{
    int lanes = tile->spec.set->lanes;
    int64_t lag = (int64_t)node->spec.params.value[0], slots = lag + 1, bars = span.last - span.first;
    int64_t before = within(lag, 0, bars);
    const double *in = input_row(tile, node, 0, span);
    double *out = row_of(tile, step, 0, span), *ring = step->state;
    size_t bytes = (size_t)lanes * sizeof(double);
    for (int64_t bar = 0, count; bar < before; bar += count) {
        int64_t slot = (span.first + bar + 1) % slots;
        count = within(slots - slot, 0, before - bar);
        memcpy(out + bar * lanes, ring + slot * lanes, (size_t)count * bytes);
    }
    memcpy(out + before * lanes, in, (size_t)(bars - before) * bytes);
    for (int64_t bar = later(0, bars - slots), count; bar < bars; bar += count) {
        int64_t slot = (span.first + bar) % slots;
        count = within(slots - slot, 0, bars - bar);
        memcpy(ring + slot * lanes, in + bar * lanes, (size_t)count * bytes);
    }
}

static bool has_skipped(const za_tile *tile, const za_node *node, const za_step *step)
{
    bool skipped = true;
    for (int lane = 0; lane < tile->spec.set->lanes; lane++) {
        skipped = skipped && step->state[lane] >= node->spec.params.value[0];
    }
    return skipped;
}

static void count_skipped(const za_tile *tile, const za_node *node, const za_step *step, za_span span)
{
    double bars[ZA_MOST_LANES];
    fill(bars, node->spec.params.value[0], tile->spec.set->lanes);
    za_operation_block block = {.operation = ZA_OPERATION_after,
                                .bars = span.last - span.first,
                                .in = {input_row(tile, node, 0, span), bars},
                                .constants = 2,
                                .out = row_of(tile, step, 0, span),
                                .state = step->state};
    tile->spec.set->operate(&block);
}

/* Bars are counted until enough are skipped: what is behind is as it was. */
static void run_skip(const za_tile *tile, const za_node *node, const za_step *step, za_span span)
{
    za_span part = span;
    for (; part.first < span.last && !has_skipped(tile, node, step); part.first = part.last) {
        int64_t last = part.first + (int64_t)node->spec.params.value[0] + 1;
        part.last = last < span.last ? last : span.last;
        count_skipped(tile, node, step, part);
    }
    if (part.first < span.last) {
        size_t bytes = (size_t)((span.last - part.first) * tile->spec.set->lanes) * sizeof(double);
        memcpy(row_of(tile, step, 0, part), input_row(tile, node, 0, part), bytes);
    }
}

static bool run_kernel(za_tile *tile, const za_node *node, za_step *step, za_span span)
{
    za_kernel_block block = {.indicator = (za_indicator)node->spec.which,
                             .params = &node->spec.params,
                             .age = step->age,
                             .bars = span.last - span.first,
                             .from = within(step->from - span.first, 0, span.last - span.first),
                             .state = step->state};
    bool clean = !node->windowed || step->age >= step->hole_end;
    for (int i = 0; i < node->spec.input_count; i++) {
        int input = node->spec.inputs[i];
        block.in[i] = input_row(tile, node, i, span);
        clean = clean && (tile->steps[input].finite || (tile->spec.clean && tile->spec.plan->nodes[input].clean));
    }
    for (int k = 0; k < ZA_MAX_OUTPUTS; k++) {
        block.out[k] = step->value[k] != NULL ? row_of(tile, step, k, span) : NULL;
    }
    if (!clean || za_along_fits(tile->spec.set, node, &block)) {
        return za_tile_run_kernel(tile, node, step, &block);
    }
    za_ahead_share(tile, node, &block);
    tile->spec.set->run(&block);
    step->age += block.bars;
    return true;
}

/* With one lane a result's own place in the target is as good as a buffer, if all of the block has one. */
static bool fits_target(const za_tile *tile, const za_node *node, int64_t block)
{
    const za_target *target = &tile->spec.target;
    return tile->spec.set->lanes == 1 && node->spec.kind != ZA_NODE_CONSTANT && block >= target->from[0] &&
           target->step == 1;
}

static void place_in_target(const za_tile *tile, const za_node *node, za_step *step, int64_t block)
{
    for (int i = 0; i < node->emit_count; i++) {
        za_emit emit = tile->spec.plan->emits[node->emits + i];
        step->value[emit.output] = za_target_of(&tile->spec.target, emit.result, 0, block);
    }
}

/* Writes the bars of one lane that it has and that are wanted. */
static void emit_lane(const za_tile *tile, za_emit emit, const za_step *step, int lane, za_span span)
{
    const za_target *target = &tile->spec.target;
    int lanes = tile->spec.set->lanes;
    int64_t first = later(span.first, target->from[lane]);
    int64_t last = span.last < tile->spec.bars[lane] ? span.last : tile->spec.bars[lane];
    if (first >= last) {
        return;
    }
    double *to = za_target_of(target, emit.result, lane, first);
    const double *from = step->value[emit.output] + (first - span.block) * lanes + lane;
    for (int64_t bar = first; bar < last; bar++, from += lanes, to += target->step) {
        *to = *from;
    }
}

static void emit(const za_tile *tile, za_emit emit, const za_step *step, za_span span)
{
    const za_target *target = &tile->spec.target;
    const za_lane_set *set = tile->spec.set;
    bool whole = target->step == 1 && span.last - span.first >= set->lanes && za_tile_is_even(tile, span.last);
    for (int lane = 0; lane < tile->spec.lanes; lane++) {
        whole = whole && target->from[lane] <= span.first;
    }
    if (!whole) {
        for (int lane = 0; lane < tile->spec.lanes; lane++) {
            emit_lane(tile, emit, step, lane, span);
        }
        return;
    }
    double *to[ZA_MOST_LANES];
    for (int lane = 0; lane < set->lanes; lane++) {
        to[lane] = lane < tile->spec.lanes ? za_target_of(target, emit.result, lane, span.first) : tile->waste;
    }
    set->spread(row_of(tile, step, emit.output, span), span.last - span.first, to, tile->spec.streamed);
}

/* NaN where a value is read before anything has entered. */
static void fill_before(const za_tile *tile, const za_step *step, za_span span)
{
    for (int k = 0; k < ZA_MAX_OUTPUTS; k++) {
        if (step->value[k] != NULL) {
            fill(row_of(tile, step, k, span), NAN, (span.last - span.first) * tile->spec.set->lanes);
        }
    }
}

static bool run_node(za_tile *tile, const za_node *node, za_step *step, za_span span)
{
    switch (node->spec.kind) {
    case ZA_NODE_COLUMN:
        run_column(tile, node, step, span);
        return true;
    case ZA_NODE_KERNEL:
        return run_kernel(tile, node, step, span);
    case ZA_NODE_OPERATION:
        run_operation(tile, node, step, span);
        return true;
    case ZA_NODE_LAG:
        run_lag(tile, node, step, span);
        return true;
    case ZA_NODE_SKIP:
        run_skip(tile, node, step, span);
        return true;
    case ZA_NODE_CALENDAR:
        run_calendar(tile, node, step, span);
        return true;
    default:
        return true;
    }
}

/* The part of the block [first, last) that concerns one node. */
static bool run_step(za_tile *tile, const za_node *node, za_step *step, int64_t first, int64_t last)
{
    bool fits = fits_target(tile, node, first);
    if (fits) {
        place_in_target(tile, node, step, first);
    }
    za_span span = {first, within(step->enter, first, last), last};
    if (step->from < span.first) {
        fill_before(tile, step, (za_span){first, within(step->from, first, last), span.first});
    }
    if (span.first < last && !run_node(tile, node, step, span)) {
        return false;
    }
    for (int i = 0; i < node->emit_count; i++) {
        za_span wanted = {first, within(step->from, first, last), last};
        za_emit one = tile->spec.plan->emits[node->emits + i];
        bool placed = fits && step->value[one.output] == za_target_of(&tile->spec.target, one.result, 0, first);
        if (wanted.first < last && !placed) {
            emit(tile, one, step, wanted);
        }
    }
    return true;
}

/* From the first bar on, with nodes run one after the other. */
static bool run_anew(za_tile *tile, int64_t end)
{
    za_tile_spec spec = tile->spec;
    spec.direct = false;
    za_tile_open(tile, &spec, tile->steps);
    return za_tile_run(tile, end);
}

bool za_tile_run(za_tile *tile, int64_t end)
{
    const za_plan *plan = tile->spec.plan;
    for (int64_t last; tile->end < end; tile->end = last) {
        last = tile->end + tile->block < end ? tile->end + tile->block : end;
        if (za_direct_fits(tile, &last)) {
            if (!za_direct_run(tile, last)) {
                return run_anew(tile, end);
            }
            continue;
        }
        za_ahead_begin(tile, last, end);
        for (int i = 0; i < plan->node_count; i++) {
            if ((i % NODES_A_LOOK == 0 && !za_tile_is_wanted(tile)) ||
                (plan->nodes[i].read && !run_step(tile, &plan->nodes[i], &tile->steps[i], tile->end, last))) {
                return false;
            }
        }
    }
    return true;
}
