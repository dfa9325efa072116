#include "plan/live_layout.h"

#include "base/memory.h"
#include "kernels/lanes.h"

static bool is_marked(const za_live_layout *layout, const za_node *node)
{
    const za_plan *plan = layout->plan;
    bool clean = layout->finite;
    for (int i = 0; i < node->spec.input_count; i++) {
        clean = clean && plan->nodes[node->spec.inputs[i]].clean;
    }
    return !clean;
}

/* How many vectors a node has in each part. */
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

za_code za_live_layout_make(za_live_layout *layout, const za_plan *plan, bool finite, za_error *error)
{
    *layout = (za_live_layout){.plan = plan, .finite = finite};
    layout->nodes = za_alloc_zeroed((size_t)plan->node_count, sizeof *layout->nodes);
    if (layout->nodes == NULL) {
        return za_fail_memory(error);
    }
    for (int i = 0; i < plan->node_count; i++) {
        za_live_node *at = &layout->nodes[i];
        if (plan->nodes[i].read) {
            measure(layout, &plan->nodes[i], at);
        }
        int64_t count = at->header_count + at->slot_count;
        at->header = layout->headers;
        at->slots = layout->slots;
        layout->headers += at->header_count;
        layout->slots += at->slot_count;
        layout->largest = count > layout->largest ? count : layout->largest;
    }
    return ZA_OK;
}

void za_live_layout_free(za_live_layout *layout)
{
    za_free(layout->nodes);
    layout->nodes = NULL;
}

int64_t za_live_layout_vectors(const za_live_layout *layout)
{
    return ZA_LIVE_HEADERS * layout->headers + layout->slots;
}
