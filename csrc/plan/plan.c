#include "plan/plan.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "kernels/lanes.h"
#include "kernels/operation.h"
#include "plan/buffers.h"
#include "plan/check.h"
#include "plan/direct.h"
#include "plan/graph.h"

/* A tile may ask for so much; a plan that would need more is refused before memory is asked for. */
#define MOST_TILE_BYTES (INT64_C(1) << 30)
/* Series are not cut by longer periods than this. */
#define MOST_PERIOD (INT64_C(1) << 20)

static int64_t longer(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* a + b, but for ever stays for ever. */
static int64_t further(int64_t a, int64_t b)
{
    return a == ZA_FOR_EVER || b == ZA_FOR_EVER ? ZA_FOR_EVER : a + b;
}

static bool remembers(const za_node_spec *spec)
{
    return spec->kind == ZA_NODE_OPERATION && za_operation_info_of((za_operation)spec->which)->running;
}

/* The bars that have to enter a node before a value is right. A node that skips values counts them from the first that
 * is a number, which a column may have at any bar. */
static int64_t memory_of(const za_node_spec *spec)
{
    if (spec->kind == ZA_NODE_KERNEL) {
        za_memory memory = za_memory_of((za_indicator)spec->which, &spec->params);
        return memory.kind == ZA_REACH ? memory.bars : ZA_FOR_EVER;
    }
    if (spec->kind == ZA_NODE_LAG) {
        return 1 + (int64_t)spec->params.value[0];
    }
    return remembers(spec) || spec->kind == ZA_NODE_SKIP ? ZA_FOR_EVER : 1;
}

/* The bars after which a state that began anywhere is that of the whole past: of what forgets, twice its memory, since
 * the block before is kept too. A recursion that fades gets there by rounding, and whoever relies on it compares. */
static int64_t warm_of(const za_node *node)
{
    if (node->spec.kind == ZA_NODE_KERNEL && !node->windowed) {
        za_memory memory = za_memory_of((za_indicator)node->spec.which, &node->spec.params);
        /* Half as many again, since it begins from nothing at all, which is far from any price. */
        return memory.kind == ZA_FADING ? memory.bars + memory.bars / 2 : ZA_FOR_EVER;
    }
    if (node->spec.kind == ZA_NODE_SKIP) { /* it counts no further than it skips */
        return (int64_t)node->spec.params.value[0] + 1;
    }
    return node->memory == ZA_FOR_EVER ? ZA_FOR_EVER : 2 * node->memory;
}

static int64_t vectors_of(const za_node_spec *spec)
{
    switch (spec->kind) {
    case ZA_NODE_KERNEL:
        return (int64_t)(za_lane_set_one()->state_bytes((za_indicator)spec->which, &spec->params) / sizeof(double)) +
               ZA_HOLE_VECTORS;
    case ZA_NODE_LAG: /* one more than it looks back: a bar may enter again before the next one */
        return 1 + (int64_t)spec->params.value[0];
    case ZA_NODE_SKIP:
        return 1;
    default:
        return remembers(spec);
    }
}

/* Operations that give numbers for numbers. */
static bool keeps_numbers(za_operation operation)
{
    switch (operation) {
    case ZA_OPERATION_negative:
    case ZA_OPERATION_absolute:
    case ZA_OPERATION_sign:
    case ZA_OPERATION_minimum:
    case ZA_OPERATION_maximum:
    case ZA_OPERATION_less:
    case ZA_OPERATION_less_equal:
    case ZA_OPERATION_greater:
    case ZA_OPERATION_greater_equal:
    case ZA_OPERATION_equal:
    case ZA_OPERATION_not_equal:
    case ZA_OPERATION_and:
    case ZA_OPERATION_or:
    case ZA_OPERATION_not:
        return true;
    default:
        return false;
    }
}

static bool is_clean(const za_node_spec *spec)
{
    switch (spec->kind) {
    case ZA_NODE_COLUMN:
    case ZA_NODE_CALENDAR:
    case ZA_NODE_LAG:
        return true;
    case ZA_NODE_CONSTANT:
        return isfinite(spec->params.value[0]);
    case ZA_NODE_OPERATION:
        return keeps_numbers((za_operation)spec->which);
    default:
        return false;
    }
}

/* Returns where the first value of an operation is, from those of its arguments. */
static int64_t first_of_operation(const za_plan *plan, const za_node *node)
{
    int64_t first[ZA_MAX_ARGUMENTS] = {0}, all = 0;
    for (int i = 0; i < node->spec.input_count; i++) {
        first[i] = plan->nodes[node->spec.inputs[i]].first;
        all = longer(all, first[i]);
    }
    switch ((za_operation)node->spec.which) {
    case ZA_OPERATION_is_nan:
        return 0;
    case ZA_OPERATION_fill:
        return first[0] < first[1] ? first[0] : first[1];
    case ZA_OPERATION_where: /* the branch not taken has no say */
        return longer(first[0], first[1] < first[2] ? first[1] : first[2]);
    case ZA_OPERATION_ratio:
        return longer(first[1], first[0] < first[2] ? first[0] : first[2]);
    case ZA_OPERATION_bars_since:
    case ZA_OPERATION_value_when:
    case ZA_OPERATION_highest_since:
    case ZA_OPERATION_lowest_since:
    case ZA_OPERATION_total_since:
        return first[0];
    default:
        return all;
    }
}

/* Somebody reads the value of node `at`. */
static void want(za_plan *plan, int at)
{
    int output;
    const za_node *source = za_node_source(plan, at, &output);
    plan->nodes[source - plan->nodes].wanted |= 1u << output;
}

/* Sets what follows from the plan that makes a column. */
static void look_into(const za_source *source, za_node *node)
{
    const za_node *made = &source->plan->nodes[source->plan->outputs[source->output]];
    node->clean = source->kind == ZA_SOURCE_VALUE && made->clean;
    node->first = source->kind == ZA_SOURCE_TICKER || source->kind == ZA_SOURCE_PERIOD ? 0 : made->first;
    node->reach = source->kind == ZA_SOURCE_PERIOD ? ZA_FOR_EVER : made->reach;
}

/* Sets what follows from the nodes before it. */
static void look_back(za_plan *plan, za_node *node)
{
    const za_node_spec *spec = &node->spec;
    bool clean = is_clean(spec);
    int64_t entry = 0, depth = 0, reach = 0, warm = 0;
    for (int i = 0; i < spec->input_count; i++) {
        const za_node *input = &plan->nodes[spec->inputs[i]];
        entry = longer(entry, input->first);
        depth = longer(depth, input->depth);
        reach = longer(reach, input->reach);
        warm = longer(warm, input->warm);
        clean = clean && input->clean;
    }
    node->memory = memory_of(spec);
    int64_t earlier = node->memory == ZA_FOR_EVER ? ZA_FOR_EVER : node->memory - 1;
    node->depth = further(depth, earlier);
    node->reach = further(reach, earlier);
    node->vectors = vectors_of(spec);
    node->windowed = spec->kind == ZA_NODE_KERNEL && node->memory != ZA_FOR_EVER;
    node->clean = clean;
    node->entry = entry;
    node->first = entry;
    node->warm = further(warm, warm_of(node));
    if (spec->kind == ZA_NODE_KERNEL) {
        node->first = entry + za_lookback((za_indicator)spec->which, &spec->params);
        za_memory memory = za_memory_of((za_indicator)spec->which, &spec->params);
        node->beside = memory.beside;
        node->lag = memory.lag;
        node->total = memory.total;
    } else if (spec->kind == ZA_NODE_LAG || spec->kind == ZA_NODE_SKIP) {
        node->first = entry + (int64_t)spec->params.value[0];
    } else if (spec->kind == ZA_NODE_OPERATION) {
        node->first = node->entry = first_of_operation(plan, node);
    } else if (spec->kind == ZA_NODE_COLUMN && za_plan_source(plan, spec->which) != NULL) {
        look_into(za_plan_source(plan, spec->which), node);
    }
}

/* A value of `node` is read `back` bars before the oldest bar asked for: so its inputs are, further back. */
static void pass_on(za_plan *plan, const za_node *node, int at, int *last)
{
    const za_node_spec *spec = &node->spec;
    int64_t reach = node->memory == ZA_FOR_EVER ? ZA_FOR_EVER : node->memory - 1;
    int reader = spec->kind == ZA_NODE_OUTPUT ? last[at] : at; /* an output is read where it is computed */
    for (int k = 0; k < spec->input_count; k++) {
        za_node *input = &plan->nodes[spec->inputs[k]];
        input->back = longer(input->back, further(node->back, reach));
        input->read = true;
        input->rows = input->rows || spec->kind != ZA_NODE_OPERATION;
        last[spec->inputs[k]] = (int)longer(last[spec->inputs[k]], reader);
        if (spec->kind != ZA_NODE_OUTPUT) {
            want(plan, spec->inputs[k]);
        }
    }
}

/* Sets what follows from the nodes that read it; `last` is who reads a value last, -1 if only a result is made of it.
 */
static void look_ahead(za_plan *plan, int *last)
{
    for (int i = 0; i < plan->node_count; i++) {
        last[i] = -1;
    }
    for (int i = 0; i < plan->output_count; i++) {
        plan->nodes[plan->outputs[i]].read = plan->nodes[plan->outputs[i]].rows = true;
        want(plan, plan->outputs[i]);
    }
    for (int i = plan->node_count - 1; i >= 0; i--) {
        if (plan->nodes[i].read) {
            pass_on(plan, &plan->nodes[i], i, last);
        }
    }
}

static void list_emits(za_plan *plan)
{
    int listed = 0;
    for (int i = 0; i < plan->node_count; i++) {
        plan->nodes[i].emits = listed;
        for (int result = 0; result < plan->output_count; result++) {
            int output;
            if (za_node_source(plan, plan->outputs[result], &output) == &plan->nodes[i]) {
                plan->emits[listed++] = (za_emit){result, output};
            }
        }
        plan->nodes[i].emit_count = listed - plan->nodes[i].emits;
    }
}

static int64_t greatest_common_divisor(int64_t a, int64_t b)
{
    while (b != 0) {
        int64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

/* Bars by which a node's state cuts its input: the same at the same remainder of them. 1 if it does not. */
static int64_t period_of(const za_node *node)
{
    switch (node->spec.kind) {
    case ZA_NODE_KERNEL:
        return za_lane_set_one()->period((za_indicator)node->spec.which, &node->spec.params);
    case ZA_NODE_LAG:
        return 1 + (int64_t)node->spec.params.value[0];
    default:
        return 1;
    }
}

/* A multiple of two periods that are short enough does not overflow. */
static void find_period(za_plan *plan)
{
    plan->period = 1;
    for (int i = 0; i < plan->node_count && plan->period != 0; i++) {
        int64_t period = period_of(&plan->nodes[i]);
        if (period > MOST_PERIOD) {
            plan->period = 0;
            return;
        }
        plan->period = plan->period / greatest_common_divisor(plan->period, period) * period;
        plan->period = plan->period > MOST_PERIOD ? 0 : plan->period;
    }
}

/* Returns whether the place of a bar has a say in its value. 1 to the power of NaN is 1, as is NaN to the power of 0:
 * only its place says that a bar is before the first one that has a value. */
static bool depends_on_place(const za_node *node)
{
    int which = node->spec.which;
    bool power = node->spec.kind == ZA_NODE_OPERATION &&
                 (which == ZA_OPERATION_power || which == ZA_OPERATION_signed_power) && node->entry > 0;
    return power || (node->vectors > 0 && !(node->beside && node->lag == 0));
}

/* Returns the cost of a bar, about, in operations. Columns are where they are, or are read by the way. */
static int64_t weight_of(const za_node *node)
{
    enum { KERNEL = 4, MAPPED = 16 };
    bool operates = node->spec.kind == ZA_NODE_OPERATION;
    bool mapped = operates && za_operation_info_of((za_operation)node->spec.which)->mapped;
    bool enters = node->spec.kind == ZA_NODE_KERNEL && !node->beside;
    return mapped ? MAPPED : enters ? KERNEL : operates || node->spec.kind == ZA_NODE_KERNEL;
}

/* Returns whether its bars wait for no more than a number of the last one. */
static bool goes_along(const za_node *node)
{
    return node->beside || node->total || node->spec.kind == ZA_NODE_OPERATION;
}

static bool is_of_bars(const za_plan *plan, const za_node *node)
{
    return node->spec.kind == ZA_NODE_COLUMN && za_plan_source(plan, node->spec.which) == NULL;
}

/* Adds up what the nodes that are read take together. */
static za_code add_up(za_plan *plan, za_error *error)
{
    const int64_t lanes = za_lane_set_widest()->lanes;
    plan->beside = plan->along = plan->joins = true;
    for (int i = 0; i < plan->node_count; i++) {
        const za_node *node = &plan->nodes[i];
        plan->depth = longer(plan->depth, node->read ? node->depth : 0);
        plan->warm = longer(plan->warm, node->warm);
        plan->entry = longer(plan->entry, node->first);
        plan->beside = plan->beside && (node->vectors == 0 || node->beside || !node->read);
        plan->along = plan->along && (node->vectors == 0 || goes_along(node) || !node->read);
        plan->joins = plan->joins && (is_of_bars(plan, node) || node->beside || !node->read);
        plan->remembers = plan->remembers || (node->read && depends_on_place(node));
        plan->vectors += node->read ? node->vectors : 0;
        plan->weight += node->read ? weight_of(node) : 0;
        if (plan->vectors * lanes * (int64_t)sizeof(double) > MOST_TILE_BYTES) {
            return za_fail(error, ZA_BAD_VALUE, "these formulas would remember more than %lld MiB for %lld tickers",
                           (long long)(MOST_TILE_BYTES >> 20), (long long)lanes);
        }
    }
    return ZA_OK;
}

/* Copies the nodes and finds out what follows from them. */
static za_code build(za_plan *plan, const za_plan_spec *spec, za_error *error)
{
    size_t count = (size_t)spec->node_count;
    plan->nodes = za_alloc_zeroed(count, sizeof *plan->nodes);
    plan->outputs = za_alloc((size_t)spec->output_count, sizeof *plan->outputs);
    plan->emits = za_alloc((size_t)spec->output_count, sizeof *plan->emits);
    plan->sources = za_alloc((size_t)spec->source_count, sizeof *plan->sources);
    int *last = za_alloc(count, sizeof *last);
    za_code code = ZA_OK;
    if (plan->nodes == NULL || plan->outputs == NULL || plan->emits == NULL || plan->sources == NULL || last == NULL) {
        code = za_fail_memory(error);
        goto done;
    }
    memcpy(plan->outputs, spec->outputs, (size_t)spec->output_count * sizeof *plan->outputs);
    plan->node_count = spec->node_count;
    plan->output_count = spec->output_count;
    plan->column_count = spec->column_count;
    plan->source_count = spec->source_count;
    for (int i = 0; i < spec->source_count; i++) {
        plan->sources[i] = spec->sources[i];
        plan->reads_times =
            plan->reads_times || spec->sources[i].kind != ZA_SOURCE_VALUE || spec->sources[i].plan->reads_times;
    }
    for (int i = 0; i < spec->node_count; i++) {
        plan->nodes[i].spec = spec->nodes[i];
        look_back(plan, &plan->nodes[i]);
        plan->reads_times = plan->reads_times || spec->nodes[i].kind == ZA_NODE_CALENDAR;
    }
    look_ahead(plan, last);
    list_emits(plan);
    plan->direct = za_direct_find(plan);
    find_period(plan);
    code = za_buffers_assign(plan, last, error);
    code = code == ZA_OK ? add_up(plan, error) : code;
done:
    za_free(last);
    return code;
}

za_plan *za_plan_new(const za_plan_spec *spec, za_error *error)
{
    if (za_plan_check(spec, error) != ZA_OK) {
        return NULL;
    }
    za_plan *plan = za_alloc_zeroed(1, sizeof *plan);
    if (plan == NULL) {
        (void)za_fail_memory(error);
        return NULL;
    }
    if (build(plan, spec, error) != ZA_OK) {
        za_plan_free(plan);
        return NULL;
    }
    return plan;
}

void za_plan_free(za_plan *plan)
{
    if (plan != NULL) {
        za_free(plan->nodes);
        za_free(plan->outputs);
        za_free(plan->emits);
        za_free(plan->sources);
        za_free(plan);
    }
}

int za_plan_output_count(const za_plan *plan)
{
    return plan->output_count;
}

int za_plan_column_count(const za_plan *plan)
{
    return plan->column_count;
}

bool za_plan_remembers(const za_plan *plan)
{
    return plan->remembers;
}

bool za_plan_reads_times(const za_plan *plan)
{
    return plan->reads_times;
}

bool za_plan_reads_bars(const za_plan *plan)
{
    bool reads = false;
    for (int i = 0; i < plan->node_count; i++) {
        const za_node_spec *spec = &plan->nodes[i].spec;
        bool column = spec->kind == ZA_NODE_COLUMN && za_plan_source(plan, spec->which) == NULL;
        reads = reads || column || spec->kind == ZA_NODE_CALENDAR;
    }
    return reads;
}

bool za_plan_has_sources(const za_plan *plan)
{
    return plan->source_count > 0;
}

int64_t za_plan_lookback(const za_plan *plan, int output)
{
    return plan->nodes[plan->outputs[output]].first;
}

int64_t za_plan_reach(const za_plan *plan, int output)
{
    int64_t reach = plan->nodes[plan->outputs[output]].reach;
    return reach == ZA_FOR_EVER ? ZA_ALL_BARS : reach + 1;
}
