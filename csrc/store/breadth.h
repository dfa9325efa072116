/* The number of symbols that closed above their average. */
#ifndef ZA_STORE_BREADTH_H
#define ZA_STORE_BREADTH_H

#include <stddef.h>

#include "store/options.h"

/* Bars of the average, and that a symbol needs to count. */
enum { ZA_BREADTH_BARS = 50 };

/* Percent of the symbols (those with a leading ^ and those of fewer than 50 bars do not count) whose close is above
 * their sma_50; NaN if there is none. Kept up to date: only symbols changed since the last call are computed. */
double za_store_breadth(za_store *store);
/* Returns how many symbols that would be. Any thread, without the lock: a number of some moment. */
size_t za_store_changes(const za_store *store);

#endif
