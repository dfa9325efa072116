#include "live/others.h"

#include "base/memory.h"
#include "kernels/lanes.h"
#include "live/blank.h"
#include "live/take.h"
#include "live/tiles.h"

/* Bars of each other ticker whose values are kept, or as many as the store keeps if that is more: tickers that begin
 * anew read them. */
enum { LEAST_KEPT = 65536 };

static int place_of(const za_live *live, const za_plan *plan)
{
    int at = 0;
    while (at < live->other_count && live->others[at].plan != plan) {
        at++;
    }
    return at;
}

/* An upper bound: a plan counts as often as it is read. */
static size_t count_others(const za_plan *plan)
{
    size_t count = 0;
    for (int i = 0; i < plan->source_count; i++) {
        bool other = plan->sources[i].kind == ZA_SOURCE_TICKER;
        count += other ? 1 + count_others(plan->sources[i].plan) : 0;
    }
    return count;
}

/* A layout reads the series of those that stand in the list. */
static void connect(const za_live *live, za_live_layout *layout)
{
    for (int i = 0; i < layout->plan->source_count; i++) {
        if (layout->plan->sources[i].kind == ZA_SOURCE_TICKER) {
            layout->series[i] = &live->others[place_of(live, layout->plan->sources[i].plan)].series;
        }
    }
}

static za_code add_others_of(za_live *live, const za_plan *plan, za_error *error);

/* The plan of a source, behind those that it needs itself. */
static za_code add_other(za_live *live, const za_source *source, za_error *error)
{
    if (place_of(live, source->plan) < live->other_count) {
        return ZA_OK;
    }
    za_code code = add_others_of(live, source->plan, error);
    if (code != ZA_OK) {
        return code;
    }
    za_live_other *other = &live->others[live->other_count++];
    *other = (za_live_other){.plan = source->plan,
                             .symbol = live->spec.others[source->ticker],
                             .series = {.outputs = source->plan->output_count}};
    code = za_live_layout_make(&other->layout, source->plan, live->spec.columns, error);
    za_live_memory_init(&other->memory, za_lane_set_one(), other->layout.headers, other->layout.slots);
    if (code == ZA_OK && !za_live_tile_make(&other->tile, &other->memory)) {
        code = za_fail_memory(error);
    }
    if (code == ZA_OK) {
        connect(live, &other->layout);
        other->tile.used = 1;
        other->tile.row[0] = 0;
    }
    return code;
}

static za_code add_others_of(za_live *live, const za_plan *plan, za_error *error)
{
    za_code code = ZA_OK;
    for (int i = 0; code == ZA_OK && i < plan->source_count; i++) {
        if (plan->sources[i].kind == ZA_SOURCE_TICKER) {
            code = add_other(live, &plan->sources[i], error);
        }
    }
    return code;
}

za_code za_live_others_make(za_live *live, za_error *error)
{
    live->others = za_alloc_zeroed(count_others(live->spec.plan), sizeof *live->others);
    za_code code = live->others == NULL ? za_fail_memory(error) : add_others_of(live, live->spec.plan, error);
    if (code == ZA_OK) {
        connect(live, &live->layout);
    }
    return code;
}

void za_live_others_free(za_live *live)
{
    for (int i = 0; i < live->other_count; i++) {
        za_live_tile_free(&live->others[i].tile);
        za_live_memory_destroy(&live->others[i].memory);
        za_live_series_free(&live->others[i].series);
        za_live_layout_free(&live->others[i].layout);
    }
    za_free(live->others);
    live->others = NULL;
    live->other_count = 0;
}

/* The new bars of another ticker, as a batch, and what they need. */
typedef struct za_live_entering {
    za_live_work work;
    za_live_tile *tile;
    za_live_batch batch;
} za_live_entering;

static bool open_step(za_live_entering *step, const za_live *live, za_live_other *other, za_scratch *scratch)
{
    size_t bytes = za_live_work_bytes(&other->layout, other->tile.set);
    char *memory = za_scratch_get(scratch, bytes + (size_t)other->plan->output_count * sizeof(double));
    if (memory != NULL) {
        za_live_work_open(&step->work, &other->layout, other->tile.set, memory);
        step->tile = &other->tile;
        step->batch = (za_live_batch){.work = &step->work,
                                      .tiles = &step->tile,
                                      .count = 1,
                                      .zone = &live->spec.zone,
                                      .values = (double *)(void *)(memory + bytes),
                                      .rows = 1};
    }
    return memory != NULL;
}

/* A bar of the rows enters. Whether the values of its time are others than before. */
static bool enter(const za_live_entering *step, za_live_other *other, const za_rows *rows, int64_t bar, bool again)
{
    for (int column = 0; column < other->plan->column_count; column++) {
        *za_live_work_column(&step->work, column, 0) = za_rows_column(rows, other->layout.columns[column])[bar];
    }
    step->work.times[0] = rows->time[bar];
    za_live_step(&step->batch, again);
    return za_live_series_put(&other->series, rows->time[bar], step->batch.values, again);
}

/* Takes in what is new in the view; *from is the first time of which a value changed, if any did. */
static bool take_in(const za_live *live, za_live_other *other, const za_view *view, za_live_news news, int64_t *from)
{
    int64_t capacity = za_store_options_of(live->spec.store).capacity, bars = view->rows.count;
    za_scratch scratch = {0};
    za_live_entering step;
    bool anew = news.change == ZA_LIVE_ANEW;
    bool done = !anew || za_live_tile_blank(&other->tile, &other->layout, &scratch);
    news = anew ? (za_live_news){.fresh = bars} : news;
    done = done && open_step(&step, live, other, &scratch) &&
           za_live_series_reserve(&other->series, news.fresh, capacity > LEAST_KEPT ? capacity : LEAST_KEPT);
    for (int64_t back = news.fresh - !news.revised; done && back >= 0; back--) {
        int64_t bar = bars - 1 - back;
        bool changed = enter(&step, other, &view->rows, bar, back == news.fresh);
        *from = changed && view->rows.time[bar] < *from ? view->rows.time[bar] : *from;
    }
    za_scratch_free(&scratch);
    return done;
}

static void forget(za_live_other *other)
{
    other->member = (za_live_member){0};
    other->tile.bars = 0;
    other->series.count = 0;
}

static bool update_other(const za_live *live, za_live_other *other, uint64_t *sequence, int64_t *from)
{
    za_view view;
    *sequence = za_store_views(live->spec.store, &other->symbol, 1, &view);
    za_live_news news = za_live_news_of(live, &other->member, &view);
    if (news.change > ZA_LIVE_NEWS) {
        *from = other->tile.bars > 0 || news.change == ZA_LIVE_ANEW ? INT64_MIN : *from;
        forget(other);
    }
    bool comes = news.change == ZA_LIVE_NEWS || news.change == ZA_LIVE_ANEW;
    bool done = !comes || take_in(live, other, &view, news, from);
    if (done && comes) {
        other->member.seen = view.progress;
        other->member.fingerprint = za_live_fingerprint_of(live, &view, view.rows.count - 1);
        other->time = view.rows.time[view.rows.count - 1];
    }
    za_view_release(&view);
    return done;
}

/* The time of the bar before a lane's last one; the least time without any. */
static int64_t time_before(const za_live_tile *tile, const za_live_layout *layout, int lane)
{
    return za_live_bits(za_live_header(tile, 0) + layout->time * tile->set->lanes + lane);
}

/* Values from the time `from` on have changed. Marks a reader whose last bars have the times `before` and `last`: it
 * takes in its last bar again, or begins anew. Returns whether it has read a changed value. */
static bool make_stale(za_live_member *member, int64_t before, int64_t last, int64_t from)
{
    if (from <= before) {
        member->seen.generation = 0;
    } else if (from <= last) {
        member->seen.revisions--;
        member->fingerprint = 0;
    }
    return from <= last;
}

static bool reads(const za_plan *plan, const za_live_other *other)
{
    bool found = false;
    for (int i = 0; i < plan->source_count; i++) {
        found = found || plan->sources[i].plan == other->plan;
    }
    return found;
}

static void make_members_stale(za_live *live, int64_t from)
{
    for (int64_t row = 0; row < live->board->rows; row++) {
        za_live_member *member = &live->members[row];
        if (member->tile != ZA_NO_TILE) {
            za_live_tile *tile = za_live_tile_of(live, row);
            int64_t before = time_before(tile, &live->layout, member->lane);
            za_live_settle(live, tile);
            live->owes |= make_stale(member, before, live->board->times[row], from);
        }
    }
}

static void make_others_stale(za_live *live, int changed, int64_t from)
{
    for (int i = changed + 1; i < live->other_count; i++) {
        za_live_other *other = &live->others[i];
        if (other->tile.bars > 0 && reads(other->plan, &live->others[changed])) {
            (void)make_stale(&other->member, time_before(&other->tile, &other->layout, 0), other->time, from);
        }
    }
}

za_code za_live_others_update(za_live *live)
{
    bool done = true;
    uint64_t least = UINT64_MAX;
    for (int i = 0; done && i < live->other_count; i++) {
        int64_t from = INT64_MAX;
        uint64_t sequence;
        done = update_other(live, &live->others[i], &sequence, &from);
        least = sequence < least ? sequence : least;
        if (from < INT64_MAX) {
            make_others_stale(live, i, from);
        }
        if (from < INT64_MAX && reads(live->spec.plan, &live->others[i])) {
            make_members_stale(live, from);
        }
    }
    live->others_sequence = least;
    return done ? ZA_OK : ZA_NO_MEMORY;
}
