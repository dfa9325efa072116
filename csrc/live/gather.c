#include "live/gather.h"

#include <stdlib.h>

#include "kernels/lanes.h"
#include "live/pass.h"
#include "live/tiles.h"

/* A ticker that may go into another tile, or a wide tile with room for some. */
typedef struct za_live_loose {
    int64_t bars;
    int32_t row;  /* of the ticker, or of the tile's first one */
    int32_t room; /* of the tile; 0: a ticker */
} za_live_loose;

/* A stretch, and what is loose in it. */
typedef struct za_live_gathering {
    za_live *live;
    za_live_stretch *stretch;
    size_t count;
    za_live_loose loose[ZA_LIVE_STRETCH];
} za_live_gathering;

static int by_bars_tiles_first(const void *one, const void *other)
{
    const za_live_loose *a = one, *b = other;
    bool a_has_room = a->room > 0, b_has_room = b->room > 0;
    return a->bars != b->bars         ? (a->bars > b->bars ? 1 : -1)
           : a_has_room != b_has_room ? b_has_room - a_has_room
                                      : a->row - b->row;
}

/* The tickers that are alone in tiles, or among few in wide ones, which are more work than they are alone; and the wide
 * tiles with room for others. */
static void list_loose(za_live_gathering *gathering)
{
    za_live_loose *loose = gathering->loose;
    for (int64_t at = 0; at < gathering->stretch->count; at++) {
        const za_live_tile *tile = &gathering->stretch->tiles[at];
        int lanes = tile->set->lanes;
        if (tile->set == gathering->live->wide.set && tile->used == lanes) {
            continue;
        }
        if (lanes > 1 && tile->used > lanes / 2) {
            *loose++ = (za_live_loose){tile->bars, tile->row[za_live_first_lane(tile)], lanes - tile->used};
            continue;
        }
        for (int lane = 0; lane < lanes; lane++) {
            if (tile->row[lane] != ZA_NO_ROW) {
                *loose++ = (za_live_loose){tile->bars, tile->row[lane], 0};
            }
        }
    }
    gathering->count = (size_t)(loose - gathering->loose);
    qsort(gathering->loose, gathering->count, sizeof *loose, by_bars_tiles_first);
}

/* Tickers of that list move into the free lanes of a wide tile. */
static void fill(const za_live_gathering *gathering, za_live_tile *tile, const za_live_loose *tickers, size_t count)
{
    za_live *live = gathering->live;
    for (int lane = 0; lane < tile->set->lanes && count > 0; lane++) {
        if (tile->row[lane] == ZA_NO_ROW) {
            za_live_move(live, za_live_tile_of(live, tickers->row), live->members[tickers->row].lane, tile, lane);
            tickers++;
            count--;
        }
    }
}

/* A wide tile of tickers of the list. Lanes that are left repeat the last one, so that they hold states of some kind.
 * False without memory. */
static bool add_wide(const za_live_gathering *gathering, const za_live_loose *tickers, size_t count)
{
    za_live *live = gathering->live;
    za_live_stretch *stretch = gathering->stretch;
    za_live_tile fresh;
    if (!za_live_reserve_tiles(stretch, 1) || !za_live_tile_make(&fresh, &live->wide)) {
        return false;
    }
    fresh.bars = tickers->bars;
    za_live_add_tile(live, stretch, &fresh);
    za_live_tile *tile = &stretch->tiles[stretch->count - 1];
    fill(gathering, tile, tickers, count);
    for (int lane = (int)count; lane < tile->set->lanes; lane++) {
        za_live_copy_lane(tile, (int)count - 1, tile, lane, &live->layout);
    }
    return true;
}

/* Tickers of the list that are left over leave the wide tiles that they are in. False without memory. */
static bool part(const za_live_gathering *gathering, const za_live_loose *tickers, size_t count)
{
    bool done = true;
    for (size_t i = 0; done && i < count; i++) {
        const za_live_member *member = &gathering->live->members[tickers[i].row];
        bool wide = gathering->stretch->tiles[member->tile].set->lanes > 1;
        done = !wide || za_live_leave(gathering->live, gathering->stretch, member->tile, member->lane);
    }
    return done;
}

/* What is loose of one number of bars, tiles first: into the tiles' free lanes, and into new tiles where there are
 * enough tickers for one. False without memory. */
static bool share(const za_live_gathering *gathering, const za_live_loose *loose, size_t count)
{
    za_live *live = gathering->live;
    size_t lanes = (size_t)live->wide.set->lanes, next = 0;
    while (next < count && loose[next].room > 0) {
        next++;
    }
    for (const za_live_loose *wide = loose; next < count && wide->room > 0; wide++) {
        size_t room = (size_t)wide->room, taken = room < count - next ? room : count - next;
        fill(gathering, za_live_tile_of(live, wide->row), loose + next, taken);
        next += taken;
    }
    bool done = true;
    for (size_t taken; done && count - next > lanes / 2; next += taken) {
        taken = count - next < lanes ? count - next : lanes;
        done = add_wide(gathering, loose + next, taken);
    }
    return done && part(gathering, loose + next, count - next);
}

/* Tiles without tickers go; the last ones take their places. */
static void close_up(za_live *live, za_live_stretch *stretch)
{
    for (int64_t at = stretch->count - 1; at >= 0; at--) {
        if (stretch->tiles[at].used == 0) {
            za_live_tile_free(&stretch->tiles[at]);
            stretch->tiles[at] = stretch->tiles[--stretch->count];
            if (at < stretch->count) {
                za_live_place_tile(live, stretch, at);
            }
        }
    }
}

/* Gathering looks at all tiles of a stretch: a move is worth that for so many. */
enum { TILES_A_MOVE = 64 };

static bool is_worth_it(const za_live_stretch *stretch)
{
    return stretch->moves > 0 && stretch->moves * TILES_A_MOVE >= stretch->count;
}

static bool gather(za_live *live, za_live_stretch *stretch)
{
    za_live_gathering gathering;
    gathering.live = live;
    gathering.stretch = stretch;
    list_loose(&gathering);
    bool done = true;
    const za_live_loose *end = gathering.loose + gathering.count;
    for (const za_live_loose *first = gathering.loose, *next; done && first < end; first = next) {
        for (next = first + 1; next < end && next->bars == first->bars; next++) {
        }
        done = share(&gathering, first, (size_t)(next - first));
    }
    close_up(live, stretch);
    stretch->moves = done ? 0 : stretch->moves;
    return done;
}

bool za_live_gather_stretch(za_live *live, za_live_stretch *stretch)
{
    return !is_worth_it(stretch) || gather(live, stretch);
}

static void run_stretches(za_job *job, size_t begin, size_t end, za_scratch *scratch)
{
    za_live_pass *pass = (za_live_pass *)(void *)job;
    (void)scratch;
    for (size_t i = begin; i < end; i++) {
        if (!za_live_gather_stretch(pass->live, &pass->live->stretches[i])) {
            atomic_store(&pass->out_of_memory, true);
        }
    }
}

bool za_live_gather(za_live *live, za_pool *pool)
{
    za_live_pass pass = {.job = {.run = run_stretches}, .live = live};
    bool needed = false;
    for (int64_t i = 0; i < za_live_stretch_count(live); i++) {
        needed = needed || is_worth_it(&live->stretches[i]);
    }
    if (needed) {
        (void)za_live_pass_run(&pass, pool, 0); /* what a closing pool gives up stays as it is */
    }
    return !atomic_load(&pass.out_of_memory);
}
