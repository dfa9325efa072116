#include "live/layout.h"

#include "base/memory.h"
#include "kernels/lanes.h"
#include "store/bars.h"

static bool is_marked(const za_live_layout *layout, const za_node *node)
{
    const za_plan *plan = layout->plan;
    bool clean = layout->finite;
    for (int i = 0; i < node->spec.input_count; i++) {
        clean = clean && plan->nodes[node->spec.inputs[i]].clean;
    }
    return !clean;
}

/* Returns how many vectors a node has in each part. */
static void measure(const za_live_layout *layout, const za_node *node, za_live_node *at)
{
    *at = (za_live_node){.header_count = node->vectors};
    if (node->spec.kind == ZA_NODE_KERNEL) {
        int64_t header = (int64_t)(za_lane_set_one()->header_bytes((za_indicator)node->spec.which) / sizeof(double));
        at->marked = is_marked(layout, node);
        at->header_count = header + at->marked;
        at->slot_count = node->vectors - ZA_HOLE_VECTORS - header;
    } else if (node->spec.kind == ZA_NODE_LAG) {
        at->header_count = 0;
        at->slot_count = node->vectors;
    }
}

/* A store keeps finite figures; further columns hold what they are given. */
static bool columns_are_finite(const za_plan *plan, const int *columns)
{
    bool finite = true;
    for (int i = 0; i < plan->column_count; i++) {
        finite = finite && columns[i] < ZA_FIGURE_COUNT;
    }
    return finite;
}

static void place_nodes(za_live_layout *layout)
{
    for (int i = 0; i < layout->plan->node_count; i++) {
        za_live_node *at = &layout->nodes[i];
        if (layout->plan->nodes[i].read) {
            measure(layout, &layout->plan->nodes[i], at);
        }
        int64_t count = at->header_count + at->slot_count;
        at->header = layout->headers;
        at->slots = layout->slots;
        layout->headers += at->header_count;
        layout->slots += at->slot_count;
        layout->largest = count > layout->largest ? count : layout->largest;
    }
}

/* The columns of the bars that a plan reads, each once. */
static bool list_columns(za_live_gathered *gathered)
{
    const za_plan *plan = gathered->source->plan;
    gathered->columns = za_alloc((size_t)plan->node_count, sizeof *gathered->columns);
    for (int i = 0; gathered->columns != NULL && i < plan->node_count; i++) {
        int column = plan->nodes[i].spec.which, at = 0;
        while (at < gathered->column_count && gathered->columns[at] != column) {
            at++;
        }
        if (plan->nodes[i].read && plan->nodes[i].spec.kind == ZA_NODE_COLUMN && at == gathered->column_count) {
            gathered->columns[gathered->column_count++] = column;
        }
    }
    return gathered->columns != NULL;
}

/* Adds what one plan over periods needs. */
static za_code add_gathered(za_live_layout *layout, const za_source *source, za_error *error)
{
    za_live_gathered *gathered = &layout->gathered[layout->gathered_count++];
    *gathered = (za_live_gathered){.source = source, .header = layout->headers, .slots = layout->slots};
    gathered->layout = za_alloc_zeroed(1, sizeof *gathered->layout);
    if (gathered->layout == NULL || !list_columns(gathered)) {
        return za_fail_memory(error);
    }
    za_code code = za_live_layout_make(gathered->layout, source->plan, layout->columns, error);
    int results = source->forming ? 0 : source->plan->output_count;
    layout->headers += ZA_LIVE_FIGURES + gathered->column_count + results;
    layout->slots += ZA_LIVE_STATES + (code == ZA_OK ? za_live_layout_vectors(gathered->layout) : 0);
    return code;
}

static bool is_gathered(const za_live_layout *layout, const za_plan *plan)
{
    bool found = false;
    for (int i = 0; i < layout->gathered_count; i++) {
        found = found || layout->gathered[i].source->plan == plan;
    }
    return found;
}

static za_code place_sources(za_live_layout *layout, za_error *error)
{
    za_code code = ZA_OK;
    for (int i = 0; code == ZA_OK && i < layout->plan->source_count; i++) {
        const za_source *source = &layout->plan->sources[i];
        if (source->kind == ZA_SOURCE_PERIOD && !is_gathered(layout, source->plan)) {
            code = add_gathered(layout, source, error);
        } else if (source->kind == ZA_SOURCE_TICKER && layout->time == ZA_LIVE_NO_TIME) {
            layout->time = layout->headers++;
        } else if (source->kind == ZA_SOURCE_VALUE || source->kind == ZA_SOURCE_ACROSS) {
            code = za_fail(error, ZA_BAD_VALUE, "a plan across tickers has no live states");
        }
    }
    return code;
}

za_code za_live_layout_make(za_live_layout *layout, const za_plan *plan, const int *columns, za_error *error)
{
    size_t sources = (size_t)plan->source_count;
    *layout = (za_live_layout){.plan = plan,
                               .columns = columns,
                               .finite = columns_are_finite(plan, columns),
                               .time = ZA_LIVE_NO_TIME,
                               .nodes = za_alloc_zeroed((size_t)plan->node_count, sizeof *layout->nodes),
                               .gathered = za_alloc(sources, sizeof *layout->gathered),
                               .series = za_alloc_zeroed(sources, sizeof *layout->series)};
    if (layout->nodes == NULL || layout->gathered == NULL || layout->series == NULL) {
        return za_fail_memory(error);
    }
    place_nodes(layout);
    return place_sources(layout, error);
}

void za_live_layout_free(za_live_layout *layout)
{
    for (int i = 0; i < layout->gathered_count; i++) {
        if (layout->gathered[i].layout != NULL) {
            za_live_layout_free(layout->gathered[i].layout);
        }
        za_free(layout->gathered[i].layout);
        za_free(layout->gathered[i].columns);
    }
    za_free(layout->nodes);
    za_free(layout->gathered);
    za_free(layout->series);
    *layout = (za_live_layout){0};
}

int64_t za_live_layout_vectors(const za_live_layout *layout)
{
    return ZA_LIVE_HEADERS * layout->headers + layout->slots;
}
