/* The live tiles that a section enters, from the youngest on, those that it enters together one after the other. */
#ifndef ZA_LIVE_QUEUE_H
#define ZA_LIVE_QUEUE_H

#include "live/batch.h"

/* The effect of a section on a ticker. */
typedef enum za_live_effect {
    EFFECT_NONE,
    EFFECT_REVISION,
    EFFECT_NEW_BAR,
    EFFECT_COUNT,
    EFFECTS_DIFFER = EFFECT_COUNT
} za_live_effect;

/* Its effect on most tickers of a tile. */
typedef struct za_live_common {
    za_live_effect effect;
    unsigned absent; /* the lanes whose tickers have no bar in it, where it has an effect on the others */
} za_live_common;

/* Tiles that a worker looks at at a time: those of one age among them enter together. */
enum { TILES_AT_ONCE = 32 * ZA_LIVE_BATCH };

typedef struct za_live_queue {
    za_live_tile *tiles[TILES_AT_ONCE];
    int64_t keys[TILES_AT_ONCE]; /* alike of tiles that go together */
    unsigned absent[TILES_AT_ONCE];
    int count;
    int entered; /* the section has entered so many of them */
    int roomy;   /* no tile before this one takes in another ticker */
} za_live_queue;

/* Some tiles of a queue. */
typedef struct za_live_tiles {
    za_live_tile *const *first;
    int count;
} za_live_tiles;

/* Enqueues those of `count` tiles on which a section has an effect. */
void za_live_enqueue(za_live_queue *queue, const za_live_common *common, za_live_tile *tiles, int count);
/* The tiles from a place of the queue on that enter together, and the effect on them. */
za_live_tiles za_live_queue_batch(const za_live_queue *queue, int at);
za_live_effect za_live_queue_effect(const za_live_queue *queue, int at);
/* A tile with a free lane that the section has entered, and that has come so far; NULL: none. Asked for in order of the
 * bars. */
za_live_tile *za_live_queue_room(za_live_queue *queue, int64_t bars);
/* The absent tickers of the tiles from a place of the queue on that have come as far as that one. */
int za_live_queue_absent(const za_live_queue *queue, int at);

#endif
