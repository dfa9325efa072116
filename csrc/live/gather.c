#include "live/gather.h"

#include <stdlib.h>

#include "base/memory.h"
#include "kernels/lanes.h"
#include "live/tiles.h"
#include "pool/wait.h"

/* A tile that may take in others, or be taken in. */
typedef struct za_live_loose {
    int64_t bars;
    int32_t tile, row; /* its number, and its first ticker's row */
    int32_t stretch;   /* of rows, in which that is */
    bool wide;
} za_live_loose;

/* A wide tile, and which of the loose ones go into its free lanes. */
typedef struct za_live_filling {
    int64_t tile;
    size_t first, count;
} za_live_filling;

typedef struct za_live_gathering {
    za_job job; /* first */
    za_live *live;
    za_live_loose *loose;
    za_live_filling *fillings;
    size_t count;
    atomic_bool out_of_memory;
} za_live_gathering;

/* A wide tile with few tickers is more work than they are alone. */
static bool break_up(za_live *live)
{
    double *states = za_alloc((size_t)za_live_layout_vectors(&live->layout), sizeof *states);
    int64_t count = live->tile_count;
    bool done = states != NULL;
    for (int64_t at = 0; at < count; at++) {
        int lanes = live->tiles[at].set->lanes;
        for (int lane = 0; done && live->tiles[at].used <= lanes / 2 && lane < lanes; lane++) {
            if (live->tiles[at].row[lane] != ZA_NO_ROW) {
                done = za_live_leave(live, at, lane, states);
            }
        }
    }
    za_free(states);
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

/* Where a tile stands in the order: by the cache line in which its first ticker's figures are. */
static int64_t line_of(const za_live_tile *tile)
{
    return tile->row[za_live_first_lane(tile)] / ZA_MOST_LANES;
}

/* The order of the tiles anew; all of them have tickers. Without memory it is that of their numbers. */
static void put_in_order(za_live *live)
{
    size_t lines = (size_t)live->board->rows / ZA_MOST_LANES + 1;
    int32_t *next = za_alloc_zeroed(lines + 1, sizeof *next);
    for (int64_t at = 0; next != NULL && at < live->tile_count; at++) {
        next[line_of(&live->tiles[at]) + 1]++;
    }
    for (size_t line = 1; next != NULL && line < lines; line++) {
        next[line] += next[line - 1];
    }
    for (int64_t at = 0; at < live->tile_count; at++) {
        live->order[next != NULL ? next[line_of(&live->tiles[at])]++ : at] = (int32_t)at;
    }
    za_free(next);
}

/* Tickers share a tile with others of the same stretch of rows, so that the cache lines of what is kept row by row are
 * still there for the tiles that share them: figures and columns of so many rows fit the second-level cache. */
enum { STRETCH = 2048 };

static int by_stretch_and_bars_widest_first(const void *one, const void *other)
{
    const za_live_loose *a = one, *b = other;
    if (a->stretch != b->stretch) {
        return a->stretch - b->stretch;
    }
    return a->bars != b->bars ? (a->bars > b->bars ? 1 : -1) : a->wide != b->wide ? b->wide - a->wide : a->row - b->row;
}

static bool may_share(const za_live_loose *one, const za_live_loose *other)
{
    return one->stretch == other->stretch && one->bars == other->bars;
}

static size_t list_loose(const za_live *live, za_live_loose *loose)
{
    size_t count = 0;
    for (int32_t at = 0; at < live->tile_count; at++) {
        const za_live_tile *tile = &live->tiles[at];
        if (tile->used > 0 && za_live_tile_is_loose(tile)) {
            loose[count++] = (za_live_loose){.bars = tile->bars,
                                             .tile = at,
                                             .row = tile->row[za_live_first_lane(tile)],
                                             .stretch = tile->row[za_live_first_lane(tile)] / STRETCH,
                                             .wide = tile->set->lanes > 1};
        }
    }
    return count;
}

static void plan_filling(za_live_gathering *gathering, int64_t tile, size_t first, size_t count)
{
    if (count > 0) {
        gathering->fillings[gathering->count++] = (za_live_filling){tile, first, count};
    }
}

/* Plans where the loose tiles [first, end), which may share tiles and of which wide ones come first, go: into the free
 * lanes of the wide ones, and into new ones. False without memory. */
static bool plan_fillings(za_live_gathering *gathering, size_t first, size_t end)
{
    za_live *live = gathering->live;
    const za_live_loose *loose = gathering->loose;
    size_t lanes = (size_t)live->wide.set->lanes, next = first;
    while (next < end && loose[next].wide) {
        next++;
    }
    for (size_t wide = first; wide < end && loose[wide].wide; wide++) {
        size_t room = lanes - (size_t)live->tiles[loose[wide].tile].used;
        size_t count = room < end - next ? room : end - next;
        plan_filling(gathering, loose[wide].tile, next, count);
        next += count;
    }
    bool done = true;
    for (size_t count; done && end - next > lanes / 2; next += count) {
        count = end - next < lanes ? end - next : lanes;
        za_live_tile tile;
        done = za_live_reserve_tiles(live, 1) && za_live_tile_make(&tile, &live->wide);
        if (done) {
            tile.bars = loose[next].bars;
            plan_filling(gathering, live->tile_count, next, count);
            za_live_add_tile(live, &tile);
        }
    }
    return done;
}

/* The only ticker of a tile becomes that of a lane of another. */
static void move_in(za_live *live, za_live_tile *from, za_live_tile *to, int lane, double *states)
{
    za_live_settle(live, from);
    za_live_take_lane(from, &live->layout, 0, states);
    za_live_put_lane(to, &live->layout, lane, states);
    to->row[lane] = from->row[0];
    to->used++;
    za_live_empty_lane(from, 0);
}

/* Lanes of a new tile that are left repeat the last one, so that they hold states of some kind. */
static void fill(const za_live_gathering *gathering, const za_live_filling *filling, double *states)
{
    za_live *live = gathering->live;
    za_live_tile *tile = &live->tiles[filling->tile];
    const za_live_loose *loose = &gathering->loose[filling->first];
    bool is_new = tile->used == 0;
    size_t taken = 0;
    za_live_settle(live, tile);
    for (int lane = 0; lane < tile->set->lanes; lane++) {
        if (tile->row[lane] == ZA_NO_ROW && taken < filling->count) {
            move_in(live, &live->tiles[loose[taken++].tile], tile, lane, states);
        } else if (is_new) {
            za_live_put_lane(tile, &live->layout, lane, states);
        }
    }
    za_live_place_tile(live, filling->tile);
}

static void run_fillings(za_job *job, size_t begin, size_t end, za_scratch *scratch)
{
    za_live_gathering *gathering = (za_live_gathering *)(void *)job;
    size_t vectors = (size_t)za_live_layout_vectors(&gathering->live->layout);
    double *states = za_scratch_get(scratch, vectors * sizeof *states);
    if (states == NULL) {
        atomic_store(&gathering->out_of_memory, true);
        return;
    }
    for (size_t i = begin; i < end; i++) {
        fill(gathering, &gathering->fillings[i], states);
    }
}

/* Fillings a claim; up to so many are done by the caller's own thread. */
enum { GRAIN = 16 };

static bool bring_together(za_live *live, za_pool *pool)
{
    size_t room = (size_t)live->tile_count;
    za_live_gathering gathering = {.job = {.run = run_fillings, .grain = GRAIN, .urgency = ZA_NORMAL}, .live = live};
    gathering.loose = za_alloc(room, sizeof *gathering.loose);
    gathering.fillings = za_alloc(room, sizeof *gathering.fillings);
    bool done = gathering.loose != NULL && gathering.fillings != NULL;
    size_t count = done ? list_loose(live, gathering.loose) : 0;
    if (count > 0) { /* without memory there is no list */
        qsort(gathering.loose, count, sizeof *gathering.loose, by_stretch_and_bars_widest_first);
    }
    for (size_t first = 0, end; done && first < count; first = end) {
        for (end = first + 1; end < count && may_share(&gathering.loose[first], &gathering.loose[end]); end++) {
        }
        done = plan_fillings(&gathering, first, end);
    }
    gathering.job.count = gathering.count;
    if (gathering.count > 0) {
        za_pool_wait(gathering.count > GRAIN ? pool : NULL, &gathering.job);
    }
    za_free(gathering.loose);
    za_free(gathering.fillings);
    return done && !atomic_load(&gathering.out_of_memory); /* what a closing pool gives up stays as it is */
}

/* Gathering looks at all tiles: a move is worth that for so many. */
enum { MOVES_A_GATHERING = 64 };

bool za_live_gather(za_live *live, za_pool *pool)
{
    if (live->moves * MOVES_A_GATHERING < live->tile_count) {
        return true;
    }
    bool done = break_up(live) && bring_together(live, pool);
    close_up(live);
    put_in_order(live);
    live->moves = done ? 0 : live->moves;
    return done;
}
