/* The store's own view of itself, for the files of this layer. */
#ifndef ZA_STORE_STORE_INSIDE_H
#define ZA_STORE_STORE_INSIDE_H

#include <pthread.h>
#include <stdatomic.h>

#include "pool/fork.h"
#include "store/options.h"
#include "store/symbols.h"

struct za_store {
    za_store_options options; /* never changes */
    za_fork_lock fork_lock;   /* of the mutex */
    pthread_mutex_t mutex;    /* guards all that follows, and the entries */
    za_symbols symbols;
    struct za_labels *labels; /* the first set; they are kept when symbols go */
    za_store_stats stats;
    uint64_t last_mark, last_generation;
    atomic_uint_fast64_t sequence; /* counts the changes of bars; read without the lock too */
    /* Number n of those that changed otherwise than by a section of a universe is at n % ZA_JOURNAL. */
    struct za_change {
        uint64_t sequence, id;
    } journal[ZA_JOURNAL];
    uint64_t journaled;     /* ever */
    uint64_t forgotten;     /* the sequence of the last change that is neither there nor in a tail any more */
    za_universe *universes; /* the first of those that are attached */
    atomic_size_t tailed;   /* symbols that may have bars in a tail; read without the lock too */
    za_entry *changed;      /* entries to be looked at by the next question for breadth */
    atomic_size_t changes;  /* how many there are; read without the lock too */
    int64_t counted, above; /* of the entries that are not on that list */
};

#endif
