#include "live/tiles.h"

#include "base/memory.h"

bool za_live_reserve_tiles(za_live_stretch *stretch, int64_t count)
{
    int64_t needed = stretch->count + count, room = stretch->room + stretch->room / 2;
    if (needed <= stretch->room) {
        return true;
    }
    room = room > needed ? room : needed;
    za_live_tile *tiles = za_resize(stretch->tiles, (size_t)room, sizeof *tiles);
    stretch->tiles = tiles != NULL ? tiles : stretch->tiles;
    stretch->room = tiles != NULL ? room : stretch->room;
    return tiles != NULL;
}

void za_live_place_tile(za_live *live, const za_live_stretch *stretch, int64_t at)
{
    const za_live_tile *tile = &stretch->tiles[at];
    for (int lane = 0; lane < tile->set->lanes; lane++) {
        if (tile->row[lane] != ZA_NO_ROW) {
            live->members[tile->row[lane]].tile = (int32_t)at;
            live->members[tile->row[lane]].lane = lane;
        }
    }
}

void za_live_add_tile(za_live *live, za_live_stretch *stretch, const za_live_tile *tile)
{
    stretch->tiles[stretch->count] = *tile;
    za_live_place_tile(live, stretch, stretch->count++);
}

void za_live_settle(za_live *live, za_live_tile *tile)
{
    const za_live_pending *pending = &tile->pending;
    for (int lane = 0; pending->sequence > 0 && lane < tile->set->lanes; lane++) {
        if (tile->row[lane] != ZA_NO_ROW) {
            za_live_member *member = &live->members[tile->row[lane]];
            member->seen.end += pending->bars;
            member->seen.revisions += pending->revisions;
            member->sequence = pending->sequence;
            member->fingerprint = pending->print[lane];
        }
    }
    tile->pending.sequence = 0;
}

void za_live_move(za_live *live, za_live_tile *from, int lane, za_live_tile *to, int free_lane)
{
    int32_t row = from->row[lane];
    za_live_settle(live, from);
    za_live_settle(live, to);
    za_live_copy_lane(from, lane, to, free_lane, &live->layout);
    za_live_empty_lane(from, lane);
    to->row[free_lane] = row;
    to->used++;
    live->members[row].tile = (int32_t)(to - za_live_stretch_of(live, row)->tiles);
    live->members[row].lane = free_lane;
}

bool za_live_leave(za_live *live, za_live_stretch *stretch, int64_t at, int lane)
{
    za_live_tile alone;
    if (!za_live_reserve_tiles(stretch, 1) || !za_live_tile_make(&alone, &live->one)) {
        return false;
    }
    alone.bars = stretch->tiles[at].bars;
    za_live_add_tile(live, stretch, &alone);
    za_live_move(live, &stretch->tiles[at], lane, &stretch->tiles[stretch->count - 1], 0);
    stretch->moves++;
    return true;
}
