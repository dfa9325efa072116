/* The memory behind one symbol's bars: columns of a fixed number of rows, counted by those who hold it. */
#ifndef ZA_STORE_BLOCK_H
#define ZA_STORE_BLOCK_H

#include <stdatomic.h>

#include "store/bars.h"

/* One allocation: this header, the times, then the five figures and the further columns, each `rows` long. The store
 * that owns a symbol holds one reference and each view another. References are taken under the store's lock, or by who
 * has one in a view, and may be dropped without it; so whoever holds the lock and sees `references == 1` knows that no
 * view shows these rows, and none will until the lock is given back. */
typedef struct za_block {
    atomic_int references;
    int columns; /* figures and further ones */
    int64_t rows;
} za_block;

/* A new block of so many rows and further columns, with one reference; NULL without memory. */
za_block *za_block_new(int64_t rows, int further);
void za_block_retain(za_block *block);
/* May be called from any thread; NULL is let pass. */
void za_block_release(za_block *block);
/* Returns whether some view shows it. Only under the lock of the store that owns it. */
bool za_block_is_shared(const za_block *block);

void za_block_write(za_block *block, int64_t row, const za_bar *bar);
/* Copies `count` rows of columns into the block from row `to`; within one block the ranges may overlap. */
void za_block_copy(za_block *block, int64_t to, const za_rows *rows);
/* Copies row `row` of `rows` to row `to` of the block. */
void za_block_copy_row(za_block *block, int64_t to, const za_rows *rows, int64_t row);

static inline int64_t *za_block_time(const za_block *block)
{
    return (int64_t *)((uintptr_t)block + sizeof *block);
}

static inline double *za_block_column(const za_block *block, int column)
{
    return (double *)((uintptr_t)block + sizeof *block) + (1 + column) * block->rows;
}

/* Rows [first, last) of the block. */
za_rows za_block_rows(const za_block *block, int64_t first, int64_t last);

#endif
