#include "plan/check.h"

#include <math.h>

#include "kernels/operation.h"
#include "plan/calendar.h"
#include "plan/graph.h"

/* Returns how many inputs a node must have. */
static int inputs_of(const za_node_spec *spec)
{
    switch (spec->kind) {
    case ZA_NODE_KERNEL:
        return za_indicator_info_of((za_indicator)spec->which)->input_count;
    case ZA_NODE_OPERATION:
        return za_operation_info_of((za_operation)spec->which)->arguments;
    case ZA_NODE_OUTPUT:
    case ZA_NODE_LAG:
    case ZA_NODE_SKIP:
        return 1;
    default:
        return 0;
    }
}

/* Returns how many values `which` may have. */
static int choices_of(const za_plan_spec *plan, const za_node_spec *spec)
{
    switch (spec->kind) {
    case ZA_NODE_COLUMN:
        return plan->column_count + plan->source_count;
    case ZA_NODE_KERNEL:
        return ZA_INDICATOR_COUNT;
    case ZA_NODE_OUTPUT:
        return ZA_MAX_OUTPUTS;
    case ZA_NODE_OPERATION:
        return ZA_OPERATION_COUNT;
    case ZA_NODE_CALENDAR:
        return ZA_CALENDAR_COUNT;
    default:
        return 1;
    }
}

/* Up to what a lag or skip may be: as the periods of the catalog. */
enum { MOST_LAG = 100000 };

static za_code check_parameters(const za_plan_spec *plan, int at, za_error *error)
{
    const za_node_spec *spec = &plan->nodes[at];
    double value = spec->params.value[0];
    switch (spec->kind) {
    case ZA_NODE_KERNEL:
        return za_params_check((za_indicator)spec->which, &spec->params, error);
    case ZA_NODE_LAG:
    case ZA_NODE_SKIP:
        if (!(value >= 1.0 && value <= MOST_LAG) || value != floor(value)) {
            return za_fail(error, ZA_BAD_VALUE, "node %d: bars must be a whole number from 1 to %d, not %.10g", at,
                           (int)MOST_LAG, value);
        }
        return ZA_OK;
    default:
        return ZA_OK;
    }
}

static za_code check_node(const za_plan_spec *plan, int at, za_error *error)
{
    const za_node_spec *spec = &plan->nodes[at];
    if ((unsigned)spec->kind >= ZA_NODE_KIND_COUNT || spec->which < 0 || spec->which >= choices_of(plan, spec)) {
        return za_fail(error, ZA_BAD_VALUE, "node %d is of no kind that there is", at);
    }
    if (spec->input_count != inputs_of(spec)) {
        return za_fail(error, ZA_BAD_VALUE, "node %d takes %d inputs, not %d", at, inputs_of(spec), spec->input_count);
    }
    for (int i = 0; i < spec->input_count; i++) {
        if (spec->inputs[i] < 0 || spec->inputs[i] >= at) {
            return za_fail(error, ZA_BAD_VALUE, "node %d reads node %d, which is not before it", at, spec->inputs[i]);
        }
    }
    if (spec->kind == ZA_NODE_OUTPUT) {
        const za_node_spec *kernel = &plan->nodes[spec->inputs[0]];
        if (kernel->kind != ZA_NODE_KERNEL ||
            spec->which >= za_indicator_info_of((za_indicator)kernel->which)->output_count) {
            return za_fail(error, ZA_BAD_VALUE, "node %d: node %d has no output %d", at, spec->inputs[0], spec->which);
        }
    }
    return check_parameters(plan, at, error);
}

static za_code check_source(const za_source *source, int at, za_error *error)
{
    bool good = (unsigned)source->kind < ZA_SOURCE_KIND_COUNT && source->plan != NULL && source->output >= 0 &&
                source->output < source->plan->output_count;
    if (good && source->kind == ZA_SOURCE_ACROSS) {
        good = (unsigned)source->across < ZA_ACROSS_COUNT && source->share >= 0.0 && source->share <= 0.5 &&
               source->labels >= -1;
    }
    good = good && (source->kind != ZA_SOURCE_TICKER || source->ticker >= 0);
    good = good &&
           (source->kind != ZA_SOURCE_PERIOD || (za_period_is_good(source->period) && source->plan->source_count == 0));
    return good ? ZA_OK : za_fail(error, ZA_BAD_VALUE, "source %d is of no kind that there is", at);
}

za_code za_plan_check(const za_plan_spec *plan, za_error *error)
{
    for (int i = 0; i < plan->source_count; i++) {
        if (check_source(&plan->sources[i], i, error) != ZA_OK) {
            return ZA_BAD_VALUE;
        }
    }
    for (int i = 0; i < plan->node_count; i++) {
        if (check_node(plan, i, error) != ZA_OK) {
            return ZA_BAD_VALUE;
        }
    }
    for (int i = 0; i < plan->output_count; i++) {
        if (plan->outputs[i] < 0 || plan->outputs[i] >= plan->node_count) {
            return za_fail(error, ZA_BAD_VALUE, "result %d is node %d, which there is not", i, plan->outputs[i]);
        }
    }
    return ZA_OK;
}
