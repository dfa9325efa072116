#include "plan/live_moves.h"

#include <math.h>
#include <stdlib.h>

#include "base/memory.h"
#include "kernels/lanes.h"
#include "plan/live_tiles.h"

/* The ticker has no states any more, and no figures until it has others. */
static void forget(za_live *live, int64_t at, int lane)
{
    za_live_tile *tile = &live->tiles[at];
    int32_t row = tile->row[lane];
    live->members[row] = (za_live_member){.tile = ZA_NO_TILE};
    atomic_store_explicit(&live->ids_are_known, false, memory_order_relaxed);
    live->board->times[row] = ZA_TIME_MISSING;
    for (int result = 0; result < za_plan_output_count(live->spec.plan); result++) {
        live->board->values[result * live->board->rows + row] = NAN;
    }
    za_live_empty_lane(tile, lane);
    live->present--;
    live->moves++;
}

/* The ticker leaves for a tile of its own, the last of the list. `states` has room for those of one lane. */
static bool leave(za_live *live, int64_t at, int lane, double *states)
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

static bool has_same_news(za_live_news one, za_live_news other)
{
    return one.fresh == other.fresh && one.revised == other.revised;
}

/* What most tickers of a tile have in common. */
static za_live_news most_common(const za_live_tile *tile, const za_live_news *news)
{
    int best = 0, most = 0;
    for (int lane = 0; lane < tile->set->lanes; lane++) {
        int same = 0;
        for (int other = 0; tile->row[lane] != ZA_NO_ROW && other < tile->set->lanes; other++) {
            same += tile->row[other] != ZA_NO_ROW && has_same_news(news[lane], news[other]);
        }
        if (same > most) {
            most = same;
            best = lane;
        }
    }
    return news[best];
}

static void take_in_alone(za_live *live, const za_live_works *works, za_live_arrival *arrival, za_live_news news)
{
    arrival->news = news;
    if (news.change == ZA_LIVE_NEWS && arrival->tile->used > 0) {
        live->moves += za_live_tile_is_loose(arrival->tile) && news.fresh > 0; /* maybe into step with others */
        za_live_take_in(live, za_live_work_of(works, arrival->tile), &arrival, 1);
    }
}

/* What is new of each ticker; those who cannot go on are forgotten. */
static void sort_out(za_live *live, int64_t at, const za_live_arrival *arrival, za_live_news *news)
{
    for (int lane = 0; lane < live->tiles[at].set->lanes; lane++) {
        int32_t row = live->tiles[at].row[lane];
        if (row == ZA_NO_ROW) {
            continue;
        }
        news[lane] = za_live_news_of(live, &live->members[row], &arrival->views[lane]);
        if (news[lane].change > ZA_LIVE_NEWS) {
            bool restarts = news[lane].change == ZA_LIVE_ANEW;
            atomic_fetch_add_explicit(&live->restarted, restarts, memory_order_relaxed);
            forget(live, at, lane);
        }
    }
}

bool za_live_part(za_live *live, const za_live_works *works, int64_t at)
{
    za_live_arrival arrival = {.tile = &live->tiles[at]};
    za_live_news news[ZA_MOST_LANES];
    double *states = za_alloc((size_t)za_live_layout_vectors(&live->layout), sizeof *states);
    bool done = states != NULL;
    za_live_look(live, &arrival, 1);
    sort_out(live, at, &arrival, news);
    za_live_news common = most_common(&live->tiles[at], news);
    for (int lane = 0; done && lane < live->tiles[at].set->lanes; lane++) {
        if (live->tiles[at].row[lane] != ZA_NO_ROW && !has_same_news(news[lane], common)) {
            done = leave(live, at, lane, states);
            if (done) {
                za_live_arrival alone = {.tile = &live->tiles[live->tile_count - 1],
                                         .sequence = arrival.sequence,
                                         .views = {arrival.views[lane]}};
                take_in_alone(live, works, &alone, news[lane]);
            }
        }
    }
    if (done) {
        arrival.tile = &live->tiles[at];
        take_in_alone(live, works, &arrival, common);
    }
    za_live_release(&arrival, 1);
    za_free(states);
    return done;
}

/* A wide tile with few tickers is more work than they are alone. */
static bool break_up(za_live *live, double *states)
{
    int64_t count = live->tile_count;
    bool done = true;
    for (int64_t at = 0; at < count; at++) {
        int lanes = live->tiles[at].set->lanes;
        for (int lane = 0; done && live->tiles[at].used <= lanes / 2 && lane < lanes; lane++) {
            if (live->tiles[at].row[lane] != ZA_NO_ROW) {
                done = leave(live, at, lane, states);
            }
        }
    }
    return done;
}

/* Tiles without tickers go; the last ones take their places. */
static void close_up(za_live *live)
{
    for (int64_t at = live->tile_count - 1; at >= 0; at--) {
        if (live->tiles[at].used == 0) {
            za_live_tile_free(&live->tiles[at]);
            live->tiles[at] = live->tiles[--live->tile_count];
            if (at < live->tile_count) {
                za_live_place_tile(live, at);
            }
        }
    }
}

/* A tile that may take in others, or be taken in. */
typedef struct za_live_loose {
    int64_t bars, tile;
    bool wide;
} za_live_loose;

static int by_bars_widest_first(const void *one, const void *other)
{
    const za_live_loose *a = one, *b = other;
    return a->bars != b->bars   ? (a->bars > b->bars ? 1 : -1)
           : a->wide != b->wide ? b->wide - a->wide
           : a->tile > b->tile  ? 1
                                : -1;
}

/* The only ticker of a tile becomes that of a lane of another. */
static void move_in(za_live *live, int64_t from, za_live_tile *to, int lane, double *states)
{
    za_live_tile *tile = &live->tiles[from];
    za_live_settle(live, tile);
    za_live_settle(live, to);
    za_live_take_lane(tile, &live->layout, 0, states);
    za_live_put_lane(to, &live->layout, lane, states);
    to->row[lane] = tile->row[0];
    to->used++;
    za_live_empty_lane(tile, 0);
}

/* Fills the free lanes of a tile; returns how many of the loose ones it took. */
static size_t fill_lanes(za_live *live, za_live_tile *tile, const za_live_loose *loose, size_t count, double *states)
{
    size_t taken = 0;
    for (int lane = 0; lane < tile->set->lanes && taken < count; lane++) {
        if (tile->row[lane] == ZA_NO_ROW) {
            move_in(live, loose[taken++].tile, tile, lane, states);
        }
    }
    return taken;
}

/* A new tile of the loose ones; lanes that are left repeat the last one, so that they hold states of some kind. */
static bool merge(za_live *live, const za_live_loose *loose, size_t count, double *states)
{
    za_live_tile tile;
    if (!za_live_reserve_tiles(live, 1) || !za_live_tile_make(&tile, &live->wide)) {
        return false;
    }
    tile.bars = loose->bars;
    (void)fill_lanes(live, &tile, loose, count, states);
    for (int lane = (int)count; lane < tile.set->lanes; lane++) {
        za_live_put_lane(&tile, &live->layout, lane, states);
    }
    za_live_add_tile(live, &tile);
    return true;
}

/* Loose tiles of one number of bars, wide ones first. */
static bool bring_together(za_live *live, const za_live_loose *loose, size_t count, double *states)
{
    size_t lanes = (size_t)za_lane_set_widest()->lanes, wide = 0;
    while (wide < count && loose[wide].wide) {
        wide++;
    }
    size_t next = wide;
    for (size_t i = 0; i < wide; i++) {
        next += fill_lanes(live, &live->tiles[loose[i].tile], &loose[next], count - next, states);
        za_live_place_tile(live, loose[i].tile);
    }
    bool done = true;
    while (done && count - next > lanes / 2) {
        size_t together = count - next < lanes ? count - next : lanes;
        done = merge(live, &loose[next], together, states);
        next += together;
    }
    return done;
}

/* Gathering looks at all tiles: a move is worth that for so many. */
enum { MOVES_A_GATHERING = 64 };

static size_t list_loose(const za_live *live, za_live_loose *loose)
{
    size_t count = 0;
    for (int64_t at = 0; at < live->tile_count; at++) {
        const za_live_tile *tile = &live->tiles[at];
        if (tile->used > 0 && za_live_tile_is_loose(tile)) {
            loose[count++] = (za_live_loose){tile->bars, at, tile->set->lanes > 1};
        }
    }
    return count;
}

bool za_live_gather(za_live *live)
{
    if (live->moves * MOVES_A_GATHERING < live->tile_count) {
        return true;
    }
    double *states = za_alloc((size_t)za_live_layout_vectors(&live->layout), sizeof *states);
    bool done = states != NULL && break_up(live, states);
    za_live_loose *loose = za_alloc((size_t)live->tile_count, sizeof *loose);
    done = done && loose != NULL;
    size_t count = done ? list_loose(live, loose) : 0;
    if (count > 0) { /* without memory there is no list */
        qsort(loose, count, sizeof *loose, by_bars_widest_first);
    }
    for (size_t first = 0, end; done && first < count; first = end) {
        for (end = first + 1; end < count && loose[end].bars == loose[first].bars; end++) {
        }
        done = bring_together(live, &loose[first], end - first, states);
    }
    close_up(live);
    live->moves = done ? 0 : live->moves;
    za_free(loose);
    za_free(states);
    return done;
}
