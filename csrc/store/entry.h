/* Changes of a store's whole entries, shared by its files. */
#ifndef ZA_STORE_ENTRY_H
#define ZA_STORE_ENTRY_H

#include "store/store_inside.h"

/* Returns whether a bar of that time takes the place of the entry's last one. Under the lock, as all of these. */
bool za_entry_replaces(const za_store *store, const za_entry *entry, int64_t time);
/* Bars that can be written behind the last one. */
int64_t za_entry_room(const za_entry *entry);
/* Makes room for one more bar at least, in the same block or another one; what the entry shows does not change. False
 * without memory. */
bool za_entry_make_room(za_store *store, za_entry *entry);
/* After it no view shows the last row, so that it can be overwritten. False without memory. */
bool za_entry_unshare(za_store *store, za_entry *entry);
/* The row of the oldest bar that the capacity keeps. */
int64_t za_entry_first(const za_store *store, const za_entry *entry);

/* The entry begins another generation, without bars. Under the lock. */
void za_store_begin_entry(za_store *store, za_entry *entry);
/* Says that the entry's bars have changed, or are about to go, otherwise than by a section. */
void za_entry_note_change(za_store *store, const za_entry *entry);
/* The entry's bars become rows [0, count) of `block`, whose reference moves into the entry. Under the lock. */
void za_store_put_block(za_store *store, za_entry *entry, za_block *block, int64_t count);
/* The entry, its bars and its part in everything go. Under the lock. */
void za_store_remove_entry(za_store *store, za_entry *entry);

#endif
