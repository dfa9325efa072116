#include "plan/ahead.h"

static int64_t sooner(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

void za_ahead_begin(za_tile *tile, int64_t last, int64_t end)
{
    bool within = last < end;
    int64_t first = within ? last : tile->first;
    tile->ahead = (za_ahead){.columns = within ? tile->spec.column : tile->spec.next,
                             .node = -1,
                             .first = first,
                             .last = sooner(first + tile->block, end)};
    tile->ahead.row = tile->ahead.last;
}

/* The next node that is a column of the bars. */
static bool go_on(za_tile *tile, za_ahead *ahead)
{
    const za_plan *plan = tile->spec.plan;
    while (++ahead->node < plan->node_count) {
        const za_node *node = &plan->nodes[ahead->node];
        if (node->read && node->spec.kind == ZA_NODE_COLUMN && node->spec.which < plan->column_count) {
            int64_t enter = tile->steps[ahead->node].enter;
            ahead->row = enter > ahead->first ? enter : ahead->first;
            return true;
        }
    }
    return false;
}

void za_ahead_share(za_tile *tile, const za_node *node, za_kernel_block *block)
{
    za_ahead *ahead = &tile->ahead;
    int64_t bars = node->windowed ? block->from : block->bars;
    if (ahead->columns == NULL || tile->spec.set->lanes == 1 || bars == 0) {
        return;
    }
    while (ahead->row >= ahead->last) {
        if (!go_on(tile, ahead)) {
            ahead->columns = NULL;
            return;
        }
    }
    block->ahead = ahead->columns[tile->spec.plan->nodes[ahead->node].spec.which];
    block->ahead_row = ahead->row;
    block->ahead_bars = sooner(bars, ahead->last - ahead->row);
    ahead->row += block->ahead_bars;
}
