/* A ticker that is asked for more than once. */
#ifndef ZA_PLAN_TWINS_H
#define ZA_PLAN_TWINS_H

#include "store/store.h"

/* A series of a ticker that an earlier one, `first`, is of too. */
typedef struct za_twin {
    size_t at, first;
} za_twin;

/* The twins among the series of these views, in their order: owned by the caller. Their views, which may have been
 * taken later than those of the first, become the same. False without memory: then no view has changed. */
bool za_twins_pin(za_view *views, size_t count, za_twin **twins, size_t *found);

#endif
