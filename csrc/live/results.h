/* The results of a stretch on their way to the board: rows of it are written in any order, and go there in theirs. */
#ifndef ZA_LIVE_RESULTS_H
#define ZA_LIVE_RESULTS_H

#include "live/live_inside.h"

typedef struct za_live_results {
    double *values; /* lent; result k of row r is values[k * ZA_LIVE_STRETCH + r - first] */
    int64_t first;  /* row of the stretch */
    uint8_t written[ZA_LIVE_STRETCH / ZA_MOST_LANES]; /* of each row a bit: it has results that the board has not */
} za_live_results;

size_t za_live_results_bytes(const za_live *live);
/* `memory`, aligned to a cache line, is the caller's and outlives it. */
void za_live_results_open(za_live_results *results, void *memory);
/* For the rows of a stretch from `first` on; none is written. */
void za_live_results_begin(za_live_results *results, int64_t first);

/* The row has results. */
static inline void za_live_results_note(za_live_results *results, int64_t row)
{
    int64_t at = row - results->first;
    results->written[at / ZA_MOST_LANES] |= (uint8_t)(1u << at % ZA_MOST_LANES);
}

/* Copies the rows that have results to the board, past the caches if `streamed`. */
void za_live_results_end(const za_live_results *results, const za_live *live, bool streamed);

#endif
