#include "plan/along.h"

#include "base/memory.h"
#include "kernels/lanes.h"

/* Bars of a block from which on it pays to enter the first ones singly, so that no vector of the others is written into
 * two cache lines, which costs MOM of 100,000 bars a fifth of its time. */
enum { LONG_BLOCK = 1024 };

/* The widest set takes several bars at a time, and the set of one lane what is left. Where the last bar alone is wanted
 * that is all there is. */
void za_along_operate(const za_operation_block *block)
{
    if (block->bars < ZA_MOST_LANES) {
        za_lane_set_one()->operate(block);
        return;
    }
    const za_lane_set *wide = za_lane_set_widest();
    za_operation_block part = *block;
    part.bars = block->bars / wide->lanes;
    wide->operate(&part);
    int64_t done = part.bars * wide->lanes;
    for (int i = 0; i < ZA_MAX_ARGUMENTS; i++) {
        if (part.in[i] != NULL && (block->constants >> i & 1u) == 0) {
            part.in[i] += done;
        }
    }
    part.out += done;
    part.bars = block->bars - done;
    za_lane_set_one()->operate(&part);
}

/* The values of bars [first, bars), of a total from `*total` on. False if an input of theirs is not finite. */
static bool compute(const za_node *node, const za_kernel_block *block, int64_t first, double *total)
{
    const za_lane_set *sets[] = {za_lane_set_widest(), za_lane_set_one()};
    bool finite = true;
    for (int i = 0; i < 2; i++) {
        za_along_block part = {.out = block->out[0] + first, .bars = block->bars - first, .lag = node->lag};
        for (int input = 0; input < node->spec.input_count; input++) {
            part.in[input] = block->in[input] + first;
        }
        finite = finite && sets[i]->along(block->indicator, &part, total);
        first += (block->bars - first) / sets[i]->lanes * sets[i]->lanes;
    }
    return finite;
}

/* Returns whether the inputs of bars [0, bars) are finite. */
static bool is_finite(const za_node *node, const za_kernel_block *block, int64_t bars)
{
    bool finite = true;
    for (int input = 0; input < node->spec.input_count; input++) {
        finite = finite && za_lane_set_widest()->all_finite(block->in[input], bars);
    }
    return finite;
}

/* Bars [first, last) enter the state one by one; the values of those from `from` on are written. */
static void enter(const za_node *node, const za_kernel_block *block, int64_t first, int64_t last, int64_t from)
{
    za_kernel_block part = *block;
    part.age += first;
    part.bars = last - first;
    part.from = (from < last ? from : last) - first;
    for (int input = 0; input < node->spec.input_count; input++) {
        part.in[input] += first;
    }
    part.out[0] += first;
    za_lane_set_one()->run(&part);
}

/* In a kernel of two bars the first ones have the other bar in the state, and the last ones leave theirs there. A block
 * that is hardly longer than these is not worth it. */
bool za_along_fits(const za_lane_set *set, const za_node *node, const za_kernel_block *block)
{
    int64_t before = node->first - node->entry, left = block->bars - node->memory;
    return set->lanes == 1 && (node->total || (node->beside && left > 4 * before));
}

/* Bars before the first result that begins a cache line. */
static int64_t bars_to_line(const double *results)
{
    return (int64_t)(-(uintptr_t)results % ZA_CACHE_LINE / sizeof *results);
}

/* Does what za_along_run does, for a running total. */
static bool run_total(const za_node *node, const za_kernel_block *block)
{
    double *state = block->state, total = state[0];
    bool finite = compute(node, block, 0, &total);
    if (finite) {
        state[0] = total;
        state[1] = 0.0;
    }
    return finite;
}

bool za_along_run(const za_node *node, const za_kernel_block *block)
{
    if (node->total) {
        return run_total(node, block);
    }
    double none = 0.0;
    int64_t before = node->first - node->entry;
    before += block->bars < LONG_BLOCK ? 0 : bars_to_line(block->out[0] + before);
    if (!is_finite(node, block, before) || !compute(node, block, before, &none)) {
        return false;
    }
    enter(node, block, 0, before, block->from);
    enter(node, block, block->bars - node->memory, block->bars, block->bars);
    return true;
}
