#include "plan/run.h"

#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "kernels/lanes.h"
#include "plan/graph.h"
#include "plan/joined.h"
#include "plan/pieces.h"
#include "plan/tile.h"
#include "pool/wait.h"

/* Bars of a claim of series whose bars are all wanted: between claims a worker looks at deadlines and at more urgent
 * jobs. */
enum { BARS_A_CLAIM = 65536 };

/* Up to so many values of columns are read in some 50 microseconds: no thread is woken for less. */
enum { BRIEF_VALUES = 16384 };

enum { CACHED_VALUES = 4 * 1024 * 1024 / (int)sizeof(double) };

void za_run_end(za_run *run, za_code code)
{
    int none = ZA_OK;
    za_run *top = run->top != NULL ? run->top : run;
    (void)atomic_compare_exchange_strong(&top->ended, &none, (int)code);
}

bool za_run_goes_on(const za_run *run)
{
    const za_run *top = run->top != NULL ? run->top : run;
    return atomic_load_explicit(&top->ended, memory_order_relaxed) == ZA_OK;
}

/* Returns whether somebody waits, who is not beyond the deadline. */
static bool is_wanted(void *waiting)
{
    za_run *run = waiting;
    if (za_watch_look()) {
        za_run_end(run, ZA_CANCELLED);
    }
    int64_t deadline_ns = (run->top != NULL ? run->top : run)->job.deadline_ns;
    if (deadline_ns != 0 && za_clock_ns() >= deadline_ns) {
        za_run_end(run, ZA_EXPIRED);
    }
    return za_run_goes_on(run);
}

static const double *column_of(const za_run *run, const za_series *series, int column)
{
    const double *of_table = run->table != NULL ? run->table->columns[column] : NULL;
    return of_table != NULL     ? of_table + series->offset
           : run->table != NULL ? NULL
                                : za_rows_column(&series->view->rows, run->tickers.columns[column]);
}

static void take_group(const za_run *run, size_t at, za_series *series)
{
    const za_table *table = run->table;
    series->offset = table->offsets[at];
    series->bars = table->offsets[at + 1] - series->offset;
    series->times = table->times == NULL ? NULL : table->times + series->offset;
    series->row = series->offset;
    series->from = 0;
}

/* Sets where its results go. */
static void place(const za_run *run, size_t at, za_series *series)
{
    if (run->row != NULL) {
        series->row = run->row[at];
        series->from = run->from[at];
    } else if (run->last) {
        series->row = (int64_t)at;
        series->from = series->bars > 0 ? series->bars - 1 : 0;
    }
}

/* The times and the number of the rows. */
static void tell(const za_run *run, size_t at, const za_series *series)
{
    if (run->last) {
        run->times[at] = series->bars > 0 ? series->times[series->bars - 1] : ZA_TIME_MISSING;
        run->bars[at] = series->bars;
        return;
    }
    run->bars[at] = series->bars > 0 ? series->bars - series->from : 0;
    if (run->bars[at] > 0) {
        memcpy(run->times + series->row, series->times + series->from, (size_t)run->bars[at] * sizeof *run->times);
    }
}

/* `views` are those of the claim's tickers. */
static void take_series(za_claim *claim, size_t begin, const za_view *views)
{
    za_run *run = claim->run;
    for (int i = 0; i < claim->count; i++) {
        za_series *series = &claim->series[i];
        size_t at = series->at = begin + (size_t)i;
        if (run->table != NULL) {
            take_group(run, at, series);
        } else {
            series->view = &views[i];
            series->bars = views[i].rows.count;
            series->times = views[i].rows.time;
        }
        place(run, at, series);
        if (run->times != NULL && series->bars > 0) {
            __builtin_prefetch(&series->times[series->bars - 1]);
        }
    }
    for (int i = 0; i < claim->count; i++) {
        za_series *series = &claim->series[i];
        if (run->times != NULL) {
            tell(run, series->at, series);
        }
        if (!run->last && series->from >= series->bars) {
            series->bars = 0; /* no row is wanted */
        }
    }
}

static void order_by_bars(za_claim *claim)
{
    for (int i = 0; i < claim->count; i++) {
        int at = i;
        for (; at > 0 && claim->series[claim->order[at - 1]].bars > claim->series[i].bars; at--) {
            claim->order[at] = claim->order[at - 1];
        }
        claim->order[at] = i;
    }
}

/* A ticker without bars has a row all the same. */
static void answer_nothing(const za_run *run, const za_series *series)
{
    for (int result = 0; run->last && result < za_plan_output_count(run->plan); result++) {
        run->values[result * run->rows + series->row * run->step] = NAN;
    }
}

/* Where many bars of one series are as good as lanes, they lie side by side already: but a kernel of many series that
 * reads columns itself has as many streams of each as lanes, and results past the caches. */
static const za_lane_set *set_of(const za_run *run)
{
    bool direct = run->plan->direct != NULL && run->count >= ZA_MOST_LANES;
    bool beside = run->plan->beside && run->rows >= ZA_MOST_LANES * (int64_t)run->count;
    if (run->cut.lanes == 0 && !run->last && beside && !direct) {
        return za_lane_set_one();
    }
    for (int isa = 0; isa < ZA_ISA_COUNT; isa++) {
        const za_lane_set *set = za_lane_set_of((za_isa)isa);
        if (set != NULL && set->lanes == run->cut.lanes) {
            return set;
        }
    }
    return run->cut.lanes == 0 ? za_lane_set_widest() : NULL;
}

/* Returns whether all values of the columns are finite: those of a store's figures are. */
static bool is_finite(const za_run *run)
{
    bool finite = run->table == NULL;
    for (int column = 0; finite && column < za_plan_column_count(run->plan); column++) {
        finite = run->tickers.columns[column] < ZA_FIGURE_COUNT;
    }
    return finite;
}

/* Returns whether the results are more than a core's caches hold: they would put out of these what is read. */
static bool is_streamed(const za_run *run)
{
    return run->integers == NULL && run->rows * za_plan_output_count(run->plan) > CACHED_VALUES;
}

typedef const double *const (*za_columns_of_lanes)[ZA_MOST_LANES];

/* The columns of the tile of the series from `first` on, by the rows of the lanes of `spec` that are as far from their
 * ends. */
static za_columns_of_lanes point_ahead(const za_claim *claim, int first, const za_tile_spec *spec,
                                       const double *(*pointers)[ZA_MOST_LANES])
{
    for (int lane = 0; lane < spec->set->lanes; lane++) {
        int at = first + lane < claim->count ? first + lane : claim->count - 1;
        const za_series *series = &claim->series[claim->order[at]];
        uintptr_t shift = (uintptr_t)(series->bars - spec->bars[lane]) * sizeof(double);
        for (int column = 0; column < spec->plan->column_count; column++) {
            pointers[column][lane] = (const double *)((uintptr_t)column_of(claim->run, series, column) + shift);
        }
    }
    return (za_columns_of_lanes)(void *)pointers;
}

/* The tile of the series that stand from `first` on in the claim's order. False without memory. */
static bool specify(za_claim *claim, int first, int count, const za_lane_set *set, za_tile_spec *spec)
{
    za_run *run = claim->run;
    int columns = run->plan->column_count, sources = run->plan->source_count;
    za_feed(*feeds)[ZA_MOST_LANES] = za_scratch_get(
        &claim->pointers, (size_t)sources * sizeof *feeds + 2 * (size_t)columns * sizeof(double *[ZA_MOST_LANES]) + 1);
    const double *(*pointers)[ZA_MOST_LANES] = feeds == NULL ? NULL : (void *)(feeds + sources);
    *spec = (za_tile_spec){.plan = run->plan,
                           .set = set,
                           .zone = &run->zone,
                           .column = (za_columns_of_lanes)(void *)pointers,
                           .feed = (const za_feed(*)[ZA_MOST_LANES])(void *)feeds,
                           .lanes = count,
                           .clean = is_finite(run),
                           .streamed = is_streamed(run),
                           .direct = run->way == NULL,
                           .block = run->cut.block,
                           .is_wanted = is_wanted,
                           .waiting = run,
                           .target = {.values = run->values, .rows = run->rows, .step = run->step}};
    for (int lane = 0; pointers != NULL && lane < set->lanes; lane++) {
        const za_series *series = &claim->series[claim->order[first + (lane < count ? lane : count - 1)]];
        spec->time[lane] = series->times;
        spec->bars[lane] = series->bars;
        spec->target.row[lane] = series->row;
        spec->target.from[lane] = series->from;
        for (int column = 0; column < columns; column++) {
            pointers[column][lane] = column_of(run, series, column);
        }
        for (int source = 0; source < sources; source++) {
            feeds[source][lane] = za_derived_feed(&run->derived[source], series->at);
        }
    }
    if (pointers != NULL && first + count < claim->count && set->lanes > 1) {
        spec->next = point_ahead(claim, first + count, spec, pointers + columns);
    }
    return pointers != NULL;
}

typedef enum za_ended { ENDED_WELL, ENDED_BY_A_HOLE, ENDED_WITHOUT_MEMORY } za_ended;

/* The series from `first` on, side by side in an open tile. */
static za_ended run_open_tile(za_claim *claim, int first, const za_tile_spec *spec, int64_t bars)
{
    const za_tile_way *way = claim->run->way;
    size_t bytes = za_tile_bytes(spec);
    char *memory = za_scratch_get(claim->scratch, bytes + (way != NULL ? way->bytes(spec) : 0));
    if (memory == NULL) {
        return ENDED_WITHOUT_MEMORY;
    }
    za_tile tile;
    za_tile_open(&tile, spec, memory);
    if (way == NULL) {
        return za_tile_run(&tile, bars) ? ENDED_WELL : ENDED_BY_A_HOLE;
    }
    size_t series[ZA_MOST_LANES];
    for (int lane = 0; lane < spec->lanes; lane++) {
        series[lane] = claim->series[claim->order[first + lane]].at;
    }
    return way->run(way, &tile, series, memory + bytes) ? ENDED_WELL : ENDED_BY_A_HOLE;
}

/* A single series whose results are all wanted, in pieces. */
static za_pieces run_cut(za_claim *claim, const za_tile_spec *spec)
{
    za_cut cut;
    if (!za_pieces_find(spec, set_of(claim->run), claim->run->helpers, &cut)) {
        return ZA_PIECES_UNFIT;
    }
    void *memory = za_scratch_get(claim->scratch, za_pieces_bytes(spec, &cut));
    return memory == NULL ? ZA_PIECES_NO_MEMORY : za_pieces_run(spec, &cut, claim->run->helpers, memory);
}

static za_ended run_specified(za_claim *claim, int first, const za_tile_spec *spec, int64_t bars)
{
    bool whole = claim->run->cut.whole || claim->run->way != NULL;
    if (spec->set->lanes == 1 && !claim->run->last && !whole && spec->target.from[0] == 0) {
        za_pieces pieces = run_cut(claim, spec);
        if (pieces != ZA_PIECES_UNFIT) {
            return pieces == ZA_PIECES_DONE ? ENDED_WELL : ENDED_WITHOUT_MEMORY;
        }
    }
    return run_open_tile(claim, first, spec, bars);
}

/* The results go to memory of the claim's, and the integers that they are to the run's. */
static za_ended run_to_integers(za_claim *claim, int first, za_tile_spec *spec, int64_t bars)
{
    int64_t room = (bars + ZA_MOST_LANES - 1) / ZA_MOST_LANES * ZA_MOST_LANES; /* whole cache lines */
    double *values = za_scratch_get(&claim->results, (size_t)(spec->lanes * room) * sizeof *values);
    if (values == NULL) {
        return ENDED_WITHOUT_MEMORY;
    }
    spec->target.values = values;
    for (int lane = 0; lane < spec->lanes; lane++) {
        spec->target.row[lane] = lane * room;
    }
    za_ended ended = run_specified(claim, first, spec, bars);
    for (int lane = 0; ended == ENDED_WELL && lane < spec->lanes; lane++) {
        const za_series *series = &claim->series[claim->order[first + lane]];
        int32_t *to = claim->run->integers + series->row;
        za_lane_set_widest()->to_integers(values + lane * room, series->bars - series->from, to);
    }
    return ended;
}

static za_ended run_tile(za_claim *claim, int first, int count, const za_lane_set *set)
{
    za_tile_spec spec;
    if (!specify(claim, first, count, set, &spec)) {
        return ENDED_WITHOUT_MEMORY;
    }
    int64_t bars = spec.bars[count - 1]; /* the most */
    return claim->run->integers != NULL ? run_to_integers(claim, first, &spec, bars)
                                        : run_specified(claim, first, &spec, bars);
}

/* Series from `first` on that may share a tile: as many as there are lanes, unless the longest would make the others
 * wait for more than an eighth of their bars. */
static int share_of(const za_claim *claim, int first, int lanes)
{
    int count = 1;
    int64_t shortest = claim->series[claim->order[first]].bars, spare = 8 + shortest / 8;
    while (count < lanes && first + count < claim->count &&
           claim->series[claim->order[first + count]].bars - shortest <= spare) {
        count++;
    }
    return count;
}

static void compute(za_claim *claim)
{
    const za_lane_set *wide = set_of(claim->run), *one = za_lane_set_one();
    for (int first = 0, count; first < claim->count && is_wanted(claim->run); first += count) {
        count = share_of(claim, first, wide->lanes);
        if (claim->series[claim->order[first]].bars < claim->run->least) {
            answer_nothing(claim->run, &claim->series[claim->order[first]]);
            count = 1;
            continue;
        }
        za_ended ended = run_tile(claim, first, count, count > 1 ? wide : one);
        for (int i = 0; ended == ENDED_BY_A_HOLE && i < count; i++) {
            za_ended alone = run_tile(claim, first + i, 1, one);
            ended = alone == ENDED_WELL ? ended : alone;
        }
        if (ended == ENDED_WITHOUT_MEMORY) {
            za_run_end(claim->run, ZA_NO_MEMORY);
        }
    }
}

static void run_claim(za_run *run, size_t begin, int count, za_scratch *scratch)
{
    za_claim claim = {.run = run, .count = count, .scratch = scratch};
    const za_tickers *tickers = &run->tickers;
    bool pinned = run->table != NULL || tickers->views != NULL;
    za_view views[ZA_GRAIN];
    if (!pinned) {
        (void)za_store_views(tickers->store, tickers->symbols + begin, (size_t)count, views);
    }
    take_series(&claim, begin, tickers->views != NULL ? tickers->views + begin : views);
    za_joined_begin(&claim);
    order_by_bars(&claim);
    compute(&claim);
    za_joined_end(&claim, count);
    for (int i = 0; run->visit != NULL && i < count; i++) {
        run->visit(run, begin + (size_t)i, claim.series[i].view);
    }
    for (int i = 0; !pinned && i < count; i++) {
        za_view_release(&views[i]);
    }
    za_scratch_free(&claim.pointers);
    za_scratch_free(&claim.results);
    if (is_streamed(run)) {
        atomic_thread_fence(memory_order_seq_cst);
    }
}

static void run_items(za_job *job, size_t begin, size_t end, za_scratch *scratch)
{
    za_run *run = (za_run *)(void *)job;
    if (begin == 0) {
        run->began_ns = za_clock_ns();
    }
    for (size_t at = begin; at < end; at += ZA_GRAIN) {
        run_claim(run, at, end - at < ZA_GRAIN ? (int)(end - at) : ZA_GRAIN, scratch);
    }
}

static size_t grain_of(const za_run *run)
{
    size_t bars = run->last || run->count == 0 ? 1 : (size_t)run->rows / run->count + 1;
    size_t fitting = BARS_A_CLAIM / bars;
    return fitting > ZA_GRAIN ? ZA_GRAIN : fitting < ZA_MOST_LANES ? ZA_MOST_LANES : fitting;
}

za_code za_run_init(za_run *run, za_error *error)
{
    if (set_of(run) == NULL) {
        return za_fail(error, ZA_BAD_VALUE, "this processor has no set of %d lanes", run->cut.lanes);
    }
    run->job = (za_job){.run = run_items,
                        .count = run->count,
                        .grain = grain_of(run),
                        .urgency = run->count <= ZA_GRAIN ? ZA_URGENT : ZA_NORMAL};
    run->least = run->least > 1 ? run->least : 1;
    run->step = run->step > 0 ? run->step : 1;
    atomic_init(&run->ended, ZA_OK);
    return ZA_OK;
}

void za_run_cancel(za_run *run)
{
    za_run_end(run, ZA_CANCELLED);
}

za_code za_run_finish(const za_run *run, za_error *error)
{
    za_code ended = (za_code)atomic_load(&run->ended);
    switch (run->job.code != ZA_OK ? run->job.code : ended) {
    case ZA_OK:
        return ZA_OK;
    case ZA_NO_MEMORY:
        return za_fail_memory(error);
    case ZA_EXPIRED:
        return za_fail(error, ZA_EXPIRED, "the deadline passed before the features were done");
    default:
        return za_fail(error, ZA_CANCELLED, "the computation of features was cancelled");
    }
}

bool za_run_is_brief(const za_run *run)
{
    int64_t values = run->table != NULL ? run->table->offsets[run->count]
                                        : (int64_t)run->count * za_store_options_of(run->tickers.store).capacity;
    return run->count <= 1 || values * za_plan_output_count(run->plan) <= BRIEF_VALUES;
}

za_code za_run_wait(za_run *run, za_pool *pool, za_error *error)
{
    run->helpers = run->count == 1 ? pool : NULL;
    if (run->count > 0) {
        za_pool_wait(za_run_is_brief(run) ? NULL : pool, &run->job);
    }
    return za_run_finish(run, error);
}
