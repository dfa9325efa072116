#include "store/entry.h"

#include "store/changed.h"

bool za_entry_replaces(const za_store *store, const za_entry *entry, int64_t time)
{
    return store->options.ordered && entry->last > entry->first && za_block_time(entry->block)[entry->last - 1] == time;
}

int64_t za_entry_room(const za_entry *entry)
{
    return entry->block == NULL ? 0 : entry->block->rows - entry->last;
}

int64_t za_entry_first(const za_store *store, const za_entry *entry)
{
    int64_t bars = entry->last - entry->first, capacity = store->options.capacity;
    return bars > capacity ? entry->last - capacity : entry->first;
}

/* Rows to make when `live` bars need a block with room for one more: half as many again, never above twice the
 * capacity, so that memory stays below twice what the bars need and a full block is compacted only every so often. */
static int64_t rows_for(const za_store *store, int64_t live)
{
    int64_t most = 2 * store->options.capacity, rows = live + live / 2 + 8;
    return rows < most ? rows : most;
}

/* Moves the entry's bars into a block of `rows` rows of their own. */
static bool move_to_new_block(za_store *store, za_entry *entry, int64_t rows)
{
    za_block *block = za_block_new(rows, store->options.further);
    if (block == NULL) {
        return false;
    }
    if (entry->block != NULL) {
        za_rows old = za_block_rows(entry->block, entry->first, entry->last);
        za_block_copy(block, 0, &old);
        store->stats.bytes -= entry->block->rows;
        za_block_release(entry->block);
    }
    store->stats.bytes += rows;
    entry->block = block;
    entry->last -= entry->first;
    entry->first = 0;
    return true;
}

bool za_entry_make_room(za_store *store, za_entry *entry)
{
    int64_t live = entry->last - entry->first;
    int64_t rows = rows_for(store, live);
    if (entry->block != NULL && live < entry->block->rows * 3 / 4 && !za_block_is_shared(entry->block)) {
        za_rows bars = za_block_rows(entry->block, entry->first, entry->last);
        za_block_copy(entry->block, 0, &bars);
        entry->first = 0;
        entry->last = live;
        return true;
    }
    return move_to_new_block(store, entry, rows > live ? rows : live + 1);
}

bool za_entry_unshare(za_store *store, za_entry *entry)
{
    return !za_block_is_shared(entry->block) || move_to_new_block(store, entry, entry->block->rows);
}

void za_store_begin_entry(za_store *store, za_entry *entry)
{
    entry->generation = ++store->last_generation;
    entry->end = entry->revisions = 0;
}

void za_entry_note_change(za_store *store, const za_entry *entry)
{
    struct za_change *change = &store->journal[store->journaled++ % ZA_JOURNAL];
    store->forgotten = change->sequence > store->forgotten ? change->sequence : store->forgotten;
    change->sequence = 1 + atomic_fetch_add_explicit(&store->sequence, 1, memory_order_release);
    change->id = entry->id;
}

void za_store_put_block(za_store *store, za_entry *entry, za_block *block, int64_t count)
{
    if (entry->block != NULL) {
        store->stats.bytes -= entry->block->rows;
        za_block_release(entry->block);
    }
    store->stats.bars += count - (entry->last - entry->first);
    store->stats.bytes += block->rows;
    entry->block = block;
    entry->first = 0;
    entry->last = count;
    za_store_begin_entry(store, entry);
    entry->end = count;
    za_entry_note_change(store, entry);
    za_changed_add(store, entry);
}

void za_store_remove_entry(za_store *store, za_entry *entry)
{
    za_entry_note_change(store, entry);
    za_changed_forget(store, entry);
    store->stats.bars -= entry->last - entry->first;
    store->stats.bytes -= entry->block != NULL ? entry->block->rows : 0;
    za_block_release(entry->block);
    za_symbols_remove(&store->symbols, entry);
}
