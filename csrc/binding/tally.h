/* A tally: the histograms into which the awaits of one function are counted, of every computer that counts them. */
#ifndef ZA_BINDING_TALLY_H
#define ZA_BINDING_TALLY_H

#include "binding/state.h"

typedef struct za_tally za_tally;

/* The tally behind an argument, borrowed; NULL for None. -1 with a TypeError for anything else. */
int za_tally_argument(za_state *state, PyObject *object, za_tally **tally);

/* Some awaits that took equally long: until there was a thread to compute them, computing, and altogether. */
typedef struct za_await {
    int64_t waiting_ns, running_ns, total_ns;
    int32_t times; /* at least 1 */
} za_await;

void za_tally_record(const za_tally *tally, const za_await *await);

#endif
