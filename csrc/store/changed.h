/* The entries whose part in the breadth is not known, because their bars have changed. All of it under the lock. */
#ifndef ZA_STORE_CHANGED_H
#define ZA_STORE_CHANGED_H

#include "store/store_inside.h"

/* The entry's bars changed or are about to go: takes its part out of the breadth and puts it on the list. */
void za_changed_add(za_store *store, za_entry *entry);
/* Takes it off the list. */
void za_changed_unlink(za_store *store, za_entry *entry);
/* The entry is about to be removed: takes it off the list, or its part out of the breadth. */
void za_changed_forget(za_store *store, za_entry *entry);

#endif
