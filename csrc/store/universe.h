/* Universes: symbols that are looked up once, so that one bar for each of them goes into a store without a look-up. */
#ifndef ZA_STORE_UNIVERSE_H
#define ZA_STORE_UNIVERSE_H

#include "store/options.h"
#include "store/section.h"
#include "store/symbols.h"

/* The symbols need not be in the store yet. ZA_BAD_VALUE for an empty symbol and for one that appears twice, with its
 * position; NULL then and without memory. The store must outlive it. Any thread may call what follows at once. */
za_universe *za_universe_new(za_store *store, const za_symbol *symbols, size_t count, za_error *error);
/* NULL is let pass. */
void za_universe_free(za_store *store, za_universe *universe);

size_t za_universe_count(const za_universe *universe);
/* Borrowed from the universe. */
za_symbol za_universe_symbol(const za_universe *universe, size_t place);

/* One bar of the same time for each symbol, in their order; of those whose figures are all NaN none. All of them or, on
 * failure, none: as za_store_append_all, and ZA_BAD_VALUE if a symbol was dropped after the universe was made. */
za_code za_universe_append(za_store *store, za_universe *universe, const za_matrix *matrix, za_error *error);

#endif
