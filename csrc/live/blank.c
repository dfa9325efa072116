#include "live/blank.h"

#include <math.h>

#include "plan/tile.h"

static void fill(double *values, double value, int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        values[i] = value;
    }
}

static void fill_bits(double *values, int64_t bits, int lanes)
{
    for (int lane = 0; lane < lanes; lane++) {
        za_live_put_bits(&values[lane], bits);
    }
}

/* The states of the nodes, as a history begins with them. */
static bool blank_nodes(za_live_tile *tile, const za_live_layout *layout, za_scratch *scratch)
{
    za_tile_spec spec = {.plan = layout->plan, .set = tile->set, .lanes = tile->set->lanes, .block = 1};
    for (int lane = 0; lane < tile->set->lanes; lane++) {
        spec.bars[lane] = 1;
    }
    void *memory = za_scratch_get(scratch, za_tile_bytes(&spec));
    if (memory == NULL) {
        return false;
    }
    za_tile blank;
    za_tile_open(&blank, &spec, memory);
    for (int after = 0; after < ZA_LIVE_HEADERS; after++) {
        za_live_take_states(tile, layout, &blank, after);
    }
    return true;
}

static bool blank_gathered(za_live_tile *tile, const za_live_gathered *gathered, za_scratch *scratch)
{
    int lanes = tile->set->lanes;
    int64_t figures = gathered->column_count + (gathered->source->forming ? 0 : gathered->source->plan->output_count);
    for (int after = 0; after < ZA_LIVE_HEADERS; after++) {
        double *header = za_live_header(tile, after) + gathered->header * lanes;
        fill_bits(header + ZA_LIVE_PERIOD * lanes, 0, lanes);
        fill_bits(header + ZA_LIVE_BEGAN * lanes, 0, lanes);
        fill(header + ZA_LIVE_FINISHED * lanes, -1.0, lanes);
        fill(header + ZA_LIVE_FIGURES * lanes, NAN, figures * lanes);
    }
    double *slots = za_live_slots(tile) + gathered->slots * lanes;
    fill(slots + ZA_LIVE_ENTERED * lanes, 0.0, lanes);
    za_live_tile inner = {.memory = za_live_piece_of(gathered->layout, lanes, slots + ZA_LIVE_STATES * lanes),
                          .set = tile->set};
    return za_live_tile_blank(&inner, gathered->layout, scratch);
}

bool za_live_tile_blank(za_live_tile *tile, const za_live_layout *layout, za_scratch *scratch)
{
    tile->bars = 0;
    bool done = blank_nodes(tile, layout, scratch);
    for (int i = 0; done && i < layout->gathered_count; i++) {
        done = blank_gathered(tile, &layout->gathered[i], scratch);
    }
    for (int after = 0; done && layout->time != ZA_LIVE_NO_TIME && after < ZA_LIVE_HEADERS; after++) {
        fill_bits(za_live_header(tile, after) + layout->time * tile->set->lanes, INT64_MIN, tile->set->lanes);
    }
    return done;
}
