/* Tails: the last cross-sections of a universe, kept as they came. The bars of a symbol in them are folded into its
 * columns some sections at a time, or when somebody looks at the symbol. All of it under the lock of the store. */
#ifndef ZA_STORE_TAIL_H
#define ZA_STORE_TAIL_H

#include "store/universe_inside.h"

/* The entry of that name with all of its bars, or NULL. */
za_entry *za_store_find(za_store *store, za_symbol symbol);
/* Folds the bars of the entry that are in a tail. It needs no memory: a section is accepted once there is room. */
void za_tail_fold(za_store *store, za_entry *entry);
/* The entry, which has no bars in a tail, has changed: its universe takes that over. */
void za_tail_take_over(za_entry *entry);
/* The entry is about to go: its universe, if it has one, accepts no further section. */
void za_tail_drop(za_entry *entry);
/* All entries are about to go, and so are the tails. */
void za_tail_forget(za_store *store);

/* Folds all that is in the universe's tail, and lets its entries go; it must be attached. */
void za_tail_detach(za_store *store, za_universe *universe);

/* Takes in a section, whose reference moves into the tail. ZA_BAD_VALUE if a member was dropped since it was looked up,
 * or has a later bar; ZA_NO_MEMORY. Then nothing has changed, and the section is still the caller's. */
za_code za_tail_accept(za_store *store, za_universe *universe, za_section *section, za_error *error);

/* Folds what the last section has brought to its end in the tail. Not under the lock, which it takes now and then. */
void za_tail_finish_part(za_store *store, za_universe *universe);

/* Folds all that is in tails now. Not under the lock, which it takes now and then. */
void za_tail_fold_all(za_store *store);
/* Bytes of the sections that are kept as they came. Under the lock. */
int64_t za_tail_bytes(const za_store *store);

#endif
