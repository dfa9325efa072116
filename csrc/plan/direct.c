#include "plan/direct.h"

/* Returns whether every output is one result at most. */
static bool emits_once(const za_plan *plan, const za_node *node)
{
    unsigned emitted = 0;
    bool once = node->emit_count == plan->output_count;
    for (int i = 0; i < node->emit_count; i++) {
        unsigned bit = 1u << plan->emits[node->emits + i].output;
        once = once && (emitted & bit) == 0;
        emitted |= bit;
    }
    return once;
}

const za_node *za_direct_find(const za_plan *plan)
{
    const za_node *kernel = NULL;
    for (int i = 0; i < plan->node_count; i++) {
        const za_node *node = &plan->nodes[i];
        bool column = node->spec.kind == ZA_NODE_COLUMN && za_plan_source(plan, node->spec.which) == NULL;
        bool first = node->spec.kind == ZA_NODE_KERNEL && kernel == NULL;
        if (node->read && !column && !first && node->spec.kind != ZA_NODE_OUTPUT) {
            return NULL;
        }
        kernel = node->read && first ? node : kernel;
    }
    return kernel != NULL && emits_once(plan, kernel) ? kernel : NULL;
}

bool za_direct_may(const za_tile_spec *spec)
{
    return spec->direct && spec->plan->direct != NULL && spec->set->lanes > 1 && spec->target.step == 1;
}

bool za_direct_fits(const za_tile *tile, int64_t *last)
{
    const za_tile_spec *spec = &tile->spec;
    if (!za_direct_may(spec)) {
        return false;
    }
    const za_node *node = spec->plan->direct;
    const za_step *step = &tile->steps[node - spec->plan->nodes];
    int64_t lanes = spec->set->lanes, end = *last;
    bool fits = step->enter <= tile->end && (!node->windowed || step->age >= step->hole_end);
    for (int lane = 0; lane < lanes; lane++) {
        fits = fits && spec->target.from[lane] <= tile->end;
        end = spec->bars[lane] < end ? spec->bars[lane] : end;
    }
    int64_t bars = end > tile->end ? (end - tile->end) / lanes * lanes : 0;
    fits = fits && bars > 0 && za_tile_is_wanted(tile);
    *last = fits ? tile->end + bars : *last;
    return fits;
}

/* The memory that is read behind bar `last` of a column: the next block, or the next tile where less than a square is
 * left. */
static const double *following_of(const za_tile *tile, int column, int lane, int64_t last)
{
    const za_tile_spec *spec = &tile->spec;
    bool ends = spec->next != NULL && za_tile_bars(spec) - last < spec->set->lanes;
    return ends ? spec->next[column][lane] + tile->first : spec->column[column][lane] + last;
}

bool za_direct_run(za_tile *tile, int64_t last)
{
    const za_tile_spec *spec = &tile->spec;
    const za_node *node = spec->plan->direct;
    za_step *step = &tile->steps[node - spec->plan->nodes];
    const double *column[ZA_MAX_INPUTS][ZA_MOST_LANES], *const *columns[ZA_MAX_INPUTS];
    const double *next[ZA_MAX_INPUTS][ZA_MOST_LANES], *const *following[ZA_MAX_INPUTS];
    double *result[ZA_MAX_OUTPUTS][ZA_MOST_LANES], *const *results[ZA_MAX_OUTPUTS] = {NULL};
    za_kernel_block block = {.indicator = (za_indicator)node->spec.which,
                             .params = &node->spec.params,
                             .age = step->age,
                             .bars = last - tile->end,
                             .state = step->state,
                             .streamed = spec->streamed};
    for (int i = 0; i < node->spec.input_count; i++) {
        int which = spec->plan->nodes[node->spec.inputs[i]].spec.which;
        for (int lane = 0; lane < spec->set->lanes; lane++) {
            column[i][lane] = spec->column[which][lane] + tile->end;
            next[i][lane] = following_of(tile, which, lane, last);
        }
        columns[i] = column[i];
        following[i] = next[i];
    }
    for (int i = 0; i < node->emit_count; i++) {
        za_emit emit = spec->plan->emits[node->emits + i];
        for (int lane = 0; lane < spec->set->lanes; lane++) {
            result[i][lane] =
                lane < spec->lanes ? za_target_of(&spec->target, emit.result, lane, tile->end) : tile->waste;
        }
        results[emit.output] = result[i];
    }
    step->age += block.bars;
    return spec->set->run_direct(&block, columns, following, results);
}
