/* One ticker's states on their way to a file and back; any thread. */
#ifndef ZA_LIVE_RECORD_H
#define ZA_LIVE_RECORD_H

#include "live/options.h"

/* How many bars have entered (0: the ticker has no states), when the last one was, a fingerprint of the bar before it
 * (0: it is not known), and the states, which are the same for any lanes: memory of the caller for
 * za_live_record_doubles. */
typedef struct za_live_record {
    int64_t bars, time;
    uint64_t before;
    double *states;
} za_live_record;

int64_t za_live_record_doubles(const za_live *live);
/* Fills the record of a row. One without states is that of a ticker that the next update would begin anew. */
void za_live_take(za_live *live, int64_t row, za_live_record *record);
/* The record becomes the states of a row that has none, if the store has a bar of its time: the next update takes in
 * the bars from that one on. ZA_BAD_VALUE if it cannot be a record, or the store's bars do not go on from there. It
 * does nothing if the store has no bars. If all of them are later, or the one before is another than was seen, the
 * ticker counts as restarted. */
za_code za_live_put(za_live *live, int64_t row, const za_live_record *record, za_error *error);

/* Returns what live states hold of the other tickers that their formulas read: `bytes`, of the caller, from za_alloc.
 * NULL without memory. Whoever keeps records takes it first. */
char *za_live_take_others(za_live *live, size_t *bytes);
/* The way back, before any record is put and any update. ZA_BAD_VALUE as of za_live_put, and if they cannot be such
 * bytes. */
za_code za_live_put_others(za_live *live, const char *from, size_t bytes, za_error *error);

#endif
