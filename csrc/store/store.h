/* Symbol -> its last `capacity` bars. Every function may be called from any thread; one mutex guards a store. */
#ifndef ZA_STORE_STORE_H
#define ZA_STORE_STORE_H

#include "store/bars.h"
#include "store/block.h"
#include "store/options.h"

/* The progress of a symbol's bars, which are numbered from 0 in the order in which they came, those that the
 * capacity has dropped included; a load, and the first bar after a drop, begin anew with another generation. */
typedef struct za_progress {
    uint64_t id;         /* of the symbol, until it is dropped; unlike any other of the store, at any time */
    uint64_t generation; /* unlike any other of the store, at any time; 0: the symbol is not in the store */
    int64_t end;         /* the number of the next bar: a view shows those from end - rows.count on */
    int64_t revisions;   /* how often a last bar was replaced in this generation */
} za_progress;

/* A view that a reader holds: rows that no append moves or changes, until za_view_release. Empty for an unknown symbol.
 */
typedef struct za_view {
    za_rows rows;
    za_block *block; /* the reference this view owns; NULL when empty */
    za_progress progress;
    bool naive; /* whether the last bar was told without a time zone */
} za_view;

/* NULL without memory. */
za_store *za_store_new(za_store_options options);
/* The store must be out of every other thread's sight; views of it stay good. NULL is let pass. The process's pool
 * frees many bars, so that a loop does not wait for it: here and at za_store_clear. */
void za_store_free(za_store *store);
za_store_options za_store_options_of(const za_store *store);

/* Adds a bar at the end. The last bar's own time replaces that bar, an older time is ZA_BAD_VALUE. On any failure the
 * store is as it was. */
za_code za_store_append(za_store *store, za_symbol symbol, const za_bar *bar, za_error *error);

/* One bar of the same time for each of `count` symbols; bars[i] belongs to symbols[i]. All of them or, on failure,
 * none. A symbol that appears twice in the list is ZA_BAD_VALUE. */
za_code za_store_append_all(za_store *store, const za_symbol *symbols, const za_bar *bars, size_t count,
                            za_error *error);

za_view za_store_view(za_store *store, za_symbol symbol);
/* Views of `count` symbols under one lock. Returns the sequence of the store at that moment: the views show every
 * change up to it, and none behind it. */
uint64_t za_store_views(za_store *store, const za_symbol *symbols, size_t count, za_view *views);
void za_view_release(za_view *view);

/* Changes whenever the bars of some symbol do. Any thread, without the lock. */
uint64_t za_store_sequence(const za_store *store);

bool za_store_contains(za_store *store, za_symbol symbol);
/* False when there was no such symbol. */
bool za_store_drop(za_store *store, za_symbol symbol);
void za_store_clear(za_store *store);
int64_t za_store_length(za_store *store);

/* The set of symbols that there are, as two numbers that a store has had for no others: how many ever came, and how
 * many there are now. */
typedef struct za_membership {
    uint64_t came;
    size_t count;
} za_membership;

za_membership za_store_membership(za_store *store);
za_store_stats za_store_stats_of(za_store *store);

/* Names in the order in which they came, copied: free with za_free (one block). NULL without memory. */
za_symbol *za_store_symbols(za_store *store, size_t *count);

/* The last close of ^VIX, else of VIX, else 20. */
double za_store_vix(za_store *store);

#endif
