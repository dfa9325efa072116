/* Periods as they form: of each bar, what the plan of the periods gives for the period up to it. The same driver: each
 * version of a period enters the tile as one bar, from the headers of before it. */
#ifndef ZA_PLAN_FORMING_H
#define ZA_PLAN_FORMING_H

#include "plan/periods.h"

/* How the tiles of a run over periods go. The target is wanted from the period on that holds the first wanted bar. The
 * columns of the periods are changed meanwhile, and restored at the end. */
typedef struct za_forming {
    za_tile_way way; /* first: za_forming_way */
    const za_periods *periods;
    const int64_t *row, *from; /* where the results of bars go, as those of a za_run */
} za_forming;

extern const za_tile_way za_forming_way;

#endif
