#include "store/entry.h"

#include "store/breadth.h"

void za_store_begin_entry(za_store *store, za_entry *entry)
{
    entry->generation = ++store->last_generation;
    entry->end = entry->revisions = 0;
}

void za_store_touch_entry(za_store *store, za_entry *entry)
{
    (void)atomic_fetch_add_explicit(&store->sequence, 1, memory_order_release);
    za_breadth_touch(store, entry);
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
    za_store_touch_entry(store, entry);
}

void za_store_remove_entry(za_store *store, za_entry *entry)
{
    (void)atomic_fetch_add_explicit(&store->sequence, 1, memory_order_release);
    za_breadth_forget(store, entry);
    store->stats.bars -= entry->last - entry->first;
    store->stats.bytes -= entry->block != NULL ? entry->block->rows : 0;
    za_block_release(entry->block);
    za_symbols_remove(&store->symbols, entry);
}
