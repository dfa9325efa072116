/* Values that are not finite on their way into a kernel. A kernel never sees one. For a windowed kernel it is replaced,
 * and the values are NaN until it has left the window: a window forgets the replacement too. A recursive kernel leaves
 * the bar out, which only a single lane can do by itself, or all lanes together: so they do at the beginning of what
 * has its first value late. */
#include "plan/holes.h"

#include <math.h>
#include <string.h>

#include "kernels/lanes.h"
#include "plan/along.h"

static double *patch_of(const za_tile *tile, int at)
{
    return tile->patches + at * tile->block * tile->spec.set->lanes;
}

/* Copies of the inputs with the last finite value in place of others, and when there was one: last_bad[0] is that of
 * the bar before the first. */
static void patch_inputs(const za_tile *tile, const za_node *node, const za_step *step, za_kernel_block *block)
{
    int lanes = tile->spec.set->lanes, inputs = node->spec.input_count;
    double *last_bad = step->holes, *good = last_bad + lanes;
    int64_t first = step->age; /* of a windowed kernel it counts bars, whatever they hold */
    for (int64_t bar = 0; bar < block->bars; bar++) {
        for (int input = 0; input < inputs; input++) {
            const double *in = block->in[input] + bar * lanes;
            double *patch = patch_of(tile, input) + bar * lanes, *known = good + input * lanes;
            for (int lane = 0; lane < lanes; lane++) {
                bool finite = isfinite(in[lane]);
                known[lane] = finite ? in[lane] : known[lane];
                last_bad[lane] = finite ? last_bad[lane] : (double)(first + bar);
                patch[lane] = known[lane];
            }
        }
        memcpy(patch_of(tile, inputs) + bar * lanes, last_bad, (size_t)lanes * sizeof(double));
    }
    for (int input = 0; input < inputs; input++) {
        block->in[input] = patch_of(tile, input);
    }
}

/* NaN in the rows whose window holds a value that is not finite. */
static void mask_outputs(const za_tile *tile, const za_node *node, const za_step *step, const za_kernel_block *block)
{
    int lanes = tile->spec.set->lanes;
    const double *last_bad = patch_of(tile, node->spec.input_count);
    for (int64_t i = block->from * lanes; i < block->bars * lanes; i++) {
        if ((double)(step->age + i / lanes) - last_bad[i] < (double)node->memory) {
            for (int k = 0; k < ZA_MAX_OUTPUTS; k++) {
                if (block->out[k] != NULL) {
                    block->out[k][i] = NAN;
                }
            }
        }
    }
}

static void run_windowed(za_tile *tile, const za_node *node, za_step *step, za_kernel_block *block)
{
    patch_inputs(tile, node, step, block);
    tile->spec.set->run(block);
    mask_outputs(tile, node, step, block);
    const double *last_bad = step->holes;
    for (int lane = 0; lane < tile->spec.set->lanes; lane++) {
        if (last_bad[lane] >= 0.0 && (int64_t)last_bad[lane] + node->memory > step->hole_end) {
            step->hole_end = (int64_t)last_bad[lane] + node->memory;
        }
    }
    step->age += block->bars;
}

/* One lane: the bars whose inputs are all finite, one behind the other; returns how many. */
static int64_t close_up(const za_tile *tile, const za_node *node, za_kernel_block *block, bool *kept)
{
    int64_t count = 0;
    for (int64_t bar = 0; bar < block->bars; bar++) {
        kept[bar] = true;
        for (int input = 0; input < node->spec.input_count; input++) {
            kept[bar] = kept[bar] && isfinite(block->in[input][bar]);
            patch_of(tile, input)[count] = block->in[input][bar];
        }
        count += kept[bar];
    }
    return count;
}

/* Values back to the bars that entered, NaN to those left out. */
static void open_up(const double *values, const bool *kept, int64_t bars, double *out)
{
    for (int64_t bar = 0; bar < bars; bar++) {
        out[bar] = kept[bar] ? *values++ : NAN;
    }
}

/* Bars at a time: as many as the marks of them fit on the stack. */
enum { AT_ONCE = 512 };

static void run_recursive_part(za_tile *tile, const za_node *node, za_step *step, za_kernel_block part)
{
    bool kept[AT_ONCE];
    za_kernel_block closed = part;
    closed.age = step->age;
    closed.from = 0;
    closed.bars = close_up(tile, node, &part, kept);
    for (int input = 0; input < node->spec.input_count; input++) {
        closed.in[input] = patch_of(tile, input);
    }
    for (int k = 0; k < ZA_MAX_OUTPUTS; k++) {
        closed.out[k] = part.out[k] != NULL ? patch_of(tile, ZA_MAX_INPUTS + k) : NULL;
    }
    tile->spec.set->run(&closed);
    for (int k = 0; k < ZA_MAX_OUTPUTS; k++) {
        if (part.out[k] != NULL) {
            open_up(closed.out[k], kept, part.bars, part.out[k]);
        }
    }
    step->age += closed.bars;
}

static void run_recursive(za_tile *tile, const za_node *node, za_step *step, const za_kernel_block *block)
{
    for (int64_t first = 0; first < block->bars; first += AT_ONCE) {
        za_kernel_block part = *block;
        part.bars = block->bars - first < AT_ONCE ? block->bars - first : AT_ONCE;
        for (int input = 0; input < node->spec.input_count; input++) {
            part.in[input] += first;
        }
        for (int k = 0; k < ZA_MAX_OUTPUTS; k++) {
            part.out[k] = part.out[k] != NULL ? part.out[k] + first : NULL;
        }
        run_recursive_part(tile, node, step, part);
    }
}

static bool enters(const za_node *node, const za_kernel_block *block, int64_t value)
{
    bool finite = true;
    for (int input = 0; input < node->spec.input_count; input++) {
        finite = finite && isfinite(block->in[input][value]);
    }
    return finite;
}

/* The first bars of a block that enter no lane. */
static int64_t left_out(const za_node *node, const za_kernel_block *block, int lanes)
{
    int64_t value = 0;
    while (value < block->bars * lanes && !enters(node, block, value)) {
        value++;
    }
    return value / lanes;
}

/* Several lanes: the bars behind the first ones, which no lane has. False if some of them are not finite. */
static bool run_together(const za_tile *tile, const za_node *node, za_step *step, za_kernel_block *block)
{
    int lanes = tile->spec.set->lanes;
    int64_t before = left_out(node, block, lanes), filled = before < block->from ? block->from : before;
    bool finite = true;
    for (int input = 0; input < node->spec.input_count; input++) {
        block->in[input] += before * lanes;
        finite = finite && za_lane_set_widest()->all_finite(block->in[input], (block->bars - before) * lanes);
    }
    for (int k = 0; finite && k < ZA_MAX_OUTPUTS; k++) {
        for (int64_t i = block->from * lanes; block->out[k] != NULL && i < filled * lanes; i++) {
            block->out[k][i] = NAN;
        }
        block->out[k] = block->out[k] != NULL ? block->out[k] + before * lanes : NULL;
    }
    block->bars -= before;
    block->from = filled - before;
    if (finite && block->bars > 0) {
        tile->spec.set->run(block);
        step->age += block->bars;
    }
    return finite;
}

/* Runs the block if nothing in it, or in a window before it, is not finite. */
static bool run_finite(const za_tile *tile, const za_node *node, const za_step *step, const za_kernel_block *block)
{
    const za_lane_set *set = tile->spec.set, *wide = za_lane_set_widest();
    bool finite = !node->windowed || step->age >= step->hole_end;
    if (finite && za_along_fits(set, node, block)) {
        return za_along_run(node, block);
    }
    for (int input = 0; input < node->spec.input_count; input++) {
        finite = finite && wide->all_finite(block->in[input], block->bars * set->lanes);
    }
    if (finite) {
        set->run(block);
    }
    return finite;
}

bool za_tile_run_kernel(za_tile *tile, const za_node *node, za_step *step, za_kernel_block *block)
{
    if (run_finite(tile, node, step, block)) {
        step->age += block->bars;
        return true;
    }
    tile->met_holes = true;
    if (node->windowed) {
        run_windowed(tile, node, step, block);
        return true;
    }
    if (tile->spec.set->lanes == 1) {
        run_recursive(tile, node, step, block);
        return true;
    }
    return run_together(tile, node, step, block);
}
