/* Series of a claim that are computed as one: their rows follow each other, and nothing is remembered but bars that are
 * a lag earlier. */
#ifndef ZA_PLAN_JOINED_H
#define ZA_PLAN_JOINED_H

#include "plan/run_inside.h"

/* Makes one series of all if they are such. */
void za_joined_begin(za_claim *claim);
/* Takes away the values that the later ones of the `count` series have of bars of those before, if they were joined. */
void za_joined_end(const za_claim *claim, int count);

#endif
