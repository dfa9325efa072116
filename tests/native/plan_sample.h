/* Plans of any nodes, and values to compare. */
#ifndef ZA_TESTS_PLAN_SAMPLE_H
#define ZA_TESTS_PLAN_SAMPLE_H

#include "bars_sample.h"
#include "market_sample.h"

enum { MOST_NODES = 40 };

static inline double around_zero(uint64_t *dice)
{
    return (double)roll(dice, 2001) / 1000.0 - 1.0;
}

/* A kernel at its defaults, but with small whole-number parameters, so that values come early. */
static inline za_node_spec some_kernel(uint64_t *dice, int nodes)
{
    za_indicator indicator = (za_indicator)roll(dice, ZA_INDICATOR_COUNT);
    const za_indicator_info *info = za_indicator_info_of(indicator);
    za_node_spec spec = {.kind = ZA_NODE_KERNEL,
                         .which = (int)indicator,
                         .input_count = info->input_count,
                         .params = za_params_default(indicator)};
    for (int i = 0; i < info->param_count; i++) {
        const za_param_info *param = &info->params[i];
        double value = param->least + (double)roll(dice, 20);
        spec.params.value[i] = param->whole && value <= param->most ? value : param->initial;
    }
    for (int i = 0; i < info->input_count; i++) {
        spec.inputs[i] = (int)roll(dice, (uint64_t)nodes);
    }
    return spec;
}

static inline za_node_spec some_node(uint64_t *dice, int nodes)
{
    za_node_spec spec = {.input_count = 1, .inputs = {(int)roll(dice, (uint64_t)nodes)}};
    switch (roll(dice, 6)) {
    case 0:
        spec.kind = ZA_NODE_LAG;
        spec.params.value[0] = 1.0 + (double)roll(dice, 12);
        return spec;
    case 1:
        spec.kind = ZA_NODE_SKIP;
        spec.params.value[0] = 1.0 + (double)roll(dice, 12);
        return spec;
    case 2:
    case 3:
        spec.kind = ZA_NODE_OPERATION;
        spec.which = (int)roll(dice, ZA_OPERATION_COUNT);
        spec.input_count = za_operation_info_of((za_operation)spec.which)->arguments;
        for (int i = 0; i < spec.input_count; i++) {
            spec.inputs[i] = (int)roll(dice, (uint64_t)nodes);
        }
        return spec;
    default:
        return some_kernel(dice, nodes);
    }
}

/* Columns, those that other plans make too, a constant, a field of the calendar, and then anything of anything before
 * it; every node is a result. */
static inline za_plan *some_plan_with(uint64_t *dice, const za_source *sources, int source_count, int *results)
{
    sketch s = {.count = 0};
    int outputs[MOST_NODES];
    for (int column = 0; column < COLUMN_COUNT + source_count; column++) {
        (void)sketch_column(&s, column);
    }
    (void)sketch_constant(&s, around_zero(dice));
    (void)sketch_node(&s, (za_node_spec){.kind = ZA_NODE_CALENDAR, .which = (int)roll(dice, ZA_CALENDAR_COUNT)});
    int count = s.count + 1 + (int)roll(dice, MOST_NODES - (uint64_t)s.count - 1);
    while (s.count < count) {
        (void)sketch_node(&s, some_node(dice, s.count));
    }
    for (int i = 0; i < count; i++) {
        outputs[i] = i;
    }
    *results = count;
    return sketch_plan_with(&s, outputs, count, sources, source_count);
}

static inline za_plan *some_plan(uint64_t *dice, int *results)
{
    return some_plan_with(dice, NULL, 0, results);
}

/* NaN has many bit patterns, and which one comes out of two is the processor's choice. */
static inline bool same_values(const double *a, const double *b, size_t count)
{
    bool same = true;
    for (size_t i = 0; same && i < count; i++) {
        same = memcmp(&a[i], &b[i], sizeof *a) == 0 || (isnan(a[i]) && isnan(b[i]));
    }
    return same;
}

#endif
