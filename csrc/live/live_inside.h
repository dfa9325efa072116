/* The fields of live states, for the files that keep them. */
#ifndef ZA_LIVE_LIVE_INSIDE_H
#define ZA_LIVE_LIVE_INSIDE_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/ids.h"
#include "live/batch.h"
#include "live/board.h"
#include "live/options.h"
#include "live/rosters.h"
#include "pool/fork.h"
#include "store/text_set.h"

enum { ZA_NO_TILE = -1 };

/* So many neighbouring rows, and the tiles of their tickers. Tickers share tiles with others of their stretch, so that
 * the cache lines of what is kept row by row are still there for the tiles that share them. */
enum { ZA_LIVE_STRETCH = 2048 };

typedef struct za_live_stretch {
    za_live_tile *tiles; /* owned */
    int64_t count, room;
    int64_t moves; /* by tickers that may have come into step with others, or have left a tile with few */
} za_live_stretch;

/* A ticker; its number is its row. */
typedef struct za_live_member {
    za_progress seen;     /* of its bars, but for what is pending of its tile; all zero while it has no states */
    uint64_t sequence;    /* of the store: its bars are seen up to there */
    uint64_t fingerprint; /* of the columns' figures of the last bar */
    int32_t tile, lane;   /* the tile's place in the list of its stretch */
} za_live_member;

/* Another ticker that formulas read. */
typedef struct za_live_other {
    const za_plan *plan;   /* over its bars */
    za_symbol symbol;      /* borrowed */
    za_live_layout layout; /* never changes */
    za_live_memory memory; /* of its tile */
    za_live_tile tile;     /* of one lane; without bars: it has no states */
    za_live_member member; /* what it has seen */
    int64_t time;          /* of its last bar */
    za_live_series series; /* what the plan has given */
} za_live_other;

struct za_live {
    za_live_spec spec;                       /* never changes */
    za_live_layout layout;                   /* never changes */
    za_live_memory one, wide;                /* of tiles of one lane, and of the widest set */
    za_fork_lock fork_lock, board_fork_lock; /* of the two mutexes */
    pthread_mutex_t mutex; /* guards all that follows. A stretch, and its members, belong to the worker
                            * that has claimed it */
    za_text_set names;     /* of the members; codes are rows */
    za_live_member *members;
    za_live_stretch *stretches;
    pthread_mutex_t board_mutex; /* guards `board` too, so that readers need not wait for an update */
    za_live_board *board;
    int64_t present;                         /* members with states */
    za_live_roster rosters[ZA_LIVE_ROSTERS]; /* of the universes whose cross-sections came last */
    int next_roster;
    za_ids ids; /* rows of the members by their ids in the store, if `ids_are_known` */
    atomic_bool ids_are_known;
    za_live_other *others; /* whoever reads another one stands behind it; no series moves */
    int other_count;
    uint64_t others_sequence; /* of the store: their bars are seen up to there */
    bool owes;                /* members whose views have to be looked at, since others have changed */
    bool is_current;          /* up to `sequence` of the store, which the last update has taken in */
    uint64_t sequence;
    atomic_int_fast64_t bars, revised, restarted;
};

#endif
