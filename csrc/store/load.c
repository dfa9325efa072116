/* Whole tables into the store: every block is built and checked first, without the lock, and then put in place at once.
 */
#include "store/load.h"

#include <string.h>

#include "base/memory.h"
#include "store/entry.h"
#include "store/tail.h"

/* One symbol's part of a table: rows picked[0 .. count) of it, in the order to be stored; picked NULL: the rows from
 * `first` on, as they lie there. */
typedef struct za_part {
    za_symbol symbol;
    int64_t *picked;
    int64_t first, count;
    za_block *block; /* built from them; `count` is then the number of bars in it */
} za_part;

static int64_t row_of(const za_part *part, int64_t i)
{
    return part->picked != NULL ? part->picked[i] : part->first + i;
}

/* One call's table and rules. */
typedef struct za_loading {
    za_chunks table;
    bool ordered, skip;
    int further;
    int64_t capacity, dropped;
    za_skipped skipped;
    za_error *error;
} za_loading;

static za_fault fault_of(const za_loading *loading, const za_bar *bar, int64_t previous)
{
    za_fault fault = za_bar_fault(bar, loading->ordered);
    bool compare = fault.kind == ZA_FAULT_NONE && loading->ordered && previous != ZA_TIME_MISSING;
    return compare ? za_time_fault(bar->time, previous) : fault;
}

#define IN_ANY_ORDER "load_unsorted takes rows in any order"

/* The sentence about row `i` of the part, which is `bar` and has a fault. */
static za_code refuse_row(const za_loading *loading, const za_part *part, int64_t i, const za_bar *bar,
                          int64_t previous)
{
    int64_t row = row_of(part, i);
    za_code code = za_bar_check(bar, loading->ordered, part->symbol, row, loading->error);
    if (code == ZA_OK) {
        code = za_bar_check_time(bar->time, previous, part->symbol, row, loading->error);
        if (bar->time < previous) {
            za_append_sentence(loading->error, IN_ANY_ORDER);
        }
    }
    return code;
}

/* A table that is not in the calendar's order would lose most of its rows, which is not a row's fault. */
static za_code check_order_kept(const za_loading *loading, const za_part *part)
{
    int64_t before = loading->skipped.by_fault[ZA_FAULT_TIME_BEFORE][0];
    if (2 * before <= part->count) {
        return ZA_OK;
    }
    return za_fail(loading->error, ZA_BAD_VALUE, "%.*s: %lld of %lld rows are older than a row above them; %s",
                   za_symbol_shown(part->symbol), part->symbol.text, (long long)before, (long long)part->count,
                   IN_ANY_ORDER);
}

/* The chunk in which a row of the table is. */
static const za_chunk *chunk_of(za_chunks table, int64_t row)
{
    int64_t low = 0, high = table.count;
    while (high - low > 1) {
        int64_t middle = low + (high - low) / 2;
        if (table.at[middle].first <= row) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return &table.at[low];
}

static bool is_in_chunk(const za_chunk *chunk, int64_t row)
{
    return row >= chunk->first && row - chunk->first < chunk->rows.count;
}

/* Rows [first, first + count) of the chunk. */
static za_rows rows_in_chunk(const za_chunk *chunk, int64_t first, int64_t count)
{
    za_rows rows = chunk->rows;
    rows.time += first;
    rows.further += rows.further == NULL ? 0 : first;
    rows.count = count;
    for (int i = 0; i < ZA_FIGURE_COUNT; i++) {
        rows.figure[i] += first;
    }
    return rows;
}

static void copy_run(za_chunks table, const za_part *part, za_block *block)
{
    const za_chunk *chunk = part->count == 0 ? NULL : chunk_of(table, part->first);
    for (int64_t done = 0; done < part->count; chunk++) {
        int64_t begin = part->first + done - chunk->first;
        int64_t left = chunk->rows.count - begin, wanted = part->count - done;
        za_rows rows = rows_in_chunk(chunk, begin, left < wanted ? left : wanted);
        za_block_copy(block, done, &rows);
        done += rows.count;
    }
}

static void copy_picked(za_chunks table, const za_part *part, za_block *block)
{
    const za_chunk *chunk = table.at;
    for (int64_t i = 0; i < part->count; i++) {
        int64_t row = part->picked[i];
        chunk = is_in_chunk(chunk, row) ? chunk : chunk_of(table, row);
        za_block_copy_row(block, i, &chunk->rows, row - chunk->first);
    }
}

/* The part's rows as they are at this moment: the caller's memory may change while it is read, the block does not. */
static za_block *copy_rows(za_chunks table, const za_part *part, int further)
{
    za_block *block = za_block_new(part->count, further);
    if (block != NULL && part->picked == NULL) {
        copy_run(table, part, block);
    } else if (block != NULL) {
        copy_picked(table, part, block);
    }
    return block;
}

/* Moves the valid rows of the block to its front, and counts them. ZA_BAD_VALUE for an invalid row that must not be
 * skipped. */
static za_code keep_valid(za_loading *loading, const za_part *part, za_block *block, int64_t *valid)
{
    za_rows rows = za_block_rows(block, 0, part->count);
    int64_t previous = ZA_TIME_MISSING;
    if (loading->ordered && part->count > 0 && za_rows_are_plain(&rows)) {
        *valid = part->count;
        return ZA_OK;
    }
    *valid = 0;
    for (int64_t i = 0; i < part->count; i++) {
        za_bar bar = za_rows_bar(&rows, i);
        za_fault fault = fault_of(loading, &bar, previous);
        if (fault.kind != ZA_FAULT_NONE && !loading->skip) {
            return refuse_row(loading, part, i, &bar, previous);
        }
        if (fault.kind != ZA_FAULT_NONE) {
            loading->skipped.rows++;
            loading->skipped.by_fault[fault.kind][fault.figure]++;
            continue;
        }
        previous = bar.time;
        if (*valid < i) {
            za_block_copy_row(block, *valid, &rows, i);
        }
        ++*valid;
    }
    return check_order_kept(loading, part);
}

/* A block of just the last `bars` of the first `count` rows; takes over the reference. */
static za_block *trim(za_block *block, int64_t count, int64_t bars)
{
    if (bars == block->rows) {
        return block;
    }
    za_block *trimmed = za_block_new(bars, block->columns - ZA_FIGURE_COUNT);
    if (trimmed != NULL) {
        za_rows rows = za_block_rows(block, count - bars, count);
        za_block_copy(trimmed, 0, &rows);
    }
    za_block_release(block);
    return trimmed;
}

/* The part's bars in a block of their own; no block if it has no valid row. */
static za_code build_block(za_loading *loading, za_part *part)
{
    int64_t valid = 0;
    za_block *block = copy_rows(loading->table, part, loading->further);
    if (block == NULL) {
        return za_fail_memory(loading->error);
    }
    za_code code = keep_valid(loading, part, block, &valid);
    if (code != ZA_OK || valid == 0) {
        za_block_release(block);
        return code;
    }
    int64_t bars = valid < loading->capacity ? valid : loading->capacity;
    part->block = trim(block, valid, bars);
    if (part->block == NULL) {
        return za_fail_memory(loading->error);
    }
    loading->dropped += valid - bars;
    part->count = bars;
    return ZA_OK;
}

/* The entry of a part, made if there is none. A name that appears twice would replace its own rows. Under the lock. */
static za_code add_part(za_store *store, const za_part *part, za_error *error)
{
    bool made;
    za_entry *entry = za_symbols_add(&store->symbols, part->symbol, &made);
    if (entry == NULL) {
        return za_fail_memory(error);
    }
    if (entry->mark == store->last_mark) {
        return za_fail(error, ZA_BAD_VALUE, "%.*s appears twice among the names", za_symbol_shown(part->symbol),
                       part->symbol.text);
    }
    entry->mark = store->last_mark;
    return ZA_OK;
}

/* All parts into the store, or none. */
static za_code put_parts(za_store *store, za_part *parts, int32_t count, za_error *error)
{
    za_code code = ZA_OK;
    int32_t added = 0;
    pthread_mutex_lock(&store->mutex);
    store->last_mark++;
    while (added < count && (code = add_part(store, &parts[added], error)) == ZA_OK) {
        added++;
    }
    for (int32_t i = 0; i < added; i++) {
        za_entry *entry = za_store_find(store, parts[i].symbol);
        if (code == ZA_OK) {
            store->stats.loaded += parts[i].count;
            za_store_put_block(store, entry, parts[i].block, parts[i].count);
            za_tail_take_over(entry);
            parts[i].block = NULL;
        } else if (entry->block == NULL) { /* added by this call */
            za_store_remove_entry(store, entry);
        }
    }
    pthread_mutex_unlock(&store->mutex);
    return code;
}

/* Blocks for all parts; those without a valid row, all of them skipped, are left out. Fails when no part is left: a
 * load that loads nothing is a mistake. */
static za_code build_parts(za_loading *loading, za_part *parts, int32_t *count)
{
    int32_t built = 0;
    for (int32_t i = 0; i < *count; i++) {
        za_code code = parts[i].symbol.length == 0 ? za_fail(loading->error, ZA_BAD_VALUE, "a symbol is empty")
                                                   : build_block(loading, &parts[i]);
        if (code != ZA_OK) {
            return code;
        }
        if (parts[i].block != NULL) {
            za_part part = parts[i];
            parts[i].block = NULL;
            parts[built++] = part;
        }
    }
    if (built == 0) {
        return za_fail(loading->error, ZA_BAD_VALUE, loading->skipped.rows > 0 ? "%.*s: no valid row" : "%.*s: no rows",
                       za_symbol_shown(parts[0].symbol), parts[0].symbol.text);
    }
    *count = built;
    return ZA_OK;
}

/* Builds and puts in place; releases the blocks that were not. */
static za_code load_parts(za_store *store, za_loading *loading, za_part *parts, int32_t count)
{
    int32_t built = count;
    za_code code = build_parts(loading, parts, &built);
    if (code == ZA_OK) {
        code = put_parts(store, parts, built, loading->error);
    }
    for (int32_t i = 0; i < count; i++) {
        za_block_release(parts[i].block);
    }
    pthread_mutex_lock(&store->mutex);
    store->stats.rejected += code == ZA_OK ? loading->skipped.rows : code == ZA_BAD_VALUE;
    store->stats.dropped += code == ZA_OK ? loading->dropped : 0;
    pthread_mutex_unlock(&store->mutex);
    return code;
}

static za_loading loading_of(const za_store *store, za_chunks table, bool skip, za_error *error)
{
    return (za_loading){.table = table,
                        .ordered = store->options.ordered,
                        .skip = skip,
                        .further = store->options.further,
                        .capacity = store->options.capacity,
                        .error = error};
}

za_code za_store_load(za_store *store, za_symbol symbol, za_chunks table, za_skipped *skipped, za_error *error)
{
    za_loading loading = loading_of(store, table, skipped != NULL, error);
    za_part part = {.symbol = symbol, .count = table.rows};
    za_code code = load_parts(store, &loading, &part, 1);
    if (code == ZA_OK && skipped != NULL) {
        *skipped = loading.skipped;
    }
    return code;
}

/* Stable merge sort of row numbers by time; `spare` has the same room. */
static void sort_by_time(int64_t *picked, int64_t count, const int64_t *time, int64_t *spare)
{
    bool sorted = true;
    for (int64_t i = 1; sorted && i < count; i++) {
        sorted = time[picked[i - 1]] <= time[picked[i]];
    }
    if (sorted) {
        return;
    }
    int64_t half = count / 2;
    sort_by_time(picked, half, time, spare);
    sort_by_time(picked + half, count - half, time, spare);
    memcpy(spare, picked, (size_t)half * sizeof *spare);
    for (int64_t left = 0, right = half, to = 0; left < half; to++) {
        bool take_right = right < count && time[picked[right]] < time[spare[left]];
        picked[to] = take_right ? picked[right++] : spare[left++];
    }
}

/* Counts row `row` of the table, which its part has next, of that time; `previous`: that of the row above. Returns
 * whether it lies behind the last one of its part and is not older. */
static bool count_row(za_part *part, int64_t row, int64_t time, int64_t previous)
{
    bool follows = part->count == 0 || (row == part->first + part->count && previous <= time);
    part->first = part->count == 0 ? row : part->first;
    part->count++;
    return follows;
}

/* Counts the rows of each name. ZA_BAD_VALUE for a code that is none of the names. *sorted becomes false unless
 * every name's rows lie together and in the order of time, as most tables have them. */
static za_code count_rows(const za_long_table *table, za_part *parts, bool *sorted, za_error *error)
{
    int64_t previous = ZA_TIME_MISSING;
    for (int32_t i = 0; i < table->name_count; i++) {
        parts[i] = (za_part){.symbol = table->names[i]};
    }
    for (int64_t k = 0; k < table->chunks.count; k++) {
        const za_chunk *chunk = &table->chunks.at[k];
        for (int64_t i = 0; i < chunk->rows.count; i++) {
            int32_t code = table->codes[chunk->first + i];
            if (code < 0 || code >= table->name_count) {
                return za_fail(error, ZA_BAD_VALUE, "a symbol code is out of range");
            }
            *sorted = count_row(&parts[code], chunk->first + i, chunk->rows.time[i], previous) && *sorted;
            previous = chunk->rows.time[i];
        }
    }
    return ZA_OK;
}

/* The row numbers of each part, in the order of the table; `next`: room for those of all parts. */
static void pick_rows(const za_long_table *table, za_part *parts, int64_t *next)
{
    for (int32_t i = 0; i < table->name_count; i++) {
        parts[i].picked = next;
        next += parts[i].count;
        parts[i].count = 0;
    }
    for (int64_t row = 0; row < table->chunks.rows; row++) {
        za_part *part = &parts[table->codes[row]];
        part->picked[part->count++] = row;
    }
}

/* The times of all rows, in `times` where they lie in several chunks. */
static const int64_t *times_of(za_chunks table, int64_t *times)
{
    for (int64_t k = 0; table.count > 1 && k < table.count; k++) {
        const za_rows *rows = &table.at[k].rows;
        memcpy(times + table.at[k].first, rows->time, (size_t)rows->count * sizeof *times);
    }
    return table.count > 1 ? times : table.at[0].rows.time;
}

/* The rows of each name in the order of time; parts[].picked lie in *order, which the caller frees. */
static za_code order_rows(const za_long_table *table, za_part *parts, int64_t **order, za_error *error)
{
    size_t rows = (size_t)table->chunks.rows;
    int64_t *spare = za_alloc(rows, sizeof *spare);
    int64_t *times = za_alloc(table->chunks.count > 1 ? rows : 0, sizeof *times);
    *order = za_alloc(rows, sizeof **order);
    za_code code = *order == NULL || spare == NULL || times == NULL ? za_fail_memory(error) : ZA_OK;
    if (code == ZA_OK) {
        const int64_t *time = times_of(table->chunks, times);
        pick_rows(table, parts, *order);
        for (int32_t i = 0; i < table->name_count; i++) {
            sort_by_time(parts[i].picked, parts[i].count, time, spare);
        }
    }
    za_free(times);
    za_free(spare);
    return code;
}

/* Names without rows are left out; returns how many parts there are. */
static int32_t drop_empty(za_part *parts, int32_t count)
{
    int32_t used = 0;
    for (int32_t i = 0; i < count; i++) {
        if (parts[i].count > 0) {
            parts[used++] = parts[i];
        }
    }
    return used;
}

za_code za_store_load_groups(za_store *store, const za_long_table *table, za_skipped *skipped, za_error *error)
{
    bool sorted = true;
    za_loading loading = loading_of(store, table->chunks, skipped != NULL, error);
    int64_t *order = NULL;
    za_part *parts = za_alloc_zeroed((size_t)table->name_count, sizeof *parts);
    za_code code = parts == NULL ? za_fail_memory(error) : count_rows(table, parts, &sorted, error);
    if (code == ZA_OK && !sorted) {
        code = order_rows(table, parts, &order, error);
    }
    if (code != ZA_OK) {
        goto done;
    }
    int32_t count = drop_empty(parts, table->name_count);
    if (count == 0) {
        code = za_fail(error, ZA_BAD_VALUE, "the table has no rows");
        goto done;
    }
    code = load_parts(store, &loading, parts, count);
    if (code == ZA_OK && skipped != NULL) {
        *skipped = loading.skipped;
    }
done:
    za_free(order);
    za_free(parts);
    return code;
}
