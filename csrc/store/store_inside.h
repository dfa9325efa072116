/* The store's own view of itself, shared by store.c (append, views), load.c (whole tables) and breadth.c. */
#ifndef ZA_STORE_STORE_INSIDE_H
#define ZA_STORE_STORE_INSIDE_H

#include <pthread.h>
#include <stdatomic.h>

#include "store/store.h"
#include "store/symbols.h"

enum { ZA_BREADTH_BARS = 50 };

struct za_store {
    za_store_options options;  /* never changes */
    za_store *next, *previous; /* the list of all stores; guarded by the list's mutex (store.c) */
    pthread_mutex_t mutex;     /* guards all that follows, and the entries */
    za_symbols symbols;
    za_store_stats stats;
    uint64_t last_mark;
    za_entry *changed;      /* entries to be looked at by the next question for breadth */
    atomic_size_t changes;  /* how many there are; read without the lock too */
    int64_t counted, above; /* of the entries that are not on that list */
};

/* The entry's bars changed or are about to go: takes its part out of the breadth and puts it on the list. Under the
 * lock. */
void za_breadth_touch(za_store *store, za_entry *entry);
/* The entry is about to be removed: takes it off the list too. Under the lock. */
void za_breadth_forget(za_store *store, za_entry *entry);

/* The entry's bars become rows [0, count) of `block`, whose reference moves into the entry. Under the lock. */
void za_store_put_block(za_store *store, za_entry *entry, za_block *block, int64_t count);
/* The entry, its bars and its part in everything go. Under the lock. */
void za_store_remove_entry(za_store *store, za_entry *entry);

#endif
