/* New bars of the store on their way into live tiles. */
#ifndef ZA_LIVE_TAKE_H
#define ZA_LIVE_TAKE_H

#include <string.h>

#include "live/live_inside.h"
#include "live/results.h"
#include "live/step.h"
#include "pool/pool.h"

typedef enum za_live_change {
    ZA_LIVE_SAME, /* nothing is new */
    ZA_LIVE_NEWS, /* `fresh` bars, and the one before them once more if `revised` */
    ZA_LIVE_ANEW, /* the bars before them are not those that were seen */
    ZA_LIVE_GONE  /* it has no bars any more */
} za_live_change;

/* The part of a ticker's view that its states have not seen. */
typedef struct za_live_news {
    za_live_change change;
    int64_t fresh;
    bool revised;
} za_live_news;

za_live_news za_live_news_of(const za_live *live, const za_live_member *member, const za_view *view);
/* Returns the fingerprint of the columns' figures of a bar of the view. */
uint64_t za_live_fingerprint_of(const za_live *live, const za_view *view, int64_t bar);
/* The member of that row has seen all that the view shows, which was taken at `sequence` of the store. */
void za_live_see(za_live *live, int32_t row, const za_view *view, uint64_t sequence);
/* A fingerprint, which begins as 0, of one figure more. */
static inline uint64_t za_live_mix(uint64_t print, double figure)
{
    uint64_t bits;
    memcpy(&bits, &figure, sizeof bits);
    print = (print ^ bits) * UINT64_C(0x9e3779b97f4a7c15); /* the golden ratio: odd, so nothing is lost */
    return print ^ print >> 32;
}

/* A tile, views of its tickers, and what they have in common. Views of lanes without a ticker are empty. */
typedef struct za_live_arrival {
    za_live_tile *tile;
    za_view views[ZA_MOST_LANES];
    uint64_t sequence; /* of the store, when they were taken */
    za_live_news news; /* ANEW: its tickers differ, or one of them is anew or gone */
} za_live_arrival;

/* Views of the tickers of `count` tiles, at most ZA_LIVE_BATCH, and what they have in common. */
void za_live_look(za_live *live, za_live_arrival *arrivals, int count);
void za_live_release(za_live_arrival *arrivals, int count);
/* Returns whether two of them can take in their news together. */
bool za_live_arrive_together(const za_live_arrival *one, const za_live_arrival *other);
/* Tiles that arrive together take in what is SAME or NEWS. `work` is of their set. Any thread that has the tiles to
 * itself. */
void za_live_take_in(za_live *live, const za_live_work *work, za_live_arrival *const *arrivals, int count);

/* Memory for a thread: a work for each of two lane sets, and the results of a stretch if they are wanted. False without
 * memory. */
typedef struct za_live_works {
    za_live_work one, wide;
    za_live_results results;
} za_live_works;

bool za_live_works_open(za_live_works *works, const za_live *live, za_scratch *scratch, bool with_results);
const za_live_work *za_live_work_of(const za_live_works *works, const za_live_tile *tile);
/* The states, and what they give, are more than the caches hold from one update to the next. */
bool za_live_is_streamed(const za_live *live);
/* The tiles, at most ZA_LIVE_BATCH of one set and age, for a step whose results go to the board. */
za_live_batch za_live_batch_of(const za_live *live, const za_live_work *work, za_live_tile *const *tiles, int count);

#endif
