/* Names -> entries: an open-addressing index over a list in order of arrival. Not locked: it belongs to its store. */
#ifndef ZA_STORE_SYMBOLS_H
#define ZA_STORE_SYMBOLS_H

#include "base/memory.h"
#include "store/bars.h"
#include "store/block.h"

/* The place of a symbol in the breadth of its store. */
typedef enum za_breadth_state {
    ZA_BREADTH_UNCOUNTED, /* an index, or too few bars */
    ZA_BREADTH_BELOW,
    ZA_BREADTH_ABOVE
} za_breadth_state;

/* Changes of symbols, others than by sections, that a store remembers. */
enum { ZA_JOURNAL = 256 };

enum { ZA_SHORT_NAME = 24 };

typedef struct za_universe za_universe;

/* The fields that a view is made of lie in the first two cache lines, short_name at the beginning of the second one. */
typedef struct za_entry {
    _Alignas(ZA_CACHE_LINE) uint64_t id; /* unlike that of any other entry of the store, at any time; 0: not in use */
    za_symbol name;                      /* its text is short_name, or an allocation where that is too short */
    uint64_t hash;
    za_block *block; /* a reference; NULL while there are no bars */
    int64_t first, last;
    za_universe *universe; /* whose tail may hold later bars of it; NULL: none does */
    char short_name[ZA_SHORT_NAME];
    uint64_t generation; /* of its bars; za_progress has the same three */
    int64_t end, revisions;
    bool naive;    /* of the last bar appended */
    size_t place;  /* in the universe */
    uint64_t mark; /* of the last append_all that touched it: finds a symbol that appears twice */
    za_breadth_state breadth;
    bool changed; /* in the list below, which the next request for breadth goes through */
    struct za_entry *next_changed, *previous_changed;
} za_entry;

/* Entries, many to an allocation: one by one they would lie between the blocks of bars and keep freed blocks apart,
 * each too small for a longer one. */
typedef struct za_slab za_slab;

typedef struct za_symbols {
    za_slab *slabs;
    za_entry *spare;    /* entries of the slabs that are not in use, linked by next_changed */
    za_entry **entries; /* in order of arrival; NULL where one was removed */
    size_t used, room;  /* used counts the holes too */
    size_t count;
    uint64_t last_id, clears; /* entries made, and calls of clear, ever */
    uint64_t *slots;          /* the upper half of the hash, and index into entries + 1; 0 is free */
    size_t slot_count;        /* a power of two, or 0 */
} za_symbols;

/* The entry of that name, or NULL. */
za_entry *za_symbols_find(const za_symbols *symbols, za_symbol name);
/* The same of up to ZA_NAMES_AT_ONCE names. The way to an entry waits for memory three times: here all of them wait at
 * a time. */
enum { ZA_NAMES_AT_ONCE = 64 };
void za_symbols_find_some(const za_symbols *symbols, const za_symbol *names, size_t count, za_entry **found);
/* The entry of that name, made empty if there is none (then *made is true); NULL without memory, and nothing changed.
 */
za_entry *za_symbols_add(za_symbols *symbols, za_symbol name, bool *made);
/* Takes it out and frees it; its block must have been released. */
void za_symbols_remove(za_symbols *symbols, za_entry *entry);
/* All of them; none are left. */
za_symbols za_symbols_take(za_symbols *symbols);
/* Frees what was taken, blocks included. `later`: the process's pool does, and this returns at once, unless that is
 * freeing others still or takes no job. */
void za_symbols_free(za_symbols taken, bool later);

#endif
