#include "live/take.h"

#include "base/memory.h"
#include "kernels/lanes.h"
#include "live/tiles.h"

uint64_t za_live_fingerprint_of(const za_live *live, const za_view *view, int64_t bar)
{
    uint64_t print = 0;
    for (int column = 0; column < live->spec.plan->column_count; column++) {
        print = za_live_mix(print, za_rows_column(&view->rows, live->spec.columns[column])[bar]);
    }
    return print;
}

void za_live_see(za_live *live, int32_t row, const za_view *view, uint64_t sequence)
{
    za_live_member *member = &live->members[row];
    int64_t last = view->rows.count - 1;
    if (member->seen.id != view->progress.id) {
        atomic_store_explicit(&live->ids_are_known, false, memory_order_relaxed);
    }
    member->seen = view->progress;
    member->sequence = sequence;
    member->fingerprint = za_live_fingerprint_of(live, view, last);
    live->board->times[row] = view->rows.time[last];
}

za_live_news za_live_news_of(const za_live *live, const za_live_member *member, const za_view *view)
{
    const za_progress *now = &view->progress, *seen = &member->seen;
    za_live_news news = {.change = ZA_LIVE_ANEW};
    if (view->rows.count == 0) {
        news.change = ZA_LIVE_GONE;
        return news;
    }
    if (now->generation != seen->generation || now->end - view->rows.count > seen->end) {
        return news;
    }
    news.fresh = now->end - seen->end;
    news.revised = now->revisions != seen->revisions;
    if (news.revised && news.fresh == view->rows.count) {
        return news; /* the bar that was replaced may be one that the store has dropped */
    }
    if (news.revised && news.fresh > 0) { /* the store may have replaced a bar behind it */
        news.revised = za_live_fingerprint_of(live, view, view->rows.count - 1 - news.fresh) != member->fingerprint;
    }
    news.change = news.fresh > 0 || news.revised ? ZA_LIVE_NEWS : ZA_LIVE_SAME;
    return news;
}

/* Returns what the tickers of a tile have in common. Tickers of which nothing was replaced may take their last bar in
 * again. */
static za_live_news common_news(const za_live *live, const za_live_arrival *arrival)
{
    za_live_news common = {.change = ZA_LIVE_SAME};
    int64_t fewest = INT64_MAX;
    bool first = true;
    for (int lane = 0; lane < arrival->tile->set->lanes; lane++) {
        if (arrival->tile->row[lane] == ZA_NO_ROW) {
            continue;
        }
        const za_view *view = &arrival->views[lane];
        za_live_news news = za_live_news_of(live, &live->members[arrival->tile->row[lane]], view);
        if (news.change > ZA_LIVE_NEWS || (!first && news.fresh != common.fresh)) {
            return (za_live_news){.change = ZA_LIVE_ANEW};
        }
        fewest = view->rows.count < fewest ? view->rows.count : fewest;
        news.revised = news.revised || common.revised;
        news.change = common.change > news.change ? common.change : news.change;
        common = news;
        first = false;
    }
    common.change = common.revised && common.fresh >= fewest ? ZA_LIVE_ANEW : common.change;
    return common;
}

void za_live_look(za_live *live, za_live_arrival *arrivals, int count)
{
    za_symbol symbols[ZA_LIVE_BATCH * ZA_MOST_LANES] = {0};
    za_view views[ZA_LIVE_BATCH * ZA_MOST_LANES];
    size_t asked = 0;
    for (int i = 0; i < count; i++) {
        za_live_settle(live, arrivals[i].tile);
        for (int lane = 0; lane < arrivals[i].tile->set->lanes; lane++) {
            int32_t row = arrivals[i].tile->row[lane];
            if (row != ZA_NO_ROW) {
                symbols[asked++] = (za_symbol){live->names.texts[row], live->names.lengths[row]};
            }
        }
    }
    uint64_t sequence = za_store_views(live->spec.store, symbols, asked, views);
    const za_view *view = views;
    for (int i = 0; i < count; i++) {
        for (int lane = 0; lane < ZA_MOST_LANES; lane++) {
            bool used = lane < arrivals[i].tile->set->lanes && arrivals[i].tile->row[lane] != ZA_NO_ROW;
            arrivals[i].views[lane] = used ? *view++ : (za_view){0};
        }
        arrivals[i].sequence = sequence;
        arrivals[i].news = common_news(live, &arrivals[i]);
    }
}

void za_live_release(za_live_arrival *arrivals, int count)
{
    for (int i = 0; i < count; i++) {
        for (int lane = 0; lane < ZA_MOST_LANES; lane++) {
            za_view_release(&arrivals[i].views[lane]);
        }
    }
}

bool za_live_arrive_together(const za_live_arrival *one, const za_live_arrival *other)
{
    return one->tile->set == other->tile->set && one->tile->bars == other->tile->bars &&
           one->news.change == other->news.change && one->news.fresh == other->news.fresh &&
           one->news.revised == other->news.revised;
}

/* The bar `back` bars before the last one of each ticker. A lane without a ticker reads what the first one with one
 * does. */
static void gather(const za_live *live, const za_live_work *work, const za_live_arrival *arrival, int at, int64_t back)
{
    const za_plan *plan = live->spec.plan;
    int lanes = work->set->lanes, first = 0;
    while (arrival->tile->row[first] == ZA_NO_ROW) {
        first++;
    }
    for (int lane = 0; lane < lanes; lane++) {
        const za_view *view = &arrival->views[arrival->tile->row[lane] != ZA_NO_ROW ? lane : first];
        int64_t bar = view->rows.count - 1 - back;
        for (int column = 0; column < plan->column_count; column++) {
            za_live_work_column(work, column, at)[lane] = za_rows_column(&view->rows, live->spec.columns[column])[bar];
        }
        work->times[at * lanes + lane] = view->rows.time[bar];
    }
}

/* The tickers of a tile have seen all that their views show. */
static void note(za_live *live, const za_live_arrival *arrival)
{
    int64_t revised = 0;
    for (int lane = 0; lane < arrival->tile->set->lanes; lane++) {
        int32_t row = arrival->tile->row[lane];
        if (row != ZA_NO_ROW) {
            const za_view *view = &arrival->views[lane];
            revised += arrival->news.revised && za_live_news_of(live, &live->members[row], view).revised;
            za_live_see(live, row, view, arrival->sequence);
        }
    }
    atomic_fetch_add_explicit(&live->revised, revised, memory_order_relaxed);
    atomic_fetch_add_explicit(&live->bars, arrival->news.fresh * arrival->tile->used, memory_order_relaxed);
}

void za_live_take_in(za_live *live, const za_live_work *work, za_live_arrival *const *arrivals, int count)
{
    za_live_tile *tiles[ZA_LIVE_BATCH] = {NULL};
    for (int i = 0; i < count; i++) {
        tiles[i] = arrivals[i]->tile;
    }
    za_live_batch batch = za_live_batch_of(live, work, tiles, count);
    za_live_news news = arrivals[0]->news;
    for (int64_t back = news.fresh - !news.revised; back >= 0; back--) {
        for (int i = 0; i < count; i++) {
            gather(live, work, arrivals[i], i, back);
        }
        za_live_step(&batch, back == news.fresh);
    }
    za_live_publish();
    for (int i = 0; i < count; i++) {
        note(live, arrivals[i]);
    }
}

bool za_live_works_open(za_live_works *works, const za_live *live, za_scratch *scratch, bool with_results)
{
    const za_lane_set *one = za_lane_set_one(), *wide = za_lane_set_widest();
    size_t bytes = za_live_work_bytes(&live->layout, one), wide_bytes = za_live_work_bytes(&live->layout, wide);
    char *memory = za_scratch_get(scratch, bytes + wide_bytes + (with_results ? za_live_results_bytes(live) : 0));
    if (memory == NULL) {
        return false;
    }
    za_live_work_open(&works->one, &live->layout, one, memory);
    za_live_work_open(&works->wide, &live->layout, wide, memory + bytes);
    za_live_results_open(&works->results, memory + bytes + wide_bytes);
    return true;
}

const za_live_work *za_live_work_of(const za_live_works *works, const za_live_tile *tile)
{
    return tile->set == works->wide.set ? &works->wide : &works->one;
}

/* States of fewer bytes stay in the caches from one update to the next. */
enum { CACHED_BYTES = 4 * 1024 * 1024, LINE_LANES = ZA_CACHE_LINE / (int)sizeof(double) };

bool za_live_is_streamed(const za_live *live)
{
    return (size_t)live->present * live->one.bytes > CACHED_BYTES;
}

za_live_batch za_live_batch_of(const za_live *live, const za_live_work *work, za_live_tile *const *tiles, int count)
{
    return (za_live_batch){.work = work,
                           .tiles = tiles,
                           .count = count,
                           .streamed = work->set->lanes == LINE_LANES && za_live_is_streamed(live),
                           .zone = &live->spec.zone,
                           .values = live->board->values,
                           .rows = live->board->rows};
}
