#include "live/tile.h"

#include <math.h>
#include <string.h>

#include "kernels/lanes.h"

bool za_live_tile_make(za_live_tile *tile, za_live_memory *memory)
{
    *tile = (za_live_tile){.home = memory, .memory = za_live_memory_take(memory), .set = memory->set, .after = 1};
    for (int lane = 0; lane < ZA_MOST_LANES; lane++) {
        tile->row[lane] = ZA_NO_ROW;
    }
    return tile->memory.slots != NULL;
}

void za_live_tile_free(za_live_tile *tile)
{
    if (tile->home != NULL) {
        za_live_memory_give_back(tile->home, tile->memory);
    }
    tile->memory = (za_live_piece){.slots = NULL};
}

int za_live_free_lane(const za_live_tile *tile)
{
    int lane = 0;
    while (tile->row[lane] != ZA_NO_ROW) {
        lane++;
    }
    return lane;
}

int za_live_first_lane(const za_live_tile *tile)
{
    int first = 0;
    while (tile->row[first] == ZA_NO_ROW) {
        first++;
    }
    return first;
}

bool za_live_rows_follow(const za_live_tile *tile)
{
    bool follow = tile->row[0] != ZA_NO_ROW;
    for (int lane = 1; lane < tile->set->lanes; lane++) {
        follow = follow && tile->row[lane] == tile->row[0] + lane;
    }
    return follow;
}

void za_live_take_lane(const za_live_tile *tile, const za_live_layout *layout, int lane, double *states)
{
    const za_live_tile to = {.memory = za_live_piece_of(layout, 1, states), .set = za_lane_set_one(), .after = 1};
    memset(states, 0, (size_t)za_live_layout_vectors(layout) * sizeof *states);
    za_live_copy_lane(tile, lane, &to, 0, layout);
}

void za_live_put_lane(za_live_tile *tile, const za_live_layout *layout, int lane, const double *states)
{
    int lanes = tile->set->lanes;
    for (int after = 0; after < ZA_LIVE_HEADERS; after++) {
        double *to = za_live_header(tile, after) + lane;
        for (int64_t i = 0; i < layout->headers; i++) {
            to[i * lanes] = *states++;
        }
    }
    double *slots = za_live_slots(tile) + lane;
    for (int64_t i = 0; i < layout->slots; i++) {
        slots[i * lanes] = states[i];
    }
}

void za_live_empty_lane(za_live_tile *tile, int lane)
{
    tile->row[lane] = ZA_NO_ROW;
    tile->used--;
}

static void copy_lane(const double *from, int64_t lanes, double *to, int64_t to_lanes, int64_t vectors)
{
    for (int64_t i = 0; i < vectors; i++) {
        to[i * to_lanes] = from[i * lanes];
    }
}

static void spread_lane(const double *from, int64_t lanes, double *to, int64_t to_lanes, int64_t vectors)
{
    for (int64_t i = 0; i < vectors; i++) {
        for (int64_t lane = 0; lane < to_lanes; lane++) {
            to[i * to_lanes + lane] = from[i * lanes];
        }
    }
}

void za_live_copy_lane(const za_live_tile *from, int lane, const za_live_tile *to, int to_lane,
                       const za_live_layout *layout)
{
    int lanes = from->set->lanes, to_lanes = to->set->lanes;
    for (int after = 0; after < ZA_LIVE_HEADERS; after++) {
        copy_lane(za_live_header(from, after) + lane, lanes, za_live_header(to, after) + to_lane, to_lanes,
                  layout->headers);
    }
    copy_lane(za_live_slots(from) + lane, lanes, za_live_slots(to) + to_lane, to_lanes, layout->slots);
}

void za_live_copy_lane_to_all(const za_live_tile *from, int lane, const za_live_tile *to, const za_live_layout *layout)
{
    for (int after = 0; after < ZA_LIVE_HEADERS; after++) {
        spread_lane(za_live_header(from, after) + lane, from->set->lanes, za_live_header(to, after), to->set->lanes,
                    layout->headers);
    }
    spread_lane(za_live_slots(from) + lane, from->set->lanes, za_live_slots(to), to->set->lanes, layout->slots);
}

static bool is_count(double value, double least, double most)
{
    return value >= least && value <= most && value == floor(value);
}

/* The same of bars that are gathered into periods. */
static bool gathered_fit(const za_live_layout *layout, const za_live_gathered *gathered, int64_t bars,
                         const double *states)
{
    const double *slots = states + ZA_LIVE_HEADERS * layout->headers + gathered->slots;
    double entered = slots[ZA_LIVE_ENTERED], most = (double)bars;
    bool fit = is_count(entered, 0.0, most);
    for (int i = 0; i < ZA_LIVE_HEADERS; i++) {
        const double *header = states + i * layout->headers + gathered->header;
        fit = fit && is_count(header[ZA_LIVE_FINISHED], -1.0, most);
    }
    return fit && za_live_states_fit(gathered->layout, (int64_t)entered, slots + ZA_LIVE_STATES);
}

bool za_live_states_fit(const za_live_layout *layout, int64_t bars, const double *states)
{
    static const double none = -INFINITY;
    bool fit = true;
    for (int i = 0; i < ZA_LIVE_HEADERS * layout->plan->node_count; i++) {
        int node = i % layout->plan->node_count;
        const za_live_node *at = &layout->nodes[node];
        if (at->marked) {
            int64_t header = i < layout->plan->node_count ? 0 : layout->headers;
            double mark = states[header + at->header + at->header_count - 1];
            bool counts = is_count(mark, 0.0, (double)bars);
            fit = fit && (counts || (layout->plan->nodes[node].windowed && mark == none));
        }
    }
    for (int i = 0; i < layout->gathered_count; i++) {
        fit = fit && gathered_fit(layout, &layout->gathered[i], bars, states);
    }
    return fit;
}

static void copy_mark(const za_node *node, const za_step *step, int lanes, double *mark)
{
    for (int lane = 0; lane < lanes; lane++) {
        mark[lane] = node->windowed ? step->holes[lane] : (double)step->age;
    }
}

void za_live_take_states(za_live_tile *tile, const za_live_layout *layout, const za_tile *from, int after)
{
    int64_t lanes = tile->set->lanes;
    for (int i = 0; i < layout->plan->node_count; i++) {
        const za_live_node *at = &layout->nodes[i];
        const za_step *step = &from->steps[i];
        int64_t header = at->header_count - at->marked;
        double *to = za_live_header(tile, after) + at->header * lanes;
        size_t vector = (size_t)lanes * sizeof(double);
        if (at->header_count + at->slot_count == 0) {
            continue;
        }
        memcpy(to, step->state, (size_t)header * vector);
        if (at->marked) {
            copy_mark(&layout->plan->nodes[i], step, (int)lanes, to + header * lanes);
        }
        if (after) {
            memcpy(za_live_slots(tile) + at->slots * lanes, step->state + header * lanes,
                   (size_t)at->slot_count * vector);
        }
    }
}
