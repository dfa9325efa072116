#include "live/start.h"

#include <stdlib.h>

#include "base/memory.h"
#include "kernels/lanes.h"
#include "live/blank.h"
#include "live/take.h"
#include "live/tiles.h"
#include "plan/tile.h"
#include "pool/wait.h"

/* Newcomers of one length, who get a tile. */
typedef struct za_live_group {
    const za_live_newcomer *first;
    int count;
    za_live_tile tile; /* without memory: not made */
} za_live_group;

typedef struct za_live_starting {
    za_job job; /* first */
    za_live *live;
    za_live_group *groups;
} za_live_starting;

typedef enum za_started { STARTED, MET_A_HOLE, NO_MEMORY } za_started;

/* A tile of a plan over the bars of a group, which wants the results of their last bar. */
static za_tile_spec specify(const za_live *live, const za_live_group *group, const double *(*pointers)[ZA_MOST_LANES])
{
    const za_lane_set *set = group->tile.set;
    za_tile_spec spec = {.plan = live->spec.plan,
                         .set = set,
                         .zone = &live->spec.zone,
                         .column = (const double *const(*)[ZA_MOST_LANES])(void *)pointers,
                         .lanes = group->count,
                         .clean = live->layout.finite,
                         .target = {.values = live->board->values, .rows = live->board->rows, .step = 1}};
    for (int lane = 0; lane < set->lanes; lane++) {
        const za_live_newcomer *newcomer = &group->first[lane < group->count ? lane : group->count - 1];
        const za_rows *rows = &newcomer->view.rows;
        spec.time[lane] = rows->time;
        spec.bars[lane] = rows->count;
        spec.target.row[lane] = newcomer->row;
        spec.target.from[lane] = rows->count - 1;
        for (int column = 0; pointers != NULL && column < live->spec.plan->column_count; column++) {
            pointers[column][lane] = za_rows_column(rows, live->spec.columns[column]);
        }
    }
    return spec;
}

/* Runs the bars through the plan as a history does, and takes the states over. */
static za_started run_bars(const za_live *live, za_live_group *group, za_scratch *scratch)
{
    size_t pointer_bytes = za_whole_lines((size_t)live->spec.plan->column_count * ZA_MOST_LANES * sizeof(double *));
    za_tile_spec spec = specify(live, group, NULL);
    char *memory = za_scratch_get(scratch, pointer_bytes + za_tile_bytes(&spec));
    if (memory == NULL) {
        return NO_MEMORY;
    }
    spec = specify(live, group, (const double *(*)[ZA_MOST_LANES])(void *)memory);
    za_tile tile;
    za_tile_open(&tile, &spec, memory + pointer_bytes);
    int64_t bars = spec.bars[0];
    for (int after = 0; after < ZA_LIVE_HEADERS; after++) {
        if (!za_tile_run(&tile, bars - 1 + after)) {
            return MET_A_HOLE;
        }
        za_live_take_states(&group->tile, &live->layout, &tile, after);
    }
    group->tile.bars = bars;
    return STARTED;
}

/* Ticker after ticker, where the ages of a recursive kernel differ. */
static za_started run_one_by_one(za_live *live, za_live_group *group, za_scratch *scratch)
{
    za_started started = STARTED;
    za_live_group alone = {0};
    if (!za_live_tile_make(&alone.tile, &live->one)) {
        started = NO_MEMORY;
    }
    for (int lane = 0; started == STARTED && lane < group->tile.set->lanes; lane++) {
        alone.first = &group->first[lane < group->count ? lane : group->count - 1];
        alone.count = 1;
        started = run_bars(live, &alone, scratch);
        if (started == STARTED) {
            za_live_copy_lane(&alone.tile, 0, &group->tile, lane, &live->layout);
            group->tile.bars = alone.tile.bars;
        }
    }
    za_live_tile_free(&alone.tile);
    return started;
}

/* Where other plans make columns, bar by bar, as what comes later is taken in. */
static za_started take_in_all(za_live *live, za_live_group *group, za_scratch *scratch)
{
    za_live_works works;
    za_live_arrival arrival = {.tile = &group->tile,
                               .news = {.change = ZA_LIVE_NEWS, .fresh = group->first->view.rows.count}},
                    *arrivals = &arrival;
    if (!za_live_tile_blank(&group->tile, &live->layout, scratch) ||
        !za_live_works_open(&works, live, scratch, false)) {
        return NO_MEMORY;
    }
    for (int lane = 0; lane < group->count; lane++) {
        arrival.views[lane] = group->first[lane].view;
    }
    za_live_take_in(live, za_live_work_of(&works, &group->tile), &arrivals, 1);
    return STARTED;
}

static void start_group(za_live *live, za_live_group *group, za_scratch *scratch)
{
    if (!za_live_tile_make(&group->tile, group->count > 1 ? &live->wide : &live->one)) {
        return;
    }
    group->tile.used = group->count;
    for (int lane = 0; lane < group->count; lane++) {
        group->tile.row[lane] = group->first[lane].row;
    }
    bool plain = !za_plan_has_sources(live->spec.plan);
    za_started started = plain ? run_bars(live, group, scratch) : take_in_all(live, group, scratch);
    started = started == MET_A_HOLE ? run_one_by_one(live, group, scratch) : started;
    if (started != STARTED) {
        za_live_tile_free(&group->tile);
    }
}

static void run_groups(za_job *job, size_t begin, size_t end, za_scratch *scratch)
{
    za_live_starting *starting = (za_live_starting *)(void *)job;
    for (size_t i = begin; i < end; i++) {
        start_group(starting->live, &starting->groups[i], scratch);
    }
}

static int by_stretch_and_length(const void *one, const void *other)
{
    const za_live_newcomer *a = one, *b = other;
    int32_t further = a->row / ZA_LIVE_STRETCH - b->row / ZA_LIVE_STRETCH;
    int64_t longer = a->view.rows.count - b->view.rows.count;
    return further != 0 ? further : longer != 0 ? (longer > 0 ? 1 : -1) : a->row - b->row;
}

static bool may_share(const za_live_newcomer *one, const za_live_newcomer *other)
{
    return one->row / ZA_LIVE_STRETCH == other->row / ZA_LIVE_STRETCH && one->view.rows.count == other->view.rows.count;
}

/* Makes groups of as many of one stretch and length as there are lanes; what is left of them shares a tile if it fills
 * more than half of one. */
static size_t make_groups(const za_live_newcomer *newcomers, size_t count, za_live_group *groups)
{
    size_t lanes = (size_t)za_lane_set_widest()->lanes, made = 0;
    for (size_t first = 0, together; first < count; first += together) {
        together = 1;
        while (together < lanes && first + together < count &&
               may_share(&newcomers[first], &newcomers[first + together])) {
            together++;
        }
        together = together > lanes / 2 ? together : 1;
        groups[made++] = (za_live_group){.first = &newcomers[first], .count = (int)together};
    }
    return made;
}

/* Room for the tiles of all groups, of which those of one stretch follow each other. False without memory. */
static bool reserve(const za_live *live, const za_live_group *groups, size_t count)
{
    bool done = true;
    for (size_t first = 0, end; done && first < count; first = end) {
        za_live_stretch *stretch = za_live_stretch_of(live, groups[first].first->row);
        for (end = first + 1; end < count && za_live_stretch_of(live, groups[end].first->row) == stretch; end++) {
        }
        done = za_live_reserve_tiles(stretch, (int64_t)(end - first));
    }
    return done;
}

/* The tickers of a tile that was made go on from there. */
static void note(za_live *live, const za_live_group *group)
{
    za_live_stretch *stretch = za_live_stretch_of(live, group->first->row);
    za_live_add_tile(live, stretch, &group->tile);
    stretch->moves++;
    live->present += group->count;
    bool counted = za_plan_has_sources(live->spec.plan); /* as they were taken in */
    for (int i = 0; i < group->count; i++) {
        const za_live_newcomer *newcomer = &group->first[i];
        za_live_see(live, newcomer->row, &newcomer->view, newcomer->sequence);
        atomic_fetch_add_explicit(&live->bars, counted ? 0 : newcomer->view.rows.count, memory_order_relaxed);
    }
}

za_code za_live_start(za_live *live, za_pool *pool, int64_t deadline_ns, za_live_newcomer *newcomers, size_t count)
{
    qsort(newcomers, count, sizeof *newcomers, by_stretch_and_length);
    za_live_group *groups = za_alloc(count, sizeof *groups);
    size_t made = groups == NULL ? 0 : make_groups(newcomers, count, groups);
    if (groups == NULL || !reserve(live, groups, made)) {
        za_free(groups);
        return ZA_NO_MEMORY;
    }
    za_live_starting starting = {
        .job = {.run = run_groups, .count = made, .grain = 1, .urgency = ZA_NORMAL, .deadline_ns = deadline_ns},
        .live = live,
        .groups = groups};
    za_pool_wait(made > 1 ? pool : NULL, &starting.job);
    za_code code = starting.job.code;
    for (size_t i = 0; i < made; i++) {
        if (groups[i].tile.memory.slots != NULL) {
            note(live, &groups[i]);
        } else if (code == ZA_OK) {
            code = ZA_NO_MEMORY;
        }
    }
    za_free(groups);
    return code;
}
