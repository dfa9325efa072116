#include "live/tiles.h"

#include "base/memory.h"

bool za_live_reserve_tiles(za_live *live, int64_t count)
{
    int64_t needed = live->tile_count + count, room = live->tile_room + live->tile_room / 2;
    if (needed <= live->tile_room) {
        return true;
    }
    room = room > needed ? room : needed;
    za_live_tile *tiles = za_resize(live->tiles, (size_t)room, sizeof *tiles);
    live->tiles = tiles != NULL ? tiles : live->tiles;
    int32_t *order = tiles == NULL ? NULL : za_resize(live->order, (size_t)room, sizeof *order);
    live->order = order != NULL ? order : live->order;
    live->tile_room = order != NULL ? room : live->tile_room;
    return order != NULL;
}

void za_live_place_tile(za_live *live, int64_t at)
{
    const za_live_tile *tile = &live->tiles[at];
    for (int lane = 0; lane < tile->set->lanes; lane++) {
        if (tile->row[lane] != ZA_NO_ROW) {
            live->members[tile->row[lane]].tile = (int32_t)at;
            live->members[tile->row[lane]].lane = lane;
        }
    }
}

void za_live_add_tile(za_live *live, const za_live_tile *tile)
{
    live->tiles[live->tile_count] = *tile;
    live->order[live->tile_count] = (int32_t)live->tile_count;
    za_live_place_tile(live, live->tile_count++);
}

bool za_live_adopt_tiles(za_live *live)
{
    if (!za_live_reserve_tiles(live, live->born_count)) {
        return false;
    }
    for (int64_t i = 0; i < live->born_count; i++) {
        za_live_add_tile(live, &live->born[i]);
    }
    live->moves += live->born_count;
    live->born_count = 0;
    return true;
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

bool za_live_leave(za_live *live, int64_t at, int lane, double *states)
{
    za_live_tile alone;
    if (!za_live_reserve_tiles(live, 1) || !za_live_tile_make(&alone, &live->one)) {
        return false;
    }
    za_live_settle(live, &live->tiles[at]);
    za_live_split(&live->tiles[at], &live->layout, lane, states, &alone);
    za_live_add_tile(live, &alone);
    live->moves++;
    return true;
}
