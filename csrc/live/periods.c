#include "live/periods.h"

#include <math.h>

#include "plan/periods.h"

/* Vectors of a tile's header for the periods, before (0) or after (1) the bar. */
static double *header_of(const za_live_entries *entries, int tile, int after)
{
    const za_live_work *work = entries->batch->work;
    return za_live_header(entries->batch->tiles[tile], after) + entries->gathered->header * work->set->lanes;
}

static double *slots_of(const za_live_entries *entries, int tile)
{
    const za_live_work *work = entries->batch->work;
    return za_live_slots(entries->batch->tiles[tile]) + entries->gathered->slots * work->set->lanes;
}

static int lanes_of(const za_live_entries *entries)
{
    return entries->batch->work->set->lanes;
}

static bool is_forming(const za_live_entries *entries)
{
    return entries->gathered->source->forming;
}

/* Results of the plan over periods: [result][tile][lane]. */
static double *results_of(const za_live_entries *entries, int result, int tile)
{
    return entries->period_work->results + (result * ZA_LIVE_BATCH + tile) * lanes_of(entries);
}

/* Folds the bar of one lane into its period; whether that has begun with it. */
static bool fold_lane(const za_live_entries *entries, int tile, int lane, int64_t period)
{
    const za_live_work *work = entries->batch->work;
    const za_live_gathered *gathered = entries->gathered;
    int lanes = work->set->lanes;
    const double *before = header_of(entries, tile, 0) + lane;
    double *after = header_of(entries, tile, 1) + lane;
    double finished = before[ZA_LIVE_FINISHED * lanes];
    bool begins = finished < 0.0 || period != za_live_bits(&before[ZA_LIVE_PERIOD * lanes]);
    int64_t time = work->times[tile * lanes + lane], began = za_live_bits(&before[ZA_LIVE_BEGAN * lanes]);
    za_live_put_bits(&after[ZA_LIVE_PERIOD * lanes], period);
    za_live_put_bits(&after[ZA_LIVE_BEGAN * lanes], begins ? time : began);
    after[ZA_LIVE_FINISHED * lanes] = finished + begins;
    for (int i = 0; i < gathered->column_count; i++) {
        int column = gathered->columns[i];
        double so_far = begins ? NAN : before[(ZA_LIVE_FIGURES + i) * lanes];
        double value = za_live_work_column(work, column, tile)[lane];
        after[(ZA_LIVE_FIGURES + i) * lanes] = za_period_fold(work->layout->columns[column], so_far, value);
    }
    return begins && finished >= 0.0;
}

/* Results go on as they are where no period is finished. */
static void keep_results(const za_live_entries *entries, int tile)
{
    int lanes = lanes_of(entries);
    const double *kept = header_of(entries, tile, 0) + (ZA_LIVE_FIGURES + entries->gathered->column_count) * lanes;
    for (int result = 0; result < entries->gathered->source->plan->output_count; result++) {
        za_live_copy_lanes(results_of(entries, result, tile), kept + result * lanes, lanes);
    }
}

void za_live_entries_begin(za_live_entries *entries, const za_live_batch *batch, int at)
{
    entries->batch = batch;
    entries->gathered = &batch->work->layout->gathered[at];
    entries->period_work = &batch->work->period_works[at];
    int lanes = lanes_of(entries);
    int64_t known = 0, period = 0;
    for (int tile = 0; tile < batch->count; tile++) {
        entries->waiting[tile] = 0;
        for (int lane = 0; lane < lanes; lane++) {
            int64_t time = batch->work->times[tile * lanes + lane];
            if ((tile == 0 && lane == 0) || time != known) { /* most are of one time */
                known = time;
                period = za_period_of(entries->gathered->source->period, batch->zone, time);
            }
            bool is_finished = fold_lane(entries, tile, lane, period);
            bool enters = batch->tiles[tile]->row[lane] != ZA_NO_ROW && (is_forming(entries) || is_finished);
            entries->waiting[tile] |= (unsigned)enters << lane;
        }
        if (!is_forming(entries)) {
            keep_results(entries, tile);
        }
    }
}

static int first_lane_of(unsigned lanes)
{
    return __builtin_ctz(lanes);
}

/* How many periods have entered the plan of a lane, and the number of the one that is to. */
typedef struct za_live_entry {
    double entered, number;
} za_live_entry;

static za_live_entry entry_of(const za_live_entries *entries, int tile, int lane)
{
    int lanes = lanes_of(entries);
    return (za_live_entry){
        slots_of(entries, tile)[ZA_LIVE_ENTERED * lanes + lane],
        header_of(entries, tile, is_forming(entries))[ZA_LIVE_FINISHED * lanes + lane],
    };
}

/* Returns whether all tickers of the tile enter alike, as `entry` does. */
static bool enters_as(const za_live_entries *entries, int tile, za_live_entry entry)
{
    bool alike = entries->waiting[tile] != 0;
    for (int lane = 0; alike && lane < lanes_of(entries); lane++) {
        if (entries->batch->tiles[tile]->row[lane] != ZA_NO_ROW) {
            za_live_entry other = entry_of(entries, tile, lane);
            alike = (entries->waiting[tile] >> lane & 1u) != 0 && other.entered == entry.entered &&
                    other.number == entry.number;
        }
    }
    return alike;
}

/* The figures that enter, of lane `lane`, or of all into `lanes` of the work. */
static void put_figures(const za_live_entries *entries, const za_live_work *work, int place, int tile, int lane)
{
    const za_live_gathered *gathered = entries->gathered;
    int all = lanes_of(entries), lanes = work->set->lanes, first = lane < 0 ? 0 : lane;
    const double *header = header_of(entries, tile, is_forming(entries)) + first;
    for (int i = 0; i < gathered->column_count; i++) {
        za_live_copy_lanes(za_live_work_column(work, gathered->columns[i], place), header + (ZA_LIVE_FIGURES + i) * all,
                           lanes);
    }
    for (int k = 0; k < lanes; k++) {
        work->times[place * lanes + k] = za_live_bits(&header[ZA_LIVE_BEGAN * all + k]);
    }
}

static za_live_tile tile_of(const za_live_entries *entries, const za_lane_set *set, double *states, int64_t entered,
                            int32_t first)
{
    za_live_tile tile = {.memory = za_live_piece_of(entries->gathered->layout, set->lanes, states),
                         .set = set,
                         .bars = entered,
                         .after = (int)(entered % 2),
                         .used = set->lanes};
    for (int lane = 0; lane < set->lanes; lane++) {
        tile.row[lane] = first + lane;
    }
    return tile;
}

static void begin_entering(za_live_entries *entries, const za_live_work *work, za_live_entry entry)
{
    entries->entering = (za_live_batch){.work = work,
                                        .tiles = entries->pointers,
                                        .zone = entries->batch->zone,
                                        .values = entries->period_work->results,
                                        .rows = ZA_LIVE_BATCH * lanes_of(entries)};
    entries->again = entry.entered == entry.number + 1.0;
}

static void add_tile(za_live_entries *entries, int tile, za_live_tile entering)
{
    int place = entries->entering.count++;
    entries->tiles[place] = entering;
    entries->pointers[place] = &entries->tiles[place];
    entries->from[place] = tile;
    put_figures(entries, entries->entering.work, place, tile, entries->lane);
}

/* All tiles from `first` on whose tickers enter as its do. */
static void enter_tiles(za_live_entries *entries, int first, za_live_entry entry)
{
    int lanes = lanes_of(entries);
    entries->lane = -1;
    begin_entering(entries, entries->period_work->wide, entry);
    for (int tile = first; tile < entries->batch->count; tile++) {
        if (enters_as(entries, tile, entry)) {
            double *states = slots_of(entries, tile) + ZA_LIVE_STATES * lanes;
            add_tile(entries, tile,
                     tile_of(entries, entries->batch->work->set, states, (int64_t)entry.entered, tile * lanes));
            entries->waiting[tile] = 0;
        }
    }
}

/* The states of one lane in memory of its own, or back. */
static void move_lane(const za_live_entries *entries, int tile, int lane, bool back)
{
    int lanes = lanes_of(entries);
    double *states = slots_of(entries, tile) + ZA_LIVE_STATES * lanes + lane, *own = entries->period_work->lane;
    int64_t count = za_live_layout_vectors(entries->gathered->layout);
    for (int64_t i = 0; i < count; i++) {
        if (back) {
            states[i * lanes] = own[i];
        } else {
            own[i] = states[i * lanes];
        }
    }
}

static void enter_lane(za_live_entries *entries, int tile, int lane)
{
    za_live_entry entry = entry_of(entries, tile, lane);
    const za_live_work *one = entries->period_work->one;
    entries->lane = lane;
    begin_entering(entries, one, entry);
    move_lane(entries, tile, lane, false);
    add_tile(entries, tile,
             tile_of(entries, one->set, entries->period_work->lane, (int64_t)entry.entered,
                     tile * lanes_of(entries) + lane));
    entries->waiting[tile] &= ~(1u << lane);
}

bool za_live_entries_next(za_live_entries *entries)
{
    int tile = 0;
    while (tile < entries->batch->count && entries->waiting[tile] == 0) {
        tile++;
    }
    if (tile == entries->batch->count) {
        return false;
    }
    int lane = first_lane_of(entries->waiting[tile]);
    za_live_entry entry = entry_of(entries, tile, lane);
    if (enters_as(entries, tile, entry)) {
        enter_tiles(entries, tile, entry);
    } else {
        enter_lane(entries, tile, lane);
    }
    return true;
}

void za_live_entries_take(za_live_entries *entries)
{
    int lanes = lanes_of(entries);
    for (int i = 0; i < entries->entering.count; i++) {
        double *entered = slots_of(entries, entries->from[i]) + ZA_LIVE_ENTERED * lanes;
        for (int lane = 0; lane < lanes; lane++) {
            if (entries->lane < 0 || entries->lane == lane) {
                entered[lane] = (double)entries->tiles[i].bars;
            }
        }
        if (entries->lane >= 0) {
            move_lane(entries, entries->from[i], entries->lane, true);
        }
    }
}

void za_live_entries_end(const za_live_entries *entries)
{
    const za_live_batch *batch = entries->batch;
    const za_plan *plan = batch->work->layout->plan, *inner = entries->gathered->source->plan;
    int lanes = lanes_of(entries);
    for (int tile = 0; !is_forming(entries) && tile < batch->count; tile++) {
        double *kept = header_of(entries, tile, 1) + (ZA_LIVE_FIGURES + entries->gathered->column_count) * lanes;
        for (int result = 0; result < inner->output_count; result++) {
            za_live_copy_lanes(kept + result * lanes, results_of(entries, result, tile), lanes);
        }
    }
    for (int source = 0; source < plan->source_count; source++) {
        if (plan->sources[source].plan == inner) {
            memcpy(za_live_work_column(batch->work, plan->column_count + source, 0),
                   results_of(entries, plan->sources[source].output, 0),
                   (size_t)(batch->count * lanes) * sizeof(double));
        }
    }
}
