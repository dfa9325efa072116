#include "plan/along.h"

#include "kernels/lanes.h"

/* The widest set takes several bars at a time, and the set of one lane what is left. */
void za_along_operate(const za_operation_block *block)
{
    const za_lane_set *wide = za_lane_set_widest();
    za_operation_block part = *block;
    part.bars = block->bars / wide->lanes;
    wide->operate(&part);
    int64_t done = part.bars * wide->lanes;
    for (int i = 0; i < ZA_MAX_ARGUMENTS; i++) {
        part.in[i] = part.in[i] == NULL ? NULL : part.in[i] + done;
    }
    part.out += done;
    part.bars = block->bars - done;
    za_lane_set_one()->operate(&part);
}

/* The values of bars [first, bars). */
static void compute(const za_node *node, const za_kernel_block *block, int64_t first)
{
    const za_lane_set *sets[] = {za_lane_set_widest(), za_lane_set_one()};
    for (int i = 0; i < 2; i++) {
        const double *in[ZA_MAX_INPUTS];
        for (int input = 0; input < node->spec.input_count; input++) {
            in[input] = block->in[input] + first;
        }
        sets[i]->along(block->indicator, in, block->out[0] + first, block->bars - first, node->lag);
        first += (block->bars - first) / sets[i]->lanes * sets[i]->lanes;
    }
}

/* Bars [first, last) enter the state one by one. */
static void enter(const za_lane_set *set, const za_node *node, const za_kernel_block *block, int64_t first,
                  int64_t last)
{
    za_kernel_block part = *block;
    part.age += first;
    part.bars = last - first;
    part.from = block->from < first ? 0 : block->from > last ? part.bars : block->from - first;
    for (int input = 0; input < node->spec.input_count; input++) {
        part.in[input] += first;
    }
    part.out[0] += first;
    set->run(&part);
}

/* Of a kernel of two bars the first ones have the other bar in the state, and the last ones leave theirs there. A block
 * that is hardly longer than these is not worth it. */
void za_along_run(const za_lane_set *set, const za_node *node, const za_kernel_block *block)
{
    int64_t before = node->first - node->entry, left = block->bars - node->memory;
    if (set->lanes > 1 || node->lag == 0 || left < 4 * before) {
        set->run(block);
        return;
    }
    enter(set, node, block, 0, before);
    enter(set, node, block, left, block->bars);
    compute(node, block, before < block->from ? block->from : before);
}
