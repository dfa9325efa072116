/* Plans for the native tests, which have no reader of formulas: a few of the figures by hand, 0 for the others. */
#ifndef ZA_TESTS_MARKET_SAMPLE_H
#define ZA_TESTS_MARKET_SAMPLE_H

#include "check.h"
#include "market/request.h"

static const int figures_of_columns[] = {ZA_FIGURE_HIGH, ZA_FIGURE_LOW, ZA_FIGURE_CLOSE};

enum { COLUMN_HIGH, COLUMN_LOW, COLUMN_CLOSE, COLUMN_COUNT };

/* Nodes under construction. */
typedef struct sketch {
    za_node_spec nodes[256];
    int count;
} sketch;

static inline int sketch_node(sketch *s, za_node_spec spec)
{
    s->nodes[s->count] = spec;
    return s->count++;
}

static inline int sketch_column(sketch *s, int column)
{
    return sketch_node(s, (za_node_spec){.kind = ZA_NODE_COLUMN, .which = column});
}

static inline int sketch_constant(sketch *s, double value)
{
    return sketch_node(s, (za_node_spec){.kind = ZA_NODE_CONSTANT, .params = {{value}}});
}

static inline int sketch_operation(sketch *s, za_operation operation, int a, int b)
{
    return sketch_node(
        s, (za_node_spec){.kind = ZA_NODE_OPERATION, .which = (int)operation, .inputs = {a, b}, .input_count = 2});
}

/* Of one input and one period, the other parameters at their defaults. */
static inline int sketch_kernel(sketch *s, za_indicator indicator, int input, double period)
{
    za_node_spec spec = {.kind = ZA_NODE_KERNEL,
                         .which = (int)indicator,
                         .inputs = {input},
                         .input_count = 1,
                         .params = za_params_default(indicator)};
    spec.params.value[0] = period;
    return sketch_node(s, spec);
}

static inline int sketch_atr(sketch *s, double period)
{
    return sketch_node(s, (za_node_spec){.kind = ZA_NODE_KERNEL,
                                         .which = ZA_INDICATOR_atr,
                                         .inputs = {COLUMN_HIGH, COLUMN_LOW, COLUMN_CLOSE},
                                         .input_count = 3,
                                         .params = {{period}}});
}

/* A plan that reads what other plans make, too. */
static inline za_plan *sketch_plan_with(const sketch *s, const int *outputs, int count, const za_source *sources,
                                        int source_count)
{
    za_error error;
    za_plan *plan = za_plan_new(&(za_plan_spec){.nodes = s->nodes,
                                                .outputs = outputs,
                                                .node_count = s->count,
                                                .output_count = count,
                                                .column_count = COLUMN_COUNT,
                                                .sources = sources,
                                                .source_count = source_count},
                                &error);
    CHECK(plan != NULL);
    return plan;
}

static inline za_plan *sketch_plan(const sketch *s, const int *outputs, int count)
{
    return sketch_plan_with(s, outputs, count, NULL, 0);
}

/* The nodes of what the rules read, and of the sets' other figures, which are 0. */
static inline sketch sketch_features(int outputs[ZA_FEATURE_COUNT])
{
    sketch s = {.count = 0};
    for (int column = 0; column < COLUMN_COUNT; column++) {
        (void)sketch_column(&s, column);
    }
    int nothing = sketch_constant(&s, 0.0), highest = sketch_kernel(&s, ZA_INDICATOR_highest, COLUMN_CLOSE, 20);
    for (int i = 0; i < ZA_FEATURE_COUNT; i++) {
        outputs[i] = nothing;
    }
    outputs[ZA_FEATURE_close] = COLUMN_CLOSE;
    outputs[ZA_FEATURE_sma_20] = sketch_kernel(&s, ZA_INDICATOR_sma, COLUMN_CLOSE, 20);
    outputs[ZA_FEATURE_sma_50] = sketch_kernel(&s, ZA_INDICATOR_sma, COLUMN_CLOSE, 50);
    outputs[ZA_FEATURE_rsi_14] = sketch_kernel(&s, ZA_INDICATOR_rsi, COLUMN_CLOSE, 14);
    outputs[ZA_FEATURE_atr_14] = sketch_atr(&s, 14);
    outputs[ZA_FEATURE_z_score_20] = sketch_kernel(&s, ZA_INDICATOR_zscore, COLUMN_CLOSE, 20);
    outputs[ZA_FEATURE_slope_20d] = sketch_kernel(&s, ZA_INDICATOR_linearreg_slope, COLUMN_CLOSE, 20);
    outputs[ZA_FEATURE_new_high_20d] = sketch_operation(&s, ZA_OPERATION_greater_equal, COLUMN_CLOSE, highest);
    return s;
}

static inline za_plan *market_plan(void)
{
    int outputs[ZA_FEATURE_COUNT];
    sketch s = sketch_features(outputs);
    return sketch_plan(&s, outputs, ZA_FEATURE_COUNT);
}

/* These of them alone. */
static inline za_plan *plan_of_features(const za_feature *features, int count)
{
    int all[ZA_FEATURE_COUNT], chosen[ZA_FEATURE_COUNT];
    sketch s = sketch_features(all);
    for (int i = 0; i < count; i++) {
        chosen[i] = all[features[i]];
    }
    return sketch_plan(&s, chosen, count);
}

static inline za_plan *paper_plan(void)
{
    sketch s = {.count = 0};
    int outputs[ZA_PAPER_COUNT];
    for (int column = 0; column < COLUMN_COUNT; column++) {
        (void)sketch_column(&s, column);
    }
    int nothing = sketch_constant(&s, 0.0), middle = sketch_constant(&s, 50.0);
    for (int i = 0; i < ZA_PAPER_COUNT; i++) {
        outputs[i] = nothing;
    }
    int rsi = sketch_kernel(&s, ZA_INDICATOR_rsi, COLUMN_CLOSE, 14);
    outputs[ZA_PAPER_sma_5] = sketch_kernel(&s, ZA_INDICATOR_sma, COLUMN_CLOSE, 5);
    outputs[ZA_PAPER_rsi] = sketch_operation(&s, ZA_OPERATION_fill, rsi, middle);
    return sketch_plan(&s, outputs, ZA_PAPER_COUNT);
}

/* A request of that kind, not yet made a job. */
static inline za_request sample_request(za_request_kind kind, za_plan *plan, za_store *store, const za_symbol *symbols,
                                        size_t count)
{
    return (za_request){.kind = kind,
                        .run = {.plan = plan,
                                .count = count,
                                .tickers = {.store = store, .symbols = symbols, .columns = figures_of_columns}}};
}

#endif
