#include "live/sections.h"

#include "base/memory.h"
#include "kernels/lanes.h"
#include "live/gather.h"
#include "live/pass.h"
#include "live/queue.h"
#include "live/tiles.h"

typedef struct za_live_sections_pass {
    za_live_pass all; /* first */
    const za_news *news;
    const za_live_roster *rosters[ZA_TAIL];
    bool is_ordered;
} za_live_sections_pass;

/* A worker's part of it. */
typedef struct za_live_worker {
    za_live_sections_pass *pass;
    za_live_works works;
    za_live_stretch *stretch; /* that it goes through */
    int64_t tiles;            /* that it had before */
    za_live_queue queue;
    int64_t absent;                 /* tickers of the tiles in the queue */
    uint8_t without[TILES_AT_ONCE]; /* of the tiles that it looks at: the lanes whose tickers have no bar, */
    bool absent_are_known;          /* if all of them were found */
    int64_t bars, revised;          /* for the totals: adding to those waits for the memory */
    int64_t loose[EFFECT_COUNT];    /* tiles of the stretch, by the effect of the sections */
} za_live_worker;

static za_live_roster *roster_in(za_live *live, uint64_t id)
{
    za_live_roster *found = NULL;
    for (int i = 0; i < ZA_LIVE_ROSTERS; i++) {
        if (live->rosters[i].id == id && live->rosters[i].rows == live->board->rows) {
            found = &live->rosters[i];
        }
    }
    return found;
}

static bool is_in_news(const za_news *news, uint64_t id)
{
    bool found = false;
    for (int i = 0; !found && i < news->section_count; i++) {
        found = news->sections[i]->roster->id == id;
    }
    return found;
}

/* The next roster that no section of the news has: there is one while the roster of a section is not known. */
static za_live_roster *spare_roster(za_live *live, const za_news *news)
{
    za_live_roster *spare;
    do {
        spare = &live->rosters[live->next_roster];
        live->next_roster = (live->next_roster + 1) % ZA_LIVE_ROSTERS;
    } while (is_in_news(news, spare->id) && spare->rows == live->board->rows);
    return spare;
}

/* The places of the tickers in each section, where they are not known yet. False without memory. */
static bool find_places(za_live_sections_pass *pass)
{
    za_live *live = pass->all.live;
    for (int i = 0; i < pass->news->section_count; i++) {
        const za_roster *roster = pass->news->sections[i]->roster;
        if (roster_in(live, roster->id) == NULL &&
            !za_live_roster_fill(spare_roster(live, pass->news), roster, &live->names)) {
            return false;
        }
    }
    for (int i = 0; i < pass->news->section_count; i++) {
        pass->rosters[i] = roster_in(live, pass->news->sections[i]->roster->id);
    }
    return true;
}

/* The effect that is pending of the tile counts for all of its tickers. */
static za_live_effect effect_of(const za_live_sections_pass *pass, int number, const za_live_tile *tile, int32_t row)
{
    const za_section *section = pass->news->sections[number];
    const za_live *live = pass->all.live;
    int32_t place = pass->rosters[number]->place[row];
    uint64_t seen = tile->pending.sequence > 0 ? tile->pending.sequence : live->members[row].sequence;
    if (place == ZA_NO_PLACE || section->sequence <= seen || !za_section_has(section, (size_t)place)) {
        return EFFECT_NONE;
    }
    return pass->is_ordered && section->time == live->board->times[row] ? EFFECT_REVISION : EFFECT_NEW_BAR;
}

/* The effect of a section on all tickers of a tile, and on each. */
static za_live_effect effects_of(const za_live_sections_pass *pass, int number, const za_live_tile *tile,
                                 za_live_effect *effects)
{
    za_live_effect common = EFFECT_NONE;
    bool first = true, differ = false;
    for (int lane = 0; lane < tile->set->lanes; lane++) {
        if (tile->row[lane] != ZA_NO_ROW) {
            effects[lane] = effect_of(pass, number, tile, tile->row[lane]);
            differ = differ || (!first && effects[lane] != common);
            common = effects[lane];
            first = false;
        }
    }
    return differ ? EFFECTS_DIFFER : common;
}

/* The places of a tile's tickers; a lane without one has that of the first one with one. Whether they follow each
 * other. */
static bool places_of(const za_live_roster *roster, const za_live_tile *tile, int32_t *places)
{
    int32_t first = roster->place[tile->row[za_live_first_lane(tile)]];
    bool follow = true;
    for (int lane = 0; lane < tile->set->lanes; lane++) {
        places[lane] = tile->row[lane] != ZA_NO_ROW ? roster->place[tile->row[lane]] : first;
        follow = follow && places[lane] == places[0] + lane;
    }
    return follow;
}

static void gather(const za_live_sections_pass *pass, int number, const za_live_work *work, const za_live_tile *tile,
                   int at)
{
    const za_section *section = pass->news->sections[number];
    int32_t places[ZA_MOST_LANES];
    int lanes = work->set->lanes;
    bool follow = places_of(pass->rosters[number], tile, places);
    for (int column = 0; column < pass->all.live->spec.plan->column_count; column++) {
        const double *from = za_section_column(section, pass->all.live->spec.columns[column]);
        double *to = za_live_work_column(work, column, at);
        if (follow) {
            za_live_copy_lanes(to, from + places[0], lanes);
            continue;
        }
        for (int lane = 0; lane < lanes; lane++) {
            to[lane] = from[places[lane]];
        }
    }
    for (int lane = 0; lane < lanes; lane++) {
        work->times[at * lanes + lane] = section->time;
    }
}

/* The tickers of a tile have seen the bar in the work. */
static void record_bar(za_live_worker *worker, int number, const za_live_work *work, za_live_tile *tile, int at)
{
    const za_live_sections_pass *pass = worker->pass;
    const za_section *section = pass->news->sections[number];
    za_live_pending *pending = &tile->pending;
    int lanes = work->set->lanes;
    pending->time = section->time;
    pending->sequence = section->sequence;
    memset(pending->print, 0, sizeof pending->print);
    for (int column = 0; column < pass->all.live->spec.plan->column_count; column++) {
        const double *figures = za_live_work_column(work, column, at);
        for (int lane = 0; lane < lanes; lane++) {
            pending->print[lane] = za_live_mix(pending->print[lane], figures[lane]);
        }
    }
    for (int lane = 0; lane < lanes; lane++) {
        if (tile->row[lane] != ZA_NO_ROW) {
            pass->all.live->board->times[tile->row[lane]] = section->time;
            za_live_results_note(&worker->works.results, tile->row[lane]);
        }
    }
}

/* One section enters tiles on which it has the same effect, and which are of one age; it enters `next` afterwards. */
static void step(za_live_worker *worker, int number, za_live_effect effect, za_live_tiles now, za_live_tiles next)
{
    za_live_sections_pass *pass = worker->pass;
    za_live *live = pass->all.live;
    const za_live_work *work = za_live_work_of(&worker->works, now.first[0]);
    za_live_batch batch = za_live_batch_of(live, work, now.first, now.count);
    int64_t tickers = 0;
    batch.values = worker->works.results.values;
    batch.rows = ZA_LIVE_STRETCH;
    batch.first = worker->works.results.first;
    batch.next = next.first;
    batch.next_count = next.count > 0 && next.first[0]->set == now.first[0]->set ? next.count : 0;
    for (int i = 0; i < now.count; i++) {
        gather(pass, number, work, now.first[i], i);
        tickers += now.first[i]->used;
    }
    za_live_step(&batch, effect == EFFECT_REVISION);
    for (int i = 0; i < now.count; i++) {
        za_live_pending *pending = &now.first[i]->pending;
        bool settled = pending->sequence == 0;
        pending->bars = (settled ? 0 : pending->bars) + (effect == EFFECT_NEW_BAR);
        pending->revisions = (settled ? 0 : pending->revisions) + (effect == EFFECT_REVISION);
        record_bar(worker, number, work, now.first[i], i);
    }
    *(effect == EFFECT_REVISION ? &worker->revised : &worker->bars) += tickers;
}

static za_live_effect most_common(const za_live_tile *tile, const za_live_effect *effects)
{
    int counts[EFFECT_COUNT] = {0};
    za_live_effect best = EFFECT_NONE;
    for (int lane = 0; lane < tile->set->lanes; lane++) {
        if (tile->row[lane] != ZA_NO_ROW) {
            counts[effects[lane]]++;
            best = counts[effects[lane]] > counts[best] ? effects[lane] : best;
        }
    }
    return best;
}

/* One ticker, through the sections from number `first` on. */
static void run_alone(za_live_worker *worker, za_live_tile *tile, int first)
{
    for (int number = first; number < worker->pass->news->section_count; number++) {
        za_live_effect effect = effect_of(worker->pass, number, tile, tile->row[0]);
        if (effect != EFFECT_NONE) {
            step(worker, number, effect, (za_live_tiles){&tile, 1}, (za_live_tiles){&tile, 0});
        }
    }
}

/* The tickers of a tile that a section has an effect on, but not the `common` one, leave it and go on through the rest;
 * those that it has none on are kept in mind. False without memory. */
static bool split(za_live_worker *worker, int64_t at, int number, const za_live_effect *effects, za_live_common *common)
{
    za_live_stretch *stretch = worker->stretch;
    bool done = true;
    for (int lane = 0; done && lane < stretch->tiles[at].set->lanes; lane++) {
        if (stretch->tiles[at].row[lane] == ZA_NO_ROW || effects[lane] == common->effect) {
            continue;
        }
        if (effects[lane] == EFFECT_NONE) {
            common->absent |= 1u << lane;
            worker->absent++;
            continue;
        }
        za_live *live = worker->pass->all.live;
        done = za_live_leave(live, stretch, (za_live_mover){.tile = at, .lane = lane}, &live->one);
        if (done) {
            run_alone(worker, &stretch->tiles[stretch->count - 1], number);
        }
    }
    return done;
}

/* Which lanes of some tiles of the stretch have tickers without a bar in a section. False if some of its tickers have
 * no place there: then not all are found. */
static bool find_absent(za_live_worker *worker, int number, int64_t begin, int count)
{
    const za_live *live = worker->pass->all.live;
    const za_section *section = worker->pass->news->sections[number];
    const int32_t *place = worker->pass->rosters[number]->place;
    int64_t first = (worker->stretch - live->stretches) * ZA_LIVE_STRETCH;
    int64_t end = first + ZA_LIVE_STRETCH < live->board->rows ? first + ZA_LIVE_STRETCH : live->board->rows;
    memset(worker->without, 0, sizeof worker->without);
    for (int64_t row = first; row < end; row++) {
        if (place[row] == ZA_NO_PLACE) {
            return false;
        }
        const za_live_member *member = &live->members[row];
        if (!za_section_has(section, (size_t)place[row]) && member->tile >= begin && member->tile < begin + count) {
            worker->without[member->tile - begin] |= (uint8_t)(1u << member->lane);
        }
    }
    return true;
}

/* Returns whether a section brings a new bar to all tickers of a tile but the absent ones, which are few, as far as
 * what is pending tells. */
static bool is_plain(const za_live_sections_pass *pass, int number, const za_live_tile *tile, za_live_common *common)
{
    int absent = common->absent == 0 ? 0 : __builtin_popcount(common->absent);
    const za_section *section = pass->news->sections[number];
    const za_live_pending *pending = &tile->pending;
    bool is_new = !pass->is_ordered || section->time > pending->time;
    common->effect = EFFECT_NEW_BAR;
    return is_new && !tile->apart && pending->sequence > 0 && section->sequence > pending->sequence &&
           2 * absent < tile->used;
}

/* Finds the effect of a section on most tickers of a tile; all others but the absent ones leave it. False without
 * memory. */
static bool find_common(za_live_worker *worker, int64_t at, int number, za_live_common *common)
{
    za_live_tile *tile = &worker->stretch->tiles[at];
    za_live_effect effects[ZA_MOST_LANES];
    bool done = true;
    if (worker->absent_are_known && is_plain(worker->pass, number, tile, common)) {
        worker->absent += common->absent == 0 ? 0 : __builtin_popcount(common->absent);
        return true;
    }
    common->absent = 0;
    common->effect = tile->apart ? EFFECT_NONE : effects_of(worker->pass, number, tile, effects);
    if (common->effect == EFFECTS_DIFFER) {
        common->effect = most_common(tile, effects);
        done = split(worker, at, number, effects, common);
    }
    return done;
}

/* Before a worker looks at a tile it asks memory for one so far behind it. */
enum { TILES_AHEAD = 8 };

/* Finds the effect of a section on some tiles of the stretch; none on those that take no part. There is room for a tile
 * of each absent ticker afterwards. False without memory: then no tile has seen any of it. */
static bool classify(za_live_worker *worker, int number, int64_t begin, int count, za_live_common *common)
{
    bool done = true;
    worker->absent = 0;
    worker->absent_are_known = find_absent(worker, number, begin, count);
    for (int i = 0; done && i < count; i++) {
        za_live_tile *tile = &worker->stretch->tiles[begin + i];
        for (size_t at = 0; i + TILES_AHEAD < count && at < sizeof *tile; at += ZA_CACHE_LINE) {
            __builtin_prefetch((const char *)(tile + TILES_AHEAD) + at, 1);
        }
        bool is_loose = za_live_tile_is_loose(tile);
        common[i] = (za_live_common){EFFECT_NONE, worker->without[i]};
        done = find_common(worker, begin + i, number, &common[i]);
        worker->loose[common[i].effect] += is_loose;
    }
    return done && za_live_reserve_tiles(worker->stretch, worker->absent);
}

/* The tile for a ticker without a bar: one that has as many bars and that the section has entered already, or, if that
 * is the last section, the one that was made for such tickers. NULL if there is none. */
static za_live_tile *room_for(za_live_worker *worker, int64_t bars, bool is_last)
{
    za_live_stretch *stretch = worker->stretch;
    za_live_tile *made = &stretch->tiles[stretch->count - 1], *roomy = za_live_queue_room(&worker->queue, bars);
    bool is_free = is_last && stretch->count > worker->tiles && made->bars == bars && made->used < made->set->lanes;
    return roomy == NULL && is_free ? made : roomy;
}

/* An absent ticker leaves its tile before the section enters it. A new tile is wide if `others` like it follow, and no
 * further section, which might do this to some of them and that to others. False without memory. */
static bool let_go(za_live_worker *worker, int number, za_live_mover mover, int others)
{
    za_live *live = worker->pass->all.live;
    za_live_stretch *stretch = worker->stretch;
    bool is_last = number + 1 == worker->pass->news->section_count;
    za_live_tile *roomy = room_for(worker, stretch->tiles[mover.tile].bars, is_last);
    if (roomy != NULL) {
        za_live_move(live, stretch, mover, roomy);
        return true;
    }
    bool is_wide = is_last && others >= live->wide.set->lanes / 4;
    bool done = za_live_leave(live, stretch, mover, is_wide ? &live->wide : &live->one);
    if (done && !is_wide) {
        run_alone(worker, &stretch->tiles[stretch->count - 1], number + 1);
    }
    return done;
}

/* The absent tickers of the next tiles of the queue. */
static bool let_absent_go(za_live_worker *worker, int number, int count)
{
    const za_live_queue *queue = &worker->queue;
    za_live_mover mover = {.seen = worker->pass->news->sections[number]->sequence};
    int left = za_live_queue_absent(queue, queue->entered);
    bool done = true;
    for (int at = queue->entered; at < queue->entered + count; at++) {
        mover.tile = queue->tiles[at] - worker->stretch->tiles;
        for (unsigned absent = queue->absent[at]; done && absent != 0; absent &= absent - 1) {
            mover.lane = __builtin_ctz(absent);
            done = let_go(worker, number, mover, --left);
        }
    }
    return done;
}

/* Asks memory for what all tiles of the stretch read of a section: neighbours share its lines. */
static void fetch_rows(const za_live_worker *worker, int number)
{
    enum { SECOND_LEVEL = 2, LINE = ZA_CACHE_LINE / (int)sizeof(double) };
    const za_live *live = worker->pass->all.live;
    const za_live_board *board = live->board;
    const za_section *section = worker->pass->news->sections[number];
    const int32_t *place = worker->pass->rosters[number]->place;
    int64_t begin = (worker->stretch - live->stretches) * ZA_LIVE_STRETCH;
    int64_t end = begin + ZA_LIVE_STRETCH < board->rows ? begin + ZA_LIVE_STRETCH : board->rows;
    for (int64_t row = begin; row < end; row += LINE) {
        for (int column = 0; place[row] != ZA_NO_PLACE && column < live->spec.plan->column_count; column++) {
            const double *from = za_section_column(section, live->spec.columns[column]);
            __builtin_prefetch(from + place[row], 0, SECOND_LEVEL);
        }
    }
}

/* One section, for some tiles of the stretch at once. False without memory. */
static bool take_section(za_live_worker *worker, int number, int64_t begin, int count)
{
    za_live_queue *queue = &worker->queue;
    za_live_common common[TILES_AT_ONCE];
    if (begin == 0) {
        fetch_rows(worker, number);
    }
    bool done = classify(worker, number, begin, count, common);
    za_live_enqueue(queue, common, &worker->stretch->tiles[begin], done ? count : 0);
    za_live_tiles now = za_live_queue_batch(queue, 0);
    while (done && now.count > 0) {
        za_live_tiles next = za_live_queue_batch(queue, queue->entered + now.count);
        done = let_absent_go(worker, number, now.count);
        if (done) {
            step(worker, number, za_live_queue_effect(queue, queue->entered), now, next);
        }
        queue->entered += now.count;
        now = next;
    }
    return done;
}

/* All sections, for the tiles of a stretch; those of tickers that leave have seen them already. False without memory:
 * then some tickers have not seen all of them. */
static bool take_in(za_live_worker *worker)
{
    za_live_stretch *stretch = worker->stretch;
    int64_t tiles = worker->tiles = stretch->count;
    bool done = true;
    za_live_results_begin(&worker->works.results,
                          (stretch - worker->pass->all.live->stretches) * (int64_t)ZA_LIVE_STRETCH);
    memset(worker->loose, 0, sizeof worker->loose);
    for (int64_t at = 0; done && at < tiles; at += TILES_AT_ONCE) {
        int count = tiles - at < TILES_AT_ONCE ? (int)(tiles - at) : TILES_AT_ONCE;
        for (int number = 0; done && number < worker->pass->news->section_count; number++) {
            done = take_section(worker, number, at, count);
        }
    }
    za_live_results_end(&worker->works.results, worker->pass->all.live, za_live_is_streamed(worker->pass->all.live));
    za_live_publish();
    za_live_note_loose(stretch, worker->loose[EFFECT_NONE], worker->loose[EFFECT_NEW_BAR]);
    return done;
}

static void run_stretches(za_job *job, size_t begin, size_t end, za_scratch *scratch)
{
    za_live_sections_pass *pass = (za_live_sections_pass *)(void *)job;
    za_live *live = pass->all.live;
    za_live_worker worker = {.pass = pass};
    bool done = za_live_works_open(&worker.works, live, scratch, true);
    for (size_t i = begin; done && i < end; i++) {
        worker.stretch = &live->stretches[i];
        done = take_in(&worker);
        if (done && pass->news->changed_count == 0) { /* no tile is apart, and what has moved is in the caches */
            (void)za_live_gather_stretch(live, worker.stretch); /* what is left is for the end of the update */
        }
    }
    if (!done) {
        atomic_store(&pass->all.out_of_memory, true);
    }
    atomic_fetch_add_explicit(&live->bars, worker.bars, memory_order_relaxed);
    atomic_fetch_add_explicit(&live->revised, worker.revised, memory_order_relaxed);
}

za_code za_live_take_sections(za_live *live, za_pool *pool, int64_t deadline_ns, const za_news *news)
{
    za_live_sections_pass pass = {.all = {.job = {.run = run_stretches}, .live = live},
                                  .news = news,
                                  .is_ordered = za_store_options_of(live->spec.store).ordered};
    if (news->section_count == 0) {
        return ZA_OK;
    }
    return find_places(&pass) ? za_live_pass_run(&pass.all, pool, deadline_ns) : ZA_NO_MEMORY;
}

bool za_live_sections_have_newcomers(const za_live *live, const za_news *news)
{
    bool found = false;
    for (int i = 0; !found && i < news->section_count; i++) {
        const za_live_roster *roster = roster_in((za_live *)(uintptr_t)live, news->sections[i]->roster->id);
        bool all_have_states = live->present == live->board->rows && (!live->spec.all || roster->strangers == 0);
        for (size_t place = 0; !found && !all_have_states && place < roster->count; place++) {
            int32_t row = roster->row[place];
            bool is_new = row < 0 ? live->spec.all : live->members[row].tile == ZA_NO_TILE;
            found = is_new && za_section_has(news->sections[i], place);
        }
    }
    return found;
}
