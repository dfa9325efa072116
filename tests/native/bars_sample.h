/* Bars to test with. Each is told by its time alone, so that a test can say what a store must show. */
#ifndef ZA_TESTS_BARS_SAMPLE_H
#define ZA_TESTS_BARS_SAMPLE_H

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "store/block.h"
#include "store/load.h"
#include "store/store.h"

/* Seeded dice: the same throws in each run. */
static inline uint64_t roll(uint64_t *dice, uint64_t sides)
{
    *dice = *dice * 6364136223846793005u + 1442695040888963407u;
    return (*dice >> 33) % sides;
}

/* A figure `back` bars before the last. */
static inline double figure_before(const za_rows *rows, za_figure figure, int64_t back)
{
    return rows->figure[figure][rows->count - 1 - back];
}

static inline za_symbol symbol_of(const char *text)
{
    return (za_symbol){.text = text, .length = strlen(text)};
}

enum { NAME_ROOM = 16 };

/* S0, S1, ... */
static inline za_symbol numbered(char text[NAME_ROOM], int number)
{
    int length = snprintf(text, NAME_ROOM, "S%d", number);
    return (za_symbol){.text = text, .length = (size_t)length};
}

static inline za_bar bar_of(int64_t time, double close, double volume)
{
    return (za_bar){.time = time, .figure = {close, close + 1, close * 0.5, close, volume}};
}

static inline za_bar bar_at(int64_t time)
{
    return bar_of(time, 100.0 + (double)(time % 17), 1000.0 + (double)(time % 7));
}

static inline bool same_bar(za_bar a, za_bar b)
{
    return a.time == b.time && memcmp(a.figure, b.figure, sizeof a.figure) == 0;
}

static inline bool same_rows(const za_rows *a, const za_rows *b)
{
    bool same = a->count == b->count;
    for (int64_t i = 0; same && i < a->count; i++) {
        same = same_bar(za_rows_bar(a, i), za_rows_bar(b, i));
    }
    return same;
}

static inline za_store *store_of(int64_t capacity)
{
    return za_store_new((za_store_options){.capacity = capacity, .ordered = true, .bars_per_year = 252.0});
}

static inline bool append_at(za_store *store, const char *symbol, int64_t time)
{
    za_bar bar = bar_at(time);
    return za_store_append(store, symbol_of(symbol), &bar, NULL) == ZA_OK;
}

/* Whether the symbol's bars are those of the times first, first + 1, ... */
static inline bool shows(za_store *store, const char *symbol, int64_t first, int64_t count)
{
    za_view view = za_store_view(store, symbol_of(symbol));
    bool same = view.rows.count == count;
    for (int64_t i = 0; same && i < count; i++) {
        same = same_bar(za_rows_bar(&view.rows, i), bar_at(first + i));
    }
    za_view_release(&view);
    return same;
}

/* Columns of a table in a block of their own. */
static inline za_block *block_of(const za_bar *bars, int64_t count)
{
    za_block *block = za_block_new(count, 0);
    for (int64_t i = 0; block != NULL && i < count; i++) {
        za_block_write(block, i, &bars[i]);
    }
    return block;
}

/* A table of one chunk. */
static inline za_chunks table_of(const za_chunk *chunk)
{
    return (za_chunks){.at = chunk, .count = 1, .rows = chunk->rows.count};
}

/* Loads the bars as they stand there. */
static inline za_code load_bars(za_store *store, za_symbol symbol, const za_bar *bars, int64_t count,
                                za_skipped *skipped, za_error *error)
{
    za_block *block = block_of(bars, count);
    if (block == NULL) {
        return za_fail_memory(error);
    }
    za_chunk chunk = {.rows = za_block_rows(block, 0, count)};
    za_code code = za_store_load(store, symbol, table_of(&chunk), skipped, error);
    za_block_release(block);
    return code;
}

/* A view, and what it showed when it was taken. */
typedef struct pinned {
    za_view view;
    za_block *copy;
} pinned;

static inline pinned pin_further(za_store *store, za_symbol symbol, int further)
{
    pinned held = {.view = za_store_view(store, symbol)};
    held.copy = za_block_new(held.view.rows.count, further);
    if (held.copy != NULL && held.view.rows.count > 0) {
        za_block_copy(held.copy, 0, &held.view.rows);
    }
    return held;
}

static inline pinned pin(za_store *store, za_symbol symbol)
{
    return pin_further(store, symbol, 0);
}

/* Gives it back; whether it showed the same to the end. */
static inline bool unpin(pinned *held)
{
    bool same = held->copy != NULL;
    if (same && held->view.rows.count > 0) {
        za_rows rows = za_block_rows(held->copy, 0, held->copy->rows);
        same = same_rows(&held->view.rows, &rows);
    }
    za_view_release(&held->view);
    za_block_release(held->copy);
    held->copy = NULL;
    return same;
}

#endif
