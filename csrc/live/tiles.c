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

/* A ticker's own progress, with what is pending of its tile. */
static za_live_member progress_of(const za_live *live, const za_live_tile *tile, int lane)
{
    za_live_member member = live->members[tile->row[lane]];
    if (tile->pending.sequence > 0) {
        member.seen.end += tile->pending.bars;
        member.seen.revisions += tile->pending.revisions;
        member.sequence = tile->pending.sequence;
        member.fingerprint = tile->pending.print[lane];
    }
    return member;
}

/* The ticker has joined a tile: what is pending of that counts for it too if both have seen the same sections. */
static void join(za_live *live, za_live_tile *tile, int lane, za_live_member member)
{
    za_live_pending *pending = &tile->pending;
    int32_t row = tile->row[lane];
    if (pending->sequence > 0 && pending->sequence == member.sequence) {
        int64_t time = live->board->times[row];
        member.seen.end -= pending->bars;
        member.seen.revisions -= pending->revisions;
        pending->print[lane] = member.fingerprint;
        pending->time = time > pending->time ? time : pending->time;
    } else {
        za_live_settle(live, tile);
    }
    live->members[row] = member;
}

void za_live_move(za_live *live, za_live_stretch *stretch, za_live_mover mover, za_live_tile *to)
{
    za_live_tile *from = &stretch->tiles[mover.tile];
    int lane = za_live_free_lane(to);
    za_live_member member = progress_of(live, from, mover.lane);
    member.tile = (int32_t)(to - stretch->tiles);
    member.lane = lane;
    member.sequence = mover.seen > member.sequence ? mover.seen : member.sequence;
    if (to->used == 0) { /* so that lanes without a ticker hold states of some kind */
        za_live_copy_lane_to_all(from, mover.lane, to, &live->layout);
    } else {
        za_live_copy_lane(from, mover.lane, to, lane, &live->layout);
    }
    to->row[lane] = from->row[mover.lane];
    to->used++;
    za_live_empty_lane(from, mover.lane);
    join(live, to, lane, member);
}

bool za_live_leave(za_live *live, za_live_stretch *stretch, za_live_mover mover, za_live_memory *memory)
{
    za_live_tile fresh;
    if (!za_live_reserve_tiles(stretch, 1) || !za_live_tile_make(&fresh, memory)) {
        return false;
    }
    fresh.bars = stretch->tiles[mover.tile].bars;
    za_live_add_tile(live, stretch, &fresh);
    za_live_move(live, stretch, mover, &stretch->tiles[stretch->count - 1]);
    stretch->moves++;
    return true;
}
