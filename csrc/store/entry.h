/* What changes a store's entries whole, shared by its files. */
#ifndef ZA_STORE_ENTRY_H
#define ZA_STORE_ENTRY_H

#include "store/store_inside.h"

/* The entry begins another generation, without bars. Under the lock. */
void za_store_begin_entry(za_store *store, za_entry *entry);
/* Says that the entry's bars have changed, or are about to go. Under the lock. */
void za_store_touch_entry(za_store *store, za_entry *entry);
/* The entry's bars become rows [0, count) of `block`, whose reference moves into the entry. Under the lock. */
void za_store_put_block(za_store *store, za_entry *entry, za_block *block, int64_t count);
/* The entry, its bars and its part in everything go. Under the lock. */
void za_store_remove_entry(za_store *store, za_entry *entry);

#endif
