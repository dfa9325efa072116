#include "store/store.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "store/changed.h"
#include "store/entry.h"
#include "store/labels.h"
#include "store/store_inside.h"
#include "store/tail.h"

/* Returns whether to free the bars takes more than a quarter of a millisecond: the block of a symbol as long as sixteen
 * bars.
 */
static bool are_many(const za_store *store)
{
    return (size_t)store->stats.bars + 16 * store->symbols.count >= 1 << 16;
}

za_store *za_store_new(za_store_options options)
{
    za_store *store = za_alloc_zeroed(1, sizeof *store);
    if (store == NULL) {
        return NULL;
    }
    (void)pthread_mutex_init(&store->mutex, NULL); /* without attributes it needs nothing that may be missing */
    store->options = options;
    store->fork_lock.mutex = &store->mutex;
    if (za_fork_list(ZA_FORK_STORE, &store->fork_lock) != 0) {
        za_store_free(store);
        return NULL;
    }
    return store;
}

void za_store_free(za_store *store)
{
    if (store == NULL) {
        return;
    }
    za_fork_unlist(&store->fork_lock);
    bool many = are_many(store);
    za_symbols_free(za_symbols_take(&store->symbols), many);
    za_store_free_labels(store);
    (void)pthread_mutex_destroy(&store->mutex);
    za_free(store);
}

za_store_options za_store_options_of(const za_store *store)
{
    return store->options;
}

/* After it, the bar can be written; what the entry shows has not changed. */
static bool reserve(za_store *store, za_entry *entry, int64_t time)
{
    if (za_entry_replaces(store, entry, time)) {
        return za_entry_unshare(store, entry);
    }
    return za_entry_room(entry) > 0 || za_entry_make_room(store, entry);
}

/* Cannot fail after reserve(). */
static void write_bar(za_store *store, za_entry *entry, const za_bar *bar)
{
    if (za_entry_replaces(store, entry, bar->time)) {
        za_block_write(entry->block, entry->last - 1, bar);
        store->stats.replaced++;
        entry->revisions++;
    } else {
        za_block_write(entry->block, entry->last++, bar);
        int64_t first = za_entry_first(store, entry);
        store->stats.bars += 1 - (first - entry->first);
        entry->first = first;
        entry->end++;
        store->stats.appended++;
    }
    entry->naive = bar->naive;
    za_entry_note_change(store, entry);
    za_changed_add(store, entry);
}

static za_code check_order(const za_store *store, const za_entry *entry, const za_bar *bar, int64_t row,
                           za_error *error)
{
    if (!store->options.ordered || entry == NULL || entry->last == entry->first ||
        za_entry_replaces(store, entry, bar->time)) {
        return ZA_OK;
    }
    return za_bar_check_time(bar->time, za_block_time(entry->block)[entry->last - 1], entry->name, row, error);
}

/* Everything that can refuse a bar, before anything is changed; `row` is negative where there is but one. Under the
 * lock. */
static za_code check_append(za_store *store, za_symbol symbol, const za_bar *bar, int64_t row, za_error *error)
{
    if (symbol.length == 0) {
        return za_fail(error, ZA_BAD_VALUE, "symbol at position %lld is empty", row < 0 ? 0LL : (long long)row);
    }
    za_code code = za_bar_check(bar, store->options.ordered, symbol, row, error);
    return code != ZA_OK ? code : check_order(store, za_store_find(store, symbol), bar, row, error);
}

/* The entry for bar `i`, with room for it. Takes back an entry made for nothing. Under the lock. */
static za_code prepare_append(za_store *store, za_symbol symbol, const za_bar *bar, size_t i, za_error *error)
{
    bool made;
    za_entry *entry = za_symbols_add(&store->symbols, symbol, &made);
    if (entry == NULL) {
        return za_fail_memory(error);
    }
    if (entry->mark == store->last_mark) {
        return za_fail(error, ZA_BAD_VALUE, "%.*s appears twice in one cross section, again at position %zu",
                       za_symbol_shown(symbol), symbol.text, i);
    }
    if (!reserve(store, entry, bar->time)) {
        if (made) {
            za_symbols_remove(&store->symbols, entry);
        }
        return za_fail_memory(error);
    }
    if (made) {
        za_store_begin_entry(store, entry);
    }
    entry->mark = store->last_mark;
    return ZA_OK;
}

/* Entries without bars are those that the failed call made: none other are ever empty. Under the lock. */
static void take_back(za_store *store, const za_symbol *symbols, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        za_entry *entry = za_store_find(store, symbols[i]);
        if (entry != NULL && entry->last == entry->first) {
            za_store_remove_entry(store, entry);
        }
    }
}

static za_code append_locked(za_store *store, const za_symbol *symbols, const za_bar *bars, size_t count,
                             za_error *error)
{
    za_code code = ZA_OK;
    for (size_t i = 0; code == ZA_OK && i < count; i++) {
        code = check_append(store, symbols[i], &bars[i], count == 1 ? -1 : (int64_t)i, error);
    }
    if (code != ZA_OK) {
        store->stats.rejected++;
        return code;
    }
    store->last_mark++;
    size_t prepared = 0;
    while (prepared < count &&
           (code = prepare_append(store, symbols[prepared], &bars[prepared], prepared, error)) == ZA_OK) {
        prepared++;
    }
    if (code != ZA_OK) {
        store->stats.rejected += code == ZA_BAD_VALUE;
        take_back(store, symbols, prepared);
        return code;
    }
    for (size_t i = 0; i < count; i++) {
        za_entry *entry = za_symbols_find(&store->symbols, symbols[i]);
        write_bar(store, entry, &bars[i]);
        za_tail_take_over(entry);
    }
    return ZA_OK;
}

za_code za_store_append_all(za_store *store, const za_symbol *symbols, const za_bar *bars, size_t count,
                            za_error *error)
{
    pthread_mutex_lock(&store->mutex);
    za_code code = append_locked(store, symbols, bars, count, error);
    pthread_mutex_unlock(&store->mutex);
    return code;
}

za_code za_store_append(za_store *store, za_symbol symbol, const za_bar *bar, za_error *error)
{
    return za_store_append_all(store, &symbol, bar, 1, error);
}

static za_view view_of(const za_entry *entry)
{
    if (entry == NULL || entry->block == NULL) {
        return (za_view){0};
    }
    za_block_retain(entry->block);
    return (za_view){
        .rows = za_block_rows(entry->block, entry->first, entry->last),
        .block = entry->block,
        .progress = {.id = entry->id,
                     .generation = entry->generation,
                     .end = entry->end,
                     .revisions = entry->revisions},
        .naive = entry->naive,
    };
}

/* Under the lock. To take a reference waits for the block's line: so the lines of several are asked for first. */
static void view_some(za_store *store, const za_symbol *symbols, size_t count, za_view *views)
{
    za_entry *entries[ZA_NAMES_AT_ONCE];
    za_symbols_find_some(&store->symbols, symbols, count, entries);
    for (size_t i = 0; i < count; i++) {
        if (entries[i] != NULL) {
            za_tail_fold(store, entries[i]);
            __builtin_prefetch(entries[i]->block, 1);
        }
    }
    for (size_t i = 0; i < count; i++) {
        views[i] = view_of(entries[i]);
    }
}

uint64_t za_store_views(za_store *store, const za_symbol *symbols, size_t count, za_view *views)
{
    pthread_mutex_lock(&store->mutex);
    uint64_t sequence = atomic_load_explicit(&store->sequence, memory_order_relaxed);
    for (size_t at = 0; at < count; at += ZA_NAMES_AT_ONCE) {
        size_t some = count - at < ZA_NAMES_AT_ONCE ? count - at : ZA_NAMES_AT_ONCE;
        view_some(store, symbols + at, some, views + at);
    }
    pthread_mutex_unlock(&store->mutex);
    return sequence;
}

za_view za_store_view(za_store *store, za_symbol symbol)
{
    za_view view;
    (void)za_store_views(store, &symbol, 1, &view);
    return view;
}

void za_view_release(za_view *view)
{
    za_block_release(view->block);
    *view = (za_view){0};
}

uint64_t za_store_sequence(const za_store *store)
{
    return atomic_load_explicit(&store->sequence, memory_order_acquire);
}

bool za_store_contains(za_store *store, za_symbol symbol)
{
    pthread_mutex_lock(&store->mutex);
    bool found = za_symbols_find(&store->symbols, symbol) != NULL;
    pthread_mutex_unlock(&store->mutex);
    return found;
}

bool za_store_drop(za_store *store, za_symbol symbol)
{
    pthread_mutex_lock(&store->mutex);
    za_entry *entry = za_store_find(store, symbol);
    if (entry != NULL) {
        za_tail_drop(entry);
        za_store_remove_entry(store, entry);
    }
    pthread_mutex_unlock(&store->mutex);
    return entry != NULL;
}

void za_store_clear(za_store *store)
{
    pthread_mutex_lock(&store->mutex);
    za_tail_forget(store);
    bool many = are_many(store);
    za_symbols gone = za_symbols_take(&store->symbols);
    store->changed = NULL;
    atomic_store_explicit(&store->changes, 0, memory_order_relaxed);
    store->forgotten = 1 + atomic_fetch_add_explicit(&store->sequence, 1, memory_order_release);
    store->counted = store->above = 0;
    store->stats.bars = store->stats.bytes = 0;
    pthread_mutex_unlock(&store->mutex);
    za_symbols_free(gone, many);
}

int64_t za_store_length(za_store *store)
{
    pthread_mutex_lock(&store->mutex);
    int64_t length = (int64_t)store->symbols.count;
    pthread_mutex_unlock(&store->mutex);
    return length;
}

za_membership za_store_membership(za_store *store)
{
    pthread_mutex_lock(&store->mutex);
    za_membership membership = {.came = store->symbols.last_id, .count = store->symbols.count};
    pthread_mutex_unlock(&store->mutex);
    return membership;
}

za_store_stats za_store_stats_of(za_store *store)
{
    pthread_mutex_lock(&store->mutex);
    za_store_stats stats = store->stats;
    stats.symbols = (int64_t)store->symbols.count;
    stats.bytes *= (int64_t)(sizeof(int64_t) + (size_t)(ZA_FIGURE_COUNT + store->options.further) * sizeof(double));
    stats.bytes += za_tail_bytes(store);
    pthread_mutex_unlock(&store->mutex);
    return stats;
}

/* Names behind their list, in one block. Under the lock. */
static za_symbol *copy_names(const za_symbols *symbols)
{
    size_t bytes = symbols->count * sizeof(za_symbol);
    for (size_t i = 0; i < symbols->used; i++) {
        bytes += symbols->entries[i] != NULL ? symbols->entries[i]->name.length : 0;
    }
    za_symbol *names = za_alloc(bytes, 1);
    if (names == NULL) {
        return NULL;
    }
    za_symbol *name = names;
    char *text = (char *)(names + symbols->count);
    for (size_t i = 0; i < symbols->used; i++) {
        const za_entry *entry = symbols->entries[i];
        if (entry != NULL) {
            memcpy(text, entry->name.text, entry->name.length);
            *name++ = (za_symbol){.text = text, .length = entry->name.length};
            text += entry->name.length;
        }
    }
    return names;
}

za_symbol *za_store_symbols(za_store *store, size_t *count)
{
    pthread_mutex_lock(&store->mutex);
    za_symbol *names = copy_names(&store->symbols);
    *count = store->symbols.count;
    pthread_mutex_unlock(&store->mutex);
    return names;
}

double za_store_vix(za_store *store)
{
    static const za_symbol names[] = {{"^VIX", 4}, {"VIX", 3}};
    double level = 20.0;
    pthread_mutex_lock(&store->mutex);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const za_entry *entry = za_store_find(store, names[i]);
        if (entry != NULL && entry->last > entry->first) {
            level = za_block_column(entry->block, ZA_FIGURE_CLOSE)[entry->last - 1];
            break;
        }
    }
    pthread_mutex_unlock(&store->mutex);
    return level;
}
