/* Bars gathered into periods in live tiles: a bar is folded into the period so far of each lane, and what is finished,
 * or is so far where a period is read as it forms, enters the states of the plan over periods. Lanes of a tile may be
 * in periods of different numbers: those that are not enter by themselves. */
#ifndef ZA_LIVE_PERIODS_H
#define ZA_LIVE_PERIODS_H

#include "live/batch.h"

/* The entries of a batch's bar into one plan over periods. */
typedef struct za_live_entries {
    const za_live_batch *batch;
    const za_live_gathered *gathered;
    const za_live_period_work *period_work;
    unsigned waiting[ZA_LIVE_BATCH]; /* bit l: lane l of the tile is to enter */
    za_live_tile tiles[ZA_LIVE_BATCH], *pointers[ZA_LIVE_BATCH];
    int from[ZA_LIVE_BATCH]; /* which tiles of the batch those are */
    int lane;                /* the one that enters alone; -1: all */
    za_live_batch entering;  /* filled by za_live_entries_next */
    bool again;              /* it takes the place of the last period */
} za_live_entries;

/* Folds the bar, whose headers after it are to be written, and finds what is to enter plan number `at` of the layout's
 * `gathered`. */
void za_live_entries_begin(za_live_entries *entries, const za_live_batch *batch, int at);
/* Returns whether something has yet to enter: then `entering` has to step, `again` or not, and za_live_entries_take
 * follows. */
bool za_live_entries_next(za_live_entries *entries);
void za_live_entries_take(za_live_entries *entries);
/* Writes the columns that the plan makes. */
void za_live_entries_end(const za_live_entries *entries);

#endif
