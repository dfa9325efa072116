/* Memory for the states of live tiles of one lane set: pieces of one size, many of which share a large page. */
#ifndef ZA_LIVE_MEMORY_H
#define ZA_LIVE_MEMORY_H

#include <pthread.h>
#include <stdbool.h>

#include "kernels/lane_set.h"

/* A large page that is cut into pieces. */
typedef struct za_live_page za_live_page;

/* Any thread may take and give back pieces. */
typedef struct za_live_memory {
    const za_lane_set *set; /* never changes */
    size_t bytes;           /* of a piece; never changes */
    pthread_mutex_t mutex;  /* guards what follows, and the pages */
    za_live_page *roomy;    /* the pages that have room; owned */
    size_t single;          /* pieces that have no page: the first ones, which may stay the only ones */
    int empty;              /* pages of which nobody has a piece */
} za_live_memory;

/* A piece, and the page that it lies in, if any. */
typedef struct za_live_piece {
    double *states; /* aligned to a cache line, unwritten; NULL: none */
    za_live_page *page;
} za_live_piece;

void za_live_memory_init(za_live_memory *memory, const za_lane_set *set, int64_t vectors);
/* All pieces have been given back. */
void za_live_memory_destroy(za_live_memory *memory);

/* No states where there is no memory. */
za_live_piece za_live_memory_take(za_live_memory *memory);
/* No states are let pass. */
void za_live_memory_give_back(za_live_memory *memory, za_live_piece piece);

#endif
