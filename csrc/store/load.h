/* Whole tables into a store. Any thread. */
#ifndef ZA_STORE_LOAD_H
#define ZA_STORE_LOAD_H

#include "store/bars.h"
#include "store/options.h"

/* Rows of a table that were left out: how many, and how many for each fault and figure. */
typedef struct za_skipped {
    int64_t rows;
    int64_t by_fault[ZA_FAULT_COUNT][ZA_FIGURE_COUNT];
} za_skipped;

/* Rows of a table that lie together, from its row `first` on. */
typedef struct za_chunk {
    int64_t first;
    za_rows rows;
} za_chunk;

/* A table: chunks with rows, one behind the other. */
typedef struct za_chunks {
    const za_chunk *at;
    int64_t count, rows;
} za_chunks;

/* Replaces the symbol's bars by the last `capacity` of these rows, which have to be in order and have the further
 * columns of the store. `skipped` NULL: an invalid row is ZA_BAD_VALUE and the store stays as it was; else such rows
 * are left out and counted there. A table of which that would leave out most rows for their order alone is ZA_BAD_VALUE
 * either way. */
za_code za_store_load(za_store *store, za_symbol symbol, za_chunks table, za_skipped *skipped, za_error *error);

/* One long table of many symbols, in any order: row i belongs to names[codes[i]]. */
typedef struct za_long_table {
    za_chunks chunks;
    const int32_t *codes;
    const za_symbol *names;
    int32_t name_count;
} za_long_table;

/* The same for every symbol that occurs in the table, all or none. Rows are sorted by time; two rows of one symbol and
 * time are invalid. */
za_code za_store_load_groups(za_store *store, const za_long_table *table, za_skipped *skipped, za_error *error);

#endif
