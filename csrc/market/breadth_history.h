/* The breadth of a store through time: at each moment as it was when no later bar was there. */
#ifndef ZA_MARKET_BREADTH_HISTORY_H
#define ZA_MARKET_BREADTH_HISTORY_H

#include <stdatomic.h>

#include "pool/pool.h"
#include "store/store.h"

/* From `time` on a symbol counts (1) or not (0) among those that have enough bars, and among those above their average:
 * as changes of both numbers, -1 to 1. */
typedef struct za_breadth_change {
    int64_t time;
    int32_t counted, above;
} za_breadth_change;

typedef struct za_breadth_changes {
    za_breadth_change *list;
    int64_t count, room;
    int32_t above; /* after the last of them */
} za_breadth_changes;

/* The owner sets `store` and leaves the rest zero, and keeps all of it until the job is done. */
typedef struct za_breadth_history {
    za_job job; /* first: the pool hands back a pointer to it */
    za_store *store;
    za_symbol *symbols;          /* owned, as are the lists */
    za_view *views;              /* owned: of all symbols, of indices too, which have no breadth */
    za_breadth_changes *changes; /* of each symbol; each is written by the worker that has the symbol */
    size_t count;
    atomic_int ended; /* as that of za_run; any thread */
    /* From za_breadth_history_merge on: the breadth, percent, from times[k] on. */
    int64_t *times;
    double *percent;
    int64_t steps;
} za_breadth_history;

/* Takes all symbols with the bars that they have now, and makes a job of it, an item for each. ZA_OK or ZA_NO_MEMORY.
 */
za_code za_breadth_history_init(za_breadth_history *history, za_error *error);
/* Nobody waits for it any more. Any thread. */
void za_breadth_history_cancel(za_breadth_history *history);
/* After every item was run: fills times and percent. ZA_OK, or why there is no breadth. */
za_code za_breadth_history_merge(za_breadth_history *history, za_error *error);
void za_breadth_history_release(za_breadth_history *history);

#endif
