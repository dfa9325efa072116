#include "store/block.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"

za_block *za_block_new(int64_t rows, int further)
{
    const int columns = ZA_FIGURE_COUNT + further;
    const size_t row_bytes = sizeof(int64_t) + (size_t)columns * sizeof(double);
    if (rows < 0 || (uint64_t)rows > (SIZE_MAX / 2 - sizeof(za_block)) / row_bytes) {
        return NULL;
    }
    size_t count = (size_t)rows;
    za_block *block = za_alloc(sizeof(za_block) + count * row_bytes, 1);
    if (block == NULL) {
        return NULL;
    }
    atomic_init(&block->references, 1);
    block->rows = rows;
    block->columns = columns;
    return block;
}

void za_block_retain(za_block *block)
{
    (void)atomic_fetch_add_explicit(&block->references, 1, memory_order_relaxed);
}

void za_block_release(za_block *block)
{
    /* Release: this reader's last look comes before whatever the next owner of the rows writes. */
    if (block != NULL && atomic_fetch_sub_explicit(&block->references, 1, memory_order_acq_rel) == 1) {
        za_free(block);
    }
}

bool za_block_is_shared(const za_block *block)
{
    return atomic_load_explicit(&block->references, memory_order_acquire) > 1;
}

void za_block_write(za_block *block, int64_t row, const za_bar *bar)
{
    za_block_time(block)[row] = bar->time;
    for (int i = 0; i < ZA_FIGURE_COUNT; i++) {
        za_block_column(block, i)[row] = bar->figure[i];
    }
    for (int i = ZA_FIGURE_COUNT; i < block->columns; i++) {
        za_block_column(block, i)[row] = bar->further == NULL ? NAN : bar->further[i - ZA_FIGURE_COUNT];
    }
}

void za_block_copy(za_block *block, int64_t to, const za_rows *rows)
{
    size_t count = (size_t)rows->count;
    memmove(za_block_time(block) + to, rows->time, count * sizeof(int64_t));
    for (int i = 0; i < block->columns; i++) {
        memmove(za_block_column(block, i) + to, za_rows_column(rows, i), count * sizeof(double));
    }
}

void za_block_copy_row(za_block *block, int64_t to, const za_rows *rows, int64_t row)
{
    za_block_time(block)[to] = rows->time[row];
    for (int i = 0; i < block->columns; i++) {
        za_block_column(block, i)[to] = za_rows_column(rows, i)[row];
    }
}

za_rows za_block_rows(const za_block *block, int64_t first, int64_t last)
{
    za_rows rows = {.time = za_block_time(block) + first,
                    .further = za_block_column(block, ZA_FIGURE_COUNT) + first,
                    .stride = block->rows,
                    .count = last - first};
    for (int i = 0; i < ZA_FIGURE_COUNT; i++) {
        rows.figure[i] = za_block_column(block, i) + first;
    }
    return rows;
}
