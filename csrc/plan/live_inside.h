/* What live states hold, for the files that keep them. */
#ifndef ZA_PLAN_LIVE_INSIDE_H
#define ZA_PLAN_LIVE_INSIDE_H

#include <pthread.h>
#include <stdatomic.h>

#include "plan/live_batch.h"
#include "plan/live_board.h"
#include "plan/live_options.h"
#include "store/text_set.h"

enum { ZA_NO_TILE = -1 };

/* A ticker; its number is its row. */
typedef struct za_live_member {
    za_progress seen;     /* of its bars; all zero while it has no states */
    uint64_t fingerprint; /* of the columns' figures of the last bar */
    int32_t tile, lane;
} za_live_member;

struct za_live {
    za_live_spec spec;               /* never changes */
    za_live_layout layout;           /* never changes */
    struct za_live *next, *previous; /* the list of all, guarded by the list's mutex (live.c) */
    pthread_mutex_t mutex;           /* guards all that follows. A tile belongs to the worker that has claimed it */
    za_text_set names;               /* of the members; codes are rows */
    za_live_member *members;
    za_live_tile *tiles;
    int64_t tile_count, tile_room;
    pthread_mutex_t board_mutex; /* guards `board` too, so that readers need not wait for an update */
    za_live_board *board;
    int64_t present;   /* members with states */
    uint64_t sequence; /* of the store, before the last update that took in all */
    int64_t moves;     /* by tickers that may have come into step with others, or have left a tile with few */
    atomic_int_fast64_t bars, revised, restarted;
};

#endif
