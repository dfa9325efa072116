/* Memory for the states of live tiles of one lane set: pieces of one size, many of which share a large page. */
#ifndef ZA_LIVE_MEMORY_H
#define ZA_LIVE_MEMORY_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "kernels/lane_set.h"

/* A large page that is cut into pieces. */
typedef struct za_live_page za_live_page;

/* Any thread may take and give back pieces. */
typedef struct za_live_memory {
    const za_lane_set *set; /* never changes */
    size_t header, slots;   /* doubles of each part; never change */
    size_t bytes;           /* of a piece; never changes */
    pthread_mutex_t mutex;  /* guards what follows, and the pages */
    za_live_page *roomy;    /* the pages that have room; owned */
    size_t single;          /* pieces that have no page: the first ones, which may stay the only ones */
    int empty;              /* pages of which nobody has a piece */
} za_live_memory;

enum { ZA_LIVE_HEADERS = 2 };

/* Parts that are aligned to a cache line and unwritten, and the page that they lie in, if any. The parts of one kind
 * follow each other in a page: headers are read tile after tile, and memory gives most where it is read on and on. */
typedef struct za_live_piece {
    double *headers[ZA_LIVE_HEADERS], *slots; /* NULL: none */
    za_live_page *page;
    int32_t number; /* of those of the page */
} za_live_piece;

/* Vectors of each header and of the slots. */
void za_live_memory_init(za_live_memory *memory, const za_lane_set *set, int64_t headers, int64_t slots);
/* All pieces have been given back. */
void za_live_memory_destroy(za_live_memory *memory);

/* No parts where there is no memory. */
za_live_piece za_live_memory_take(za_live_memory *memory);
/* No parts are let pass. */
void za_live_memory_give_back(za_live_memory *memory, za_live_piece piece);

#endif
