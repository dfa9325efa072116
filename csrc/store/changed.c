#include "store/changed.h"

static void uncount(za_store *store, za_entry *entry)
{
    store->counted -= entry->breadth != ZA_BREADTH_UNCOUNTED;
    store->above -= entry->breadth == ZA_BREADTH_ABOVE;
    entry->breadth = ZA_BREADTH_UNCOUNTED;
}

void za_changed_unlink(za_store *store, za_entry *entry)
{
    *(entry->previous_changed != NULL ? &entry->previous_changed->next_changed : &store->changed) = entry->next_changed;
    if (entry->next_changed != NULL) {
        entry->next_changed->previous_changed = entry->previous_changed;
    }
    entry->next_changed = entry->previous_changed = NULL;
    entry->changed = false;
    (void)atomic_fetch_sub_explicit(&store->changes, 1, memory_order_relaxed);
}

void za_changed_add(za_store *store, za_entry *entry)
{
    if (entry->changed || !store->options.ordered) {
        return;
    }
    uncount(store, entry);
    entry->changed = true;
    entry->next_changed = store->changed;
    if (store->changed != NULL) {
        store->changed->previous_changed = entry;
    }
    store->changed = entry;
    (void)atomic_fetch_add_explicit(&store->changes, 1, memory_order_relaxed);
}

void za_changed_forget(za_store *store, za_entry *entry)
{
    if (entry->changed) {
        za_changed_unlink(store, entry);
    } else {
        uncount(store, entry);
    }
}
