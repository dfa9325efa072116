/* A kernel never sees a value that is not finite. Where its inputs may hold one the header has a mark beside it: by
 * that a windowed kernel knows how long its values are NaN, and a recursive one how many bars have entered each lane.
 */
#include "live/kernels.h"

#include <math.h>
#include <string.h>

#include "kernels/lanes.h"
#include "plan/holes.h"

/* A kernel in the tiles of a batch, on one bar. */
typedef struct za_live_kernel {
    const za_live_batch *batch;
    const za_node *node;
    const za_live_node *at;
    int64_t header; /* vectors of the kernel's own */
    za_kernel_block block;
} za_live_kernel;

static int lanes_of(const za_live_kernel *kernel)
{
    return kernel->batch->work->set->lanes;
}

/* The kernel's own parts of a tile's states. */
static za_kernel_state state_of(const za_live_kernel *kernel, int tile)
{
    const za_kernel_state *parts = &kernel->batch->work->parts[tile];
    int64_t header = kernel->at->header * lanes_of(kernel), slots = kernel->at->slots * lanes_of(kernel);
    return (za_kernel_state){(const double *)parts->before + header, (double *)parts->after + header,
                             (double *)parts->slots + slots};
}

static const double *mark_before(const za_live_kernel *kernel, int tile)
{
    return (const double *)state_of(kernel, tile).before + kernel->header * lanes_of(kernel);
}

static double *mark_after(const za_live_kernel *kernel, int tile)
{
    return (double *)state_of(kernel, tile).after + kernel->header * lanes_of(kernel);
}

/* The block for one of the tiles. */
static za_kernel_block block_of(const za_live_kernel *kernel, int tile)
{
    za_kernel_block block = kernel->block;
    int64_t row = (int64_t)tile * lanes_of(kernel);
    for (int i = 0; i < kernel->node->spec.input_count; i++) {
        block.in[i] += row;
    }
    for (int k = 0; k < ZA_MAX_OUTPUTS; k++) {
        block.out[k] = block.out[k] != NULL ? block.out[k] + row : NULL;
    }
    block.states += tile;
    block.count = 1;
    block.next_count = 0;
    return block;
}

static void run_all(const za_live_kernel *kernel)
{
    kernel->batch->work->set->run(&kernel->block);
}

static bool inputs_are_finite(const za_live_kernel *kernel)
{
    const za_lane_set *wide = za_lane_set_widest();
    bool finite = true;
    for (int i = 0; i < kernel->node->spec.input_count; i++) {
        finite = finite && wide->all_finite(kernel->block.in[i], (int64_t)kernel->batch->count * lanes_of(kernel));
    }
    return finite;
}

static bool is_finite(const za_live_kernel *kernel, int at)
{
    bool finite = true;
    for (int i = 0; i < kernel->node->spec.input_count; i++) {
        finite = finite && isfinite(kernel->block.in[i][at]);
    }
    return finite;
}

/* Returns whether no window of any lane holds a value that was not finite. */
static bool windows_are_whole(const za_live_kernel *kernel)
{
    bool whole = true;
    for (int tile = 0; tile < kernel->batch->count; tile++) {
        const double *last_bad = mark_before(kernel, tile);
        for (int lane = 0; lane < lanes_of(kernel); lane++) {
            whole = whole && (double)kernel->block.age - last_bad[lane] >= (double)kernel->node->memory;
        }
    }
    return whole;
}

/* Runs the tile as in a history, with what a hole needs lent by the work. */
static void run_windowed_tile(const za_live_kernel *kernel, int number)
{
    const za_live_work *work = kernel->batch->work;
    size_t vector = (size_t)work->set->lanes * sizeof(double);
    za_tile tile = {.spec = {.set = work->set}, .patches = work->patches, .block = 1};
    za_step step = {.age = kernel->block.age, .hole_end = INT64_MAX, .holes = work->holes};
    za_kernel_block block = block_of(kernel, number);
    memset(work->holes, 0, ZA_HOLE_VECTORS * vector);
    memcpy(work->holes, mark_before(kernel, number), vector);
    (void)za_tile_run_kernel(&tile, kernel->node, &step, &block); /* a windowed one never gives up */
    memcpy(mark_after(kernel, number), work->holes, vector);
}

static void run_windowed(const za_live_kernel *kernel)
{
    bool whole = inputs_are_finite(kernel) && windows_are_whole(kernel);
    if (whole) {
        run_all(kernel);
    }
    for (int tile = 0; tile < kernel->batch->count; tile++) {
        if (whole) {
            za_live_copy_lanes(mark_after(kernel, tile), mark_before(kernel, tile), lanes_of(kernel));
        } else {
            run_windowed_tile(kernel, tile);
        }
    }
}

/* One lane of a recursive kernel, by its own age. */
static void run_lane(const za_live_kernel *kernel, int tile, int lane)
{
    const za_live_work *work = kernel->batch->work;
    const za_kernel_state state = state_of(kernel, tile);
    int64_t lanes = lanes_of(kernel), slots = kernel->at->slot_count;
    double *own = work->states, *own_slots = own + kernel->header, *out = own + work->layout->largest;
    za_kernel_block block = block_of(kernel, tile);
    for (int64_t i = 0; i < kernel->header; i++) {
        own[i] = ((const double *)state.before)[i * lanes + lane];
    }
    for (int64_t i = 0; i < slots; i++) {
        own_slots[i] = ((const double *)state.slots)[i * lanes + lane];
    }
    double *to[ZA_MAX_OUTPUTS];
    for (int k = 0; k < ZA_MAX_OUTPUTS; k++) {
        to[k] = block.out[k];
        block.out[k] = to[k] != NULL ? out + k : NULL;
    }
    for (int i = 0; i < kernel->node->spec.input_count; i++) {
        block.in[i] += lane;
    }
    block.age = (int64_t)mark_before(kernel, tile)[lane];
    block.states = NULL;
    block.header = block.slots = 0;
    block.state = own;
    za_lane_set_one()->run(&block);
    for (int64_t i = 0; i < kernel->header; i++) {
        ((double *)state.after)[i * lanes + lane] = own[i];
    }
    for (int64_t i = 0; i < slots; i++) {
        ((double *)state.slots)[i * lanes + lane] = own_slots[i];
    }
    for (int k = 0; k < ZA_MAX_OUTPUTS; k++) {
        if (to[k] != NULL) {
            to[k][lane] = out[k];
        }
    }
}

/* The bar is left out of a lane. */
static void skip_lane(const za_live_kernel *kernel, int tile, int lane)
{
    const za_kernel_state state = state_of(kernel, tile);
    za_kernel_block block = block_of(kernel, tile);
    for (int64_t i = 0; i < kernel->header; i++) {
        int64_t place = i * lanes_of(kernel) + lane;
        ((double *)state.after)[place] = ((const double *)state.before)[place];
    }
    for (int k = 0; k < ZA_MAX_OUTPUTS; k++) {
        if (block.out[k] != NULL) {
            block.out[k][lane] = NAN;
        }
    }
}

static void run_recursive_tile(const za_live_kernel *kernel, int tile)
{
    const double *ages = mark_before(kernel, tile);
    int lanes = lanes_of(kernel), entering = 0;
    bool finite[ZA_MOST_LANES], even = true;
    for (int lane = 0; lane < lanes; lane++) {
        finite[lane] = is_finite(kernel, tile * lanes + lane);
        entering += finite[lane];
        even = even && ages[lane] == ages[0];
    }
    if (even && entering == lanes) {
        za_kernel_block block = block_of(kernel, tile);
        block.age = (int64_t)ages[0];
        kernel->batch->work->set->run(&block);
    }
    for (int lane = 0; lane < lanes; lane++) {
        if (!finite[lane]) {
            skip_lane(kernel, tile, lane);
        } else if (!even || entering < lanes) {
            run_lane(kernel, tile, lane);
        }
        mark_after(kernel, tile)[lane] = ages[lane] + finite[lane];
    }
}

/* Returns whether the kernel has the same age in all lanes of all tiles, which `age` becomes. */
static bool ages_are_even(const za_live_kernel *kernel, int64_t *age)
{
    double first = mark_before(kernel, 0)[0];
    bool even = true;
    for (int tile = 0; tile < kernel->batch->count; tile++) {
        for (int lane = 0; lane < lanes_of(kernel); lane++) {
            even = even && mark_before(kernel, tile)[lane] == first;
        }
    }
    *age = (int64_t)first;
    return even;
}

static void run_recursive(za_live_kernel *kernel)
{
    bool whole = ages_are_even(kernel, &kernel->block.age) && inputs_are_finite(kernel);
    if (whole) {
        run_all(kernel);
    }
    for (int tile = 0; tile < kernel->batch->count; tile++) {
        if (!whole) {
            run_recursive_tile(kernel, tile);
            continue;
        }
        for (int lane = 0; lane < lanes_of(kernel); lane++) {
            mark_after(kernel, tile)[lane] = (double)(kernel->block.age + 1);
        }
    }
}

/* Field by field: to write a block of memory and to read it at once in larger parts would wait for the states that are
 * on their way to memory. */
static void set_block(za_live_kernel *kernel, int number, int64_t bar)
{
    za_kernel_block *block = &kernel->block;
    block->indicator = (za_indicator)kernel->node->spec.which;
    block->params = &kernel->node->spec.params;
    block->age = bar - kernel->node->entry;
    block->bars = 1;
    block->from = 0;
    block->state = NULL;
    block->ahead_bars = 0;
    block->states = kernel->batch->work->parts;
    block->count = kernel->batch->count;
    block->header = kernel->at->header;
    block->slots = kernel->at->slots;
    block->streamed = kernel->batch->streamed;
    block->next_age = kernel->batch->next_count > 0 ? kernel->batch->next[0]->bars - kernel->node->entry : -1;
    block->next_count = block->next_age < 0 ? 0 : kernel->batch->next_count;
    block->next = kernel->batch->work->parts + ZA_LIVE_BATCH;
    for (int i = 0; i < ZA_MAX_INPUTS; i++) {
        block->in[i] = i < kernel->node->spec.input_count ? za_live_input(kernel->batch, number, i) : NULL;
    }
    memcpy(block->out, kernel->batch->work->value[number], sizeof block->out);
}

void za_live_run_kernel(const za_live_batch *batch, int node, int64_t bar)
{
    const za_live_layout *layout = batch->work->layout;
    za_live_kernel kernel;
    kernel.batch = batch;
    kernel.node = &layout->plan->nodes[node];
    kernel.at = &layout->nodes[node];
    kernel.header = kernel.at->header_count - kernel.at->marked;
    set_block(&kernel, node, bar);
    if (!kernel.at->marked) {
        run_all(&kernel);
    } else if (kernel.node->windowed) {
        run_windowed(&kernel);
    } else {
        run_recursive(&kernel);
    }
}
