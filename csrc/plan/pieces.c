#include "plan/pieces.h"

#include <string.h>

#include "base/memory.h"
#include "kernels/lanes.h"
#include "pool/wait.h"

/* A shorter series is not cut. A bar of all lanes takes as long as four of one lane at most. */
enum { LEAST_CUT = 512, LANES_COST = 4 };

/* A tile of its own pays for being handed over to another thread when the warm-up is at most a quarter of its pieces
 * and it is so many operations, some 50 microseconds. */
enum { LEAST_WARMS = 4, MOST_TILES = 8, LEAST_TILE = 500000 };

/* Returns whether the pieces save a good part of the time that one lane takes, or further tiles pay. */
static bool is_worth_it(const za_cut *cut, const za_plan *plan, int64_t bars)
{
    int64_t piece = cut->units / cut->tiles * cut->period;
    if (cut->tiles > 1) {
        return piece > 0 && piece >= LEAST_WARMS * cut->warm && bars / cut->tiles * plan->weight >= LEAST_TILE;
    }
    return piece > 0 && cut->head + LANES_COST * (cut->warm + piece) <= bars / 10 * 7;
}

/* Where bars are as good as lanes as they stand, only threads are won. */
bool za_pieces_find(const za_tile_spec *one, const za_lane_set *wide, const za_pool *pool, za_cut *cut)
{
    const za_plan *plan = one->plan;
    int64_t bars = one->bars[0];
    int lanes = plan->beside ? 1 : wide->lanes, tiles = pool != NULL ? MOST_TILES : 1;
    if (bars < LEAST_CUT || plan->period == 0 || plan->warm == ZA_FOR_EVER || plan->source_count > 0 ||
        lanes * tiles == 1) {
        return false;
    }
    *cut = (za_cut){.set = plan->beside ? one->set : wide,
                    .period = plan->period,
                    .tiles = tiles,
                    .exact = plan->depth != ZA_FOR_EVER};
    int64_t needed = cut->exact ? plan->depth : plan->warm;
    int64_t before = plan->vectors > 0 ? needed + plan->entry + plan->period : 0;
    if (bars <= before) {
        return false;
    }
    cut->warm = (needed + plan->period - 1) / plan->period * plan->period;
    cut->units = (bars - before) / lanes / plan->period;
    cut->head = bars - cut->units * lanes * plan->period;
    while (cut->tiles > 1 && !is_worth_it(cut, plan, bars)) {
        cut->tiles /= 2;
    }
    return is_worth_it(cut, plan, bars) && (!plan->beside || cut->tiles > 1);
}

/* One series in pieces; the job's items are its tiles. */
typedef struct za_cut_series {
    za_job job; /* first */
    const za_tile_spec *one;
    za_cut cut;
    za_tile head;
    void *head_memory;
    double *states;              /* of each tile: its states at the pieces' first bars, then behind their last ones */
    za_pieces ended[MOST_TILES]; /* of each tile; written by the thread that runs it, read when all are done */
} za_cut_series;

static int64_t first_bar(const za_cut_series *series, int tile)
{
    const za_cut *cut = &series->cut;
    return cut->head + cut->units * tile / cut->tiles * cut->period * series->cut.set->lanes;
}

static int64_t piece_bars(const za_cut_series *series, int tile)
{
    return (first_bar(series, tile + 1) - first_bar(series, tile)) / series->cut.set->lanes;
}

static size_t state_doubles(const za_cut_series *series)
{
    return (size_t)series->one->plan->vectors * (size_t)series->cut.set->lanes;
}

static double *warmed_of(const za_cut_series *series, int tile)
{
    return series->states + (size_t)tile * 2 * state_doubles(series);
}

static double *last_of(const za_cut_series *series, int tile)
{
    return warmed_of(series, tile) + state_doubles(series);
}

/* Lane l of the pieces reads what is l pieces further on, so that one bar number means a bar of each. */
static void spread_series(const za_cut_series *series, int tile, const double **pointers, za_tile_spec *many)
{
    const za_tile_spec *one = series->one;
    int64_t first = first_bar(series, tile), piece = piece_bars(series, tile);
    *many = *one;
    many->set = series->cut.set;
    many->lanes = series->cut.set->lanes;
    many->column = (const double *const(*)[ZA_MOST_LANES])(void *)pointers;
    many->begin = first - series->cut.warm;
    for (int lane = 0; lane < many->lanes; lane++) {
        for (int column = 0; column < one->plan->column_count; column++) {
            const double *values = one->column[column][0];
            pointers[column * ZA_MOST_LANES + lane] = values == NULL ? NULL : values + lane * piece;
        }
        many->time[lane] = one->time[0] == NULL ? NULL : one->time[0] + lane * piece;
        many->bars[lane] = first + piece;
        many->target.from[lane] = first;
        many->target.row[lane] = one->target.row[0] + first + lane * piece;
    }
}

static size_t pointer_bytes(const za_tile_spec *one)
{
    return za_whole_lines((size_t)one->plan->column_count * ZA_MOST_LANES * sizeof(double *));
}

/* Bytes of the pieces of one tile. */
static size_t tile_bytes(const za_tile_spec *one, const za_cut *cut)
{
    za_tile_spec many = *one;
    many.set = cut->set;
    return pointer_bytes(one) + za_tile_bytes(&many);
}

static za_pieces run_pieces(za_cut_series *series, int number, char *memory)
{
    za_tile_spec many;
    spread_series(series, number, (const double **)(void *)memory, &many);
    int64_t first = first_bar(series, number);
    size_t bytes = state_doubles(series) * sizeof(double);
    za_tile tile;
    za_tile_open(&tile, &many, memory + pointer_bytes(series->one));
    if (!za_tile_run(&tile, first)) {
        return ZA_PIECES_UNFIT;
    }
    memcpy(warmed_of(series, number), tile.states, bytes);
    if (!za_tile_run(&tile, first + piece_bars(series, number)) || tile.met_holes) {
        return ZA_PIECES_UNFIT; /* the traces of holes are counted from the series' own first bar */
    }
    memcpy(last_of(series, number), tile.states, bytes);
    return ZA_PIECES_DONE;
}

/* A tile's pieces; before the first tile's, the head. */
static void run_tile(za_cut_series *series, int tile, char *memory)
{
    if (tile == 0) {
        za_tile_open(&series->head, series->one, series->head_memory);
        (void)za_tile_run(&series->head, series->cut.head); /* false: nobody waits */
    }
    series->ended[tile] = memory != NULL ? run_pieces(series, tile, memory) : ZA_PIECES_NO_MEMORY;
}

static void run_tiles(za_job *job, size_t begin, size_t end, za_scratch *scratch)
{
    za_cut_series *series = (za_cut_series *)(void *)job;
    for (size_t tile = begin; tile < end; tile++) {
        run_tile(series, (int)tile, za_scratch_get(scratch, tile_bytes(series->one, &series->cut)));
    }
}

/* A lane of a state, to or from the state of a single lane. */
static void take_lane(const double *many, int lanes, int lane, size_t vectors, double *one)
{
    for (size_t i = 0; i < vectors; i++) {
        one[i] = many[i * (size_t)lanes + (size_t)lane];
    }
}

static bool lane_equals(const double *many, int lanes, int lane, size_t vectors, const double *one)
{
    bool equal = true;
    for (size_t i = 0; equal && i < vectors; i++) {
        equal = memcmp(&many[i * (size_t)lanes + (size_t)lane], &one[i], sizeof(double)) == 0;
    }
    return equal;
}

/* From the head's state on, which is that at each piece's first bar in turn: where a piece began from another, it is
 * computed again. */
static void mend_seams(za_cut_series *series, int tile)
{
    int lanes = series->cut.set->lanes;
    size_t vectors = (size_t)series->one->plan->vectors;
    double *state = series->head.states;
    int64_t first = first_bar(series, tile), piece = piece_bars(series, tile);
    for (int lane = 0; lane < lanes; lane++, first += piece) {
        if (lane_equals(warmed_of(series, tile), lanes, lane, vectors, state)) {
            take_lane(last_of(series, tile), lanes, lane, vectors, state);
            continue;
        }
        for (int i = 0; i < series->one->plan->node_count; i++) {
            series->head.steps[i].age = first - series->one->plan->nodes[i].entry;
        }
        series->head.end = first;
        (void)za_tile_run(&series->head, first + piece);
    }
}

/* A pool that closes meanwhile gives up tiles. */
static za_pieces how_all_ended(const za_cut_series *series)
{
    bool whole = series->job.code == ZA_OK && !series->head.met_holes;
    za_pieces ended = whole ? ZA_PIECES_DONE : ZA_PIECES_UNFIT;
    for (int tile = 0; tile < series->cut.tiles && ended == ZA_PIECES_DONE; tile++) {
        ended = series->ended[tile];
    }
    return ended;
}

static size_t state_bytes(const za_tile_spec *one, const za_cut *cut)
{
    return (size_t)cut->tiles * 2 * (size_t)one->plan->vectors * (size_t)cut->set->lanes * sizeof(double);
}

size_t za_pieces_bytes(const za_tile_spec *one, const za_cut *cut)
{
    size_t shared = za_whole_lines(za_tile_bytes(one) + state_bytes(one, cut));
    return shared + (cut->tiles == 1 ? tile_bytes(one, cut) : 0);
}

za_pieces za_pieces_run(const za_tile_spec *one, const za_cut *cut, za_pool *pool, void *memory)
{
    size_t head = za_tile_bytes(one);
    za_cut_series series = {.one = one, .cut = *cut, .head_memory = memory};
    series.states = (double *)(void *)((char *)memory + head);
    series.job = (za_job){.run = run_tiles, .count = (size_t)cut->tiles, .grain = 1, .urgency = ZA_BULK};
    if (cut->tiles == 1) {
        run_tile(&series, 0, (char *)memory + za_whole_lines(head + state_bytes(one, cut)));
    } else {
        za_pool_share(pool, &series.job);
    }
    za_pieces ended = how_all_ended(&series);
    for (int tile = 0; ended == ZA_PIECES_DONE && !cut->exact && tile < cut->tiles; tile++) {
        mend_seams(&series, tile);
    }
    return ended;
}
