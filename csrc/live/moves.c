#include "live/moves.h"

#include <math.h>

#include "base/memory.h"
#include "kernels/lanes.h"
#include "live/tiles.h"

/* The ticker has no states any more, and no figures until it has others. */
static void forget(za_live *live, za_live_tile *tile, int lane)
{
    int32_t row = tile->row[lane];
    live->members[row] = (za_live_member){.tile = ZA_NO_TILE};
    atomic_store_explicit(&live->ids_are_known, false, memory_order_relaxed);
    live->board->times[row] = ZA_TIME_MISSING;
    for (int result = 0; result < za_plan_output_count(live->spec.plan); result++) {
        live->board->values[result * live->board->rows + row] = NAN;
    }
    za_live_empty_lane(tile, lane);
    live->present--;
}

static bool has_same_news(za_live_news one, za_live_news other)
{
    return one.fresh == other.fresh && one.revised == other.revised;
}

/* Returns what most tickers of a tile have in common. */
static za_live_news most_common(const za_live_tile *tile, const za_live_news *news)
{
    int best = 0, most = 0;
    for (int lane = 0; lane < tile->set->lanes; lane++) {
        int same = 0;
        for (int other = 0; tile->row[lane] != ZA_NO_ROW && other < tile->set->lanes; other++) {
            same += tile->row[other] != ZA_NO_ROW && has_same_news(news[lane], news[other]);
        }
        if (same > most) {
            most = same;
            best = lane;
        }
    }
    return news[best];
}

static void take_in_alone(za_live *live, const za_live_works *works, za_live_arrival *arrival, za_live_news news)
{
    arrival->news = news;
    if (news.change == ZA_LIVE_NEWS && arrival->tile->used > 0) {
        za_live_take_in(live, za_live_work_of(works, arrival->tile), &arrival, 1);
    }
}

/* Finds what is new of each ticker; tickers that cannot go on are forgotten. */
static void sort_out(za_live *live, za_live_tile *tile, const za_live_arrival *arrival, za_live_news *news)
{
    for (int lane = 0; lane < tile->set->lanes; lane++) {
        if (tile->row[lane] == ZA_NO_ROW) {
            continue;
        }
        news[lane] = za_live_news_of(live, &live->members[tile->row[lane]], &arrival->views[lane]);
        if (news[lane].change > ZA_LIVE_NEWS) {
            bool restarts = news[lane].change == ZA_LIVE_ANEW;
            atomic_fetch_add_explicit(&live->restarted, restarts, memory_order_relaxed);
            forget(live, tile, lane);
        }
    }
}

bool za_live_part(za_live *live, const za_live_works *works, int32_t row)
{
    za_live_stretch *stretch = za_live_stretch_of(live, row);
    int32_t at = live->members[row].tile;
    int lanes = stretch->tiles[at].set->lanes;
    za_live_arrival arrival = {.tile = &stretch->tiles[at]};
    za_live_news news[ZA_MOST_LANES];
    bool done = true;
    za_live_look(live, &arrival, 1);
    sort_out(live, arrival.tile, &arrival, news);
    za_live_news common = most_common(arrival.tile, news);
    stretch->moves++; /* maybe into step with others */
    for (int lane = 0; done && lane < lanes; lane++) {
        if (stretch->tiles[at].row[lane] != ZA_NO_ROW && !has_same_news(news[lane], common)) {
            done = za_live_leave(live, stretch, (za_live_mover){.tile = at, .lane = lane}, &live->one);
            if (done) {
                za_live_arrival alone = {.tile = &stretch->tiles[stretch->count - 1],
                                         .sequence = arrival.sequence,
                                         .views = {arrival.views[lane]}};
                take_in_alone(live, works, &alone, news[lane]);
            }
        }
    }
    arrival.tile = &stretch->tiles[at]; /* the tiles may have moved */
    if (done) {
        take_in_alone(live, works, &arrival, common);
    }
    za_live_release(&arrival, 1);
    return done;
}
