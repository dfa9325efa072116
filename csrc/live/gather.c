#include "live/gather.h"

#include <stdlib.h>

#include "kernels/lanes.h"
#include "live/pass.h"
#include "live/tiles.h"

/* A wide tile with free lanes, or a ticker that is alone in a tile. */
typedef struct za_live_loose {
    int64_t bars;
    int32_t number; /* the tile's place in the list of its stretch, or the ticker's row */
    int32_t room;   /* of the tile; 0: a ticker */
} za_live_loose;

/* A stretch, and what is loose in it. */
typedef struct za_live_gathering {
    za_live *live;
    za_live_stretch *stretch;
    size_t count;
    za_live_loose loose[ZA_LIVE_STRETCH];
} za_live_gathering;

/* Tiles come before tickers, the fullest ones first. */
static int by_bars_fullest_first(const void *one, const void *other)
{
    const za_live_loose *a = one, *b = other;
    bool a_has_room = a->room > 0, b_has_room = b->room > 0;
    return a->bars != b->bars         ? (a->bars > b->bars ? 1 : -1)
           : a_has_room != b_has_room ? b_has_room - a_has_room
           : a->room != b->room       ? a->room - b->room
                                      : a->number - b->number;
}

static void list_loose(za_live_gathering *gathering)
{
    za_live_loose *loose = gathering->loose;
    for (int64_t at = 0; at < gathering->stretch->count; at++) {
        const za_live_tile *tile = &gathering->stretch->tiles[at];
        int room = tile->set->lanes - tile->used;
        if (tile->used > 0 && (room > 0 || tile->set != gathering->live->wide.set)) {
            *loose++ = (za_live_loose){tile->bars, room > 0 ? (int32_t)at : tile->row[0], room};
        }
    }
    gathering->count = (size_t)(loose - gathering->loose);
    qsort(gathering->loose, gathering->count, sizeof *loose, by_bars_fullest_first);
}

static za_live_tile *tile_at(const za_live_gathering *gathering, int32_t place)
{
    return &gathering->stretch->tiles[place];
}

static void move_ticker(const za_live_gathering *gathering, int32_t row, za_live_tile *to)
{
    const za_live_member *member = &gathering->live->members[row];
    za_live_move(gathering->live, gathering->stretch, (za_live_mover){.tile = member->tile, .lane = member->lane}, to);
}

/* A wide tile of tickers of the list. False without memory. */
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
    for (size_t i = 0; i < count; i++) {
        move_ticker(gathering, tickers[i].number, &stretch->tiles[stretch->count - 1]);
    }
    return true;
}

/* So few tickers in a wide tile are more work than they are alone. */
static bool are_few(size_t tickers, const za_live_gathering *gathering)
{
    return tickers <= (size_t)gathering->live->wide.set->lanes / 4;
}

/* All tickers of a wide tile leave it if they are few. False without memory. */
static bool part(const za_live_gathering *gathering, int32_t place)
{
    bool done = true, few = are_few((size_t)tile_at(gathering, place)->used, gathering);
    for (int lane = 0; done && few && lane < tile_at(gathering, place)->set->lanes; lane++) {
        done = tile_at(gathering, place)->row[lane] == ZA_NO_ROW ||
               za_live_leave(gathering->live, gathering->stretch, (za_live_mover){.tile = place, .lane = lane},
                             &gathering->live->one);
    }
    return done;
}

/* Shares out what is loose of one number of bars: tickers, then those of the emptiest tiles, fill the other tiles;
 * tickers that are left share new tiles where they are not few. False without memory. */
static bool share(const za_live_gathering *gathering, const za_live_loose *loose, size_t count)
{
    size_t lanes = (size_t)gathering->live->wide.set->lanes, tiles = 0;
    while (tiles < count && loose[tiles].room > 0) {
        tiles++;
    }
    size_t next = tiles;
    for (size_t at = 0; at < tiles; at++) {
        za_live_tile *tile = tile_at(gathering, loose[at].number);
        while (tile->used < tile->set->lanes && (next < count || at + 1 < tiles)) {
            const za_live_tile *emptiest = tile_at(gathering, loose[tiles - 1].number);
            int32_t row = next < count ? loose[next++].number : emptiest->row[za_live_first_lane(emptiest)];
            move_ticker(gathering, row, tile);
            tiles -= emptiest->used == 0;
        }
    }
    bool done = tiles == 0 || part(gathering, loose[tiles - 1].number);
    for (size_t taken; done && !are_few(count - next, gathering); next += taken) {
        taken = count - next < lanes ? count - next : lanes;
        done = add_wide(gathering, loose + next, taken);
    }
    return done;
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
