/* Symbol -> its last `capacity` bars. Every function may be called from any thread; one mutex guards a store. */
#ifndef ZA_STORE_STORE_H
#define ZA_STORE_STORE_H

#include "store/bars.h"
#include "store/block.h"

typedef struct za_store za_store;

/* What a reader holds: rows that no append moves or changes, until za_view_release. Empty for an unknown symbol. */
typedef struct za_view {
    za_rows rows;
    za_block *block; /* the reference this view owns; NULL when empty */
    bool naive;      /* whether the last bar was told without a time zone */
} za_view;

typedef struct za_store_stats {
    int64_t symbols, bars, bytes;                 /* now; bytes of bar columns */
    int64_t appended, replaced, loaded, rejected; /* rows, ever; rejected: refused or skipped as invalid */
    int64_t dropped; /* valid rows of loaded tables that the capacity had no room for, ever */
} za_store_stats;

/* What append and append_cross_section take, whether times are a calendar, and how many bars a year has. */
typedef struct za_store_options {
    int64_t capacity; /* bars kept a symbol, at least 1 */
    bool ordered;     /* false: equal and older times are appended as they come, and highs and lows are not compared */
    double bars_per_year; /* what volatilities are scaled by */
} za_store_options;

/* NULL without memory. */
za_store *za_store_new(za_store_options options);
/* The store must be out of every other thread's sight; views of it stay good. NULL is let pass. */
void za_store_free(za_store *store);
za_store_options za_store_options_of(const za_store *store);

/* Adds a bar at the end. The last bar's own time replaces that bar, an older time is ZA_BAD_VALUE. On any failure the
 * store is as it was. */
za_code za_store_append(za_store *store, za_symbol symbol, const za_bar *bar, za_error *error);

/* One bar of the same time for each of `count` symbols; bars[i] belongs to symbols[i]. All of them or, on failure,
 * none. A symbol that stands twice in the list is ZA_BAD_VALUE. */
za_code za_store_append_all(za_store *store, const za_symbol *symbols, const za_bar *bars, size_t count,
                            za_error *error);

/* Rows of a table that were left out: how many, and how many for each fault and figure. */
typedef struct za_skipped {
    int64_t rows;
    int64_t by_fault[ZA_FAULT_COUNT][ZA_FIGURE_COUNT];
} za_skipped;

/* Replaces the symbol's bars by the last `capacity` of these rows, which have to be in order. `skipped` NULL: an
 * invalid row is ZA_BAD_VALUE and the store stays as it was; else such rows are left out and counted there. A table of
 * which that would leave out most rows for their order alone is ZA_BAD_VALUE either way. */
za_code za_store_load(za_store *store, za_symbol symbol, const za_rows *rows, za_skipped *skipped, za_error *error);

/* One long table of many symbols, in any order: row i belongs to names[codes[i]]. */
typedef struct za_long_table {
    za_rows rows;
    const int32_t *codes;
    const za_symbol *names;
    int32_t name_count;
} za_long_table;

/* The same for every symbol that occurs in the table, all or none. Rows are sorted by time; two rows of one symbol and
 * time are invalid. */
za_code za_store_load_groups(za_store *store, const za_long_table *table, za_skipped *skipped, za_error *error);

za_view za_store_view(za_store *store, za_symbol symbol);
/* Views of `count` symbols under one lock. */
void za_store_views(za_store *store, const za_symbol *symbols, size_t count, za_view *views);
void za_view_release(za_view *view);

bool za_store_contains(za_store *store, za_symbol symbol);
/* False when there was no such symbol. */
bool za_store_drop(za_store *store, za_symbol symbol);
void za_store_clear(za_store *store);
int64_t za_store_length(za_store *store);
za_store_stats za_store_stats_of(za_store *store);

/* Names in the order in which they came, copied: free with za_free (one block). NULL without memory. */
za_symbol *za_store_symbols(za_store *store, size_t *count);

/* Percent of the symbols (those with a leading ^ and those of fewer than 50 bars do not count) whose close is above
 * their sma_50; NaN if there is none. Kept up to date: only symbols changed since the last call are computed. */
double za_store_breadth(za_store *store);
/* How many symbols that would be. Any thread, without the lock: a number of some moment. */
size_t za_store_changes(const za_store *store);

/* The last close of ^VIX, else of VIX, else 20. */
double za_store_vix(za_store *store);

#endif
