#include "plan/pieces.h"

#include <string.h>

#include "base/memory.h"

/* Where a series is cut. */
typedef struct za_cut {
    int64_t head;  /* the bar at which the first piece begins; what is before runs in one lane */
    int64_t piece; /* bars of each piece */
    int64_t warm;  /* bars that enter before a piece's first */
    bool exact;    /* after them every value is right: nothing remembers more */
} za_cut;

/* A piece pays for its warm-up when that is at most a quarter of it. */
enum { LEAST_WARMS = 4 };

static bool find_cut(const za_tile_spec *one, const za_lane_set *wide, za_cut *cut)
{
    const za_plan *plan = one->plan;
    if (plan->period == 0 || plan->warm == ZA_FOR_EVER || plan->source_count > 0 || wide->lanes == 1 ||
        plan->vectors == 0) {
        return false; /* where nothing remembers, bars are as good as lanes as they stand */
    }
    cut->exact = plan->depth != ZA_FOR_EVER;
    int64_t needed = cut->exact ? plan->depth : plan->warm;
    int64_t bars = one->bars[0], before = needed + plan->entry + plan->period;
    cut->warm = (needed + plan->period - 1) / plan->period * plan->period;
    cut->piece = (bars - before) / wide->lanes / plan->period * plan->period;
    cut->head = bars - cut->piece * wide->lanes;
    return bars > before && cut->piece >= LEAST_WARMS * cut->warm && cut->piece > 0;
}

/* All the memory of one series in pieces. */
typedef struct za_cut_series {
    const za_tile_spec *one;
    za_tile_spec many;
    za_cut cut;
    za_tile head, pieces;
    const double **pointers; /* the pieces' columns, [column][lane] */
    double *warmed;          /* the pieces' states at their first bars */
    void *head_memory, *piece_memory;
} za_cut_series;

static bool lend_memory(za_cut_series *series, za_scratch *scratch)
{
    size_t pointers = (size_t)series->one->plan->column_count * ZA_MOST_LANES * sizeof(double *);
    pointers = (pointers + ZA_CACHE_LINE - 1) / ZA_CACHE_LINE * ZA_CACHE_LINE;
    size_t head = za_tile_bytes(series->one), pieces = za_tile_bytes(&series->many);
    char *memory = za_scratch_get(scratch, pointers + head + 2 * pieces); /* a state is less than a tile */
    if (memory == NULL) {
        return false;
    }
    series->pointers = (const double **)(void *)memory;
    series->head_memory = memory + pointers;
    series->piece_memory = memory + pointers + head;
    series->warmed = (double *)(void *)(memory + pointers + head + pieces);
    return true;
}

/* Lane l of the pieces reads what is l pieces further on, so that one bar number means a bar of each. */
static void spread_series(za_cut_series *series)
{
    const za_tile_spec *one = series->one;
    za_tile_spec *many = &series->many;
    int64_t piece = series->cut.piece;
    many->column = (const double *const(*)[ZA_MOST_LANES])(void *)series->pointers;
    many->begin = series->cut.head - series->cut.warm;
    for (int lane = 0; lane < many->set->lanes; lane++) {
        for (int column = 0; column < one->plan->column_count; column++) {
            const double *values = one->column[column][0];
            series->pointers[column * ZA_MOST_LANES + lane] = values == NULL ? NULL : values + lane * piece;
        }
        many->time[lane] = one->time[0] == NULL ? NULL : one->time[0] + lane * piece;
        many->bars[lane] = series->cut.head + piece;
        many->target.from[lane] = series->cut.head;
        many->target.row[lane] = one->target.row[0] + series->cut.head + lane * piece;
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
static void mend_seams(za_cut_series *series)
{
    int lanes = series->many.set->lanes;
    size_t vectors = (size_t)series->one->plan->vectors;
    double *state = series->head.states;
    for (int lane = 0; lane < lanes; lane++) {
        if (lane_equals(series->warmed, lanes, lane, vectors, state)) {
            take_lane(series->pieces.states, lanes, lane, vectors, state);
            continue;
        }
        int64_t first = series->cut.head + lane * series->cut.piece;
        for (int i = 0; i < series->one->plan->node_count; i++) {
            series->head.steps[i].age = first - series->one->plan->nodes[i].entry;
        }
        series->head.end = first;
        (void)za_tile_run(&series->head, first + series->cut.piece);
    }
}

za_pieces za_pieces_run(const za_tile_spec *one, const za_lane_set *wide, za_scratch *scratch)
{
    za_cut_series series = {.one = one, .many = *one};
    if (!find_cut(one, wide, &series.cut)) {
        return ZA_PIECES_UNFIT;
    }
    series.many.set = wide;
    series.many.lanes = wide->lanes;
    if (!lend_memory(&series, scratch)) {
        return ZA_PIECES_NO_MEMORY;
    }
    spread_series(&series);
    za_tile_open(&series.head, one, series.head_memory);
    (void)za_tile_run(&series.head, series.cut.head);
    za_tile_open(&series.pieces, &series.many, series.piece_memory);
    if (!za_tile_run(&series.pieces, series.cut.head)) {
        return ZA_PIECES_UNFIT;
    }
    memcpy(series.warmed, series.pieces.states, series.pieces.state_bytes);
    if (!za_tile_run(&series.pieces, series.cut.head + series.cut.piece) || series.pieces.met_holes ||
        series.head.met_holes) { /* whose traces are counted from the series' own first bar */
        return ZA_PIECES_UNFIT;
    }
    if (!series.cut.exact) {
        mend_seams(&series);
    }
    return ZA_PIECES_DONE;
}
