#include "store/symbols.h"

#include <stdatomic.h>
#include <string.h>

#include "base/memory.h"
#include "pool/shared_pool.h"

enum { LEAST_SLOTS = 16, SLAB_ENTRIES = 256 };

struct za_slab {
    za_slab *next;
    za_entry entries[SLAB_ENTRIES];
};

/* FNV-1a with a final mix: names are a few bytes long. */
static uint64_t hash_of(za_symbol name)
{
    uint64_t hash = 14695981039346656037u;
    for (size_t i = 0; i < name.length; i++) {
        hash = (hash ^ (unsigned char)name.text[i]) * 1099511628211u;
    }
    return hash ^ (hash >> 32);
}

static bool is_named(const za_entry *entry, uint64_t hash, za_symbol name)
{
    return entry->hash == hash && entry->name.length == name.length &&
           memcmp(entry->name.text, name.text, name.length) == 0;
}

/* NULL of a free slot, and of one whose entry was removed. */
static za_entry *entry_at(const za_symbols *symbols, uint64_t slot)
{
    return slot == 0 ? NULL : symbols->entries[(uint32_t)slot - 1];
}

static uint64_t slot_to(uint64_t hash, size_t number)
{
    return (hash >> 32 << 32) | (number + 1);
}

/* The first slot from number `at` on that is free, or is of a name with that hash as far as slots tell. Needs at least
 * one free slot. */
static size_t likely_slot(const za_symbols *symbols, uint64_t hash, size_t at)
{
    size_t mask = symbols->slot_count - 1;
    while (symbols->slots[at & mask] != 0 && symbols->slots[at & mask] >> 32 != hash >> 32) {
        at++;
    }
    return at & mask;
}

/* The slot that leads to the name, or the free one where the search ends. */
static uint64_t *slot_of(const za_symbols *symbols, uint64_t hash, za_symbol name)
{
    for (size_t at = likely_slot(symbols, hash, hash);; at = likely_slot(symbols, hash, at + 1)) {
        const za_entry *entry = entry_at(symbols, symbols->slots[at]);
        if (symbols->slots[at] == 0 || (entry != NULL && is_named(entry, hash, name))) {
            return &symbols->slots[at];
        }
    }
}

za_entry *za_symbols_find(const za_symbols *symbols, za_symbol name)
{
    return symbols->count == 0 ? NULL : entry_at(symbols, *slot_of(symbols, hash_of(name), name));
}

void za_symbols_find_some(const za_symbols *symbols, const za_symbol *names, size_t count, za_entry **found)
{
    uint64_t hashes[ZA_NAMES_AT_ONCE], slots[ZA_NAMES_AT_ONCE];
    const size_t mask = symbols->slot_count - 1;
    if (symbols->count == 0) {
        memset(found, 0, count * sizeof *found);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        hashes[i] = hash_of(names[i]);
        __builtin_prefetch(&symbols->slots[hashes[i] & mask]);
    }
    for (size_t i = 0; i < count; i++) {
        slots[i] = symbols->slots[likely_slot(symbols, hashes[i], hashes[i])];
        __builtin_prefetch(&symbols->entries[slots[i] == 0 ? 0 : (uint32_t)slots[i] - 1]);
    }
    for (size_t i = 0; i < count; i++) {
        found[i] = entry_at(symbols, slots[i]);
        if (found[i] != NULL) {
            __builtin_prefetch(found[i]);
            __builtin_prefetch(found[i]->short_name);
        }
    }
    for (size_t i = 0; i < count; i++) {
        if (found[i] == NULL || !is_named(found[i], hashes[i], names[i])) {
            found[i] = entry_at(symbols, *slot_of(symbols, hashes[i], names[i]));
        }
    }
}

/* Closes the holes and indexes anew, with room for one more entry. False without memory: then nothing changed. */
static bool make_room(za_symbols *symbols)
{
    if (symbols->used < symbols->room && symbols->used < symbols->slot_count / 2) {
        return true;
    }
    size_t room = (symbols->count + 1) * 2, slot_count = LEAST_SLOTS;
    while (slot_count < 2 * room) {
        slot_count *= 2;
    }
    if (room >= UINT32_MAX) {
        return false;
    }
    za_entry **entries = za_alloc(room, sizeof *entries);
    uint64_t *slots = za_alloc_zeroed(slot_count, sizeof *slots);
    if (entries == NULL || slots == NULL) {
        za_free(entries);
        za_free(slots);
        return false;
    }
    uint32_t used = 0;
    for (size_t i = 0; i < symbols->used; i++) {
        za_entry *entry = symbols->entries[i];
        if (entry == NULL) {
            continue;
        }
        entries[used] = entry;
        size_t at = entry->hash & (slot_count - 1);
        while (slots[at] != 0) {
            at = (at + 1) & (slot_count - 1);
        }
        slots[at] = slot_to(entry->hash, used++);
    }
    za_free(symbols->entries);
    za_free(symbols->slots);
    symbols->entries = entries;
    symbols->used = used;
    symbols->room = room;
    symbols->slots = slots;
    symbols->slot_count = slot_count;
    return true;
}

static bool add_slab(za_symbols *symbols)
{
    za_slab *slab = za_alloc_aligned(1, sizeof *slab);
    if (slab == NULL) {
        return false;
    }
    slab->next = symbols->slabs;
    symbols->slabs = slab;
    for (int i = SLAB_ENTRIES - 1; i >= 0; i--) {
        slab->entries[i].next_changed = symbols->spare;
        symbols->spare = &slab->entries[i];
    }
    return true;
}

static za_entry *new_entry(za_symbols *symbols, za_symbol name, uint64_t hash)
{
    if (symbols->spare == NULL && !add_slab(symbols)) {
        return NULL;
    }
    za_entry *entry = symbols->spare, *spare = entry->next_changed;
    *entry =
        (za_entry){.id = ++symbols->last_id, .hash = hash, .name = {.text = entry->short_name, .length = name.length}};
    if (name.length > ZA_SHORT_NAME) {
        entry->name.text = za_copy_text(name.text, name.length);
    } else {
        memcpy(entry->short_name, name.text, name.length);
    }
    if (entry->name.text == NULL) {
        entry->next_changed = spare;
        return NULL;
    }
    symbols->spare = spare;
    return entry;
}

static void free_name(za_entry *entry)
{
    if (entry->name.text != entry->short_name) {
        za_free((char *)(uintptr_t)entry->name.text);
    }
}

static void free_entry(za_symbols *symbols, za_entry *entry)
{
    free_name(entry);
    entry->id = 0;
    entry->next_changed = symbols->spare;
    symbols->spare = entry;
}

za_entry *za_symbols_add(za_symbols *symbols, za_symbol name, bool *made)
{
    za_entry *entry = za_symbols_find(symbols, name);
    *made = entry == NULL;
    if (entry != NULL) {
        return entry;
    }
    uint64_t hash = hash_of(name);
    if (!make_room(symbols) || (entry = new_entry(symbols, name, hash)) == NULL) {
        return NULL;
    }
    *slot_of(symbols, hash, name) = slot_to(hash, symbols->used);
    symbols->entries[symbols->used++] = entry;
    symbols->count++;
    return entry;
}

void za_symbols_remove(za_symbols *symbols, za_entry *entry)
{
    /* The slot keeps pointing at the hole, so that searches for others go on past it. */
    symbols->entries[(uint32_t)*slot_of(symbols, entry->hash, entry->name) - 1] = NULL;
    symbols->count--;
    free_entry(symbols, entry);
}

za_symbols za_symbols_take(za_symbols *symbols)
{
    za_symbols taken = *symbols;
    *symbols = (za_symbols){.last_id = taken.last_id, .clears = taken.clears + 1};
    return taken;
}

/* Releases what the entries from `begin` to `end` hold. */
static void release_entries(za_symbols *taken, size_t begin, size_t end)
{
    for (size_t i = begin; i < end; i++) {
        if (taken->entries[i] != NULL) {
            za_block_release(taken->entries[i]->block);
            free_name(taken->entries[i]);
            taken->entries[i] = NULL;
        }
    }
}

static void free_taken(za_symbols *taken)
{
    release_entries(taken, 0, taken->used);
    while (taken->slabs != NULL) {
        za_slab *slab = taken->slabs;
        taken->slabs = slab->next;
        za_free(slab);
    }
    za_free(taken->entries);
    za_free(taken->slots);
}

typedef struct freeing {
    za_job job; /* first, so that a pointer to it is one to the rest */
    za_symbols taken;
} freeing;

/* Whether there is one: others are done at once, so that no memory gathers behind a pool that is busy. In the child of
 * a fork meanwhile it stays so. */
static atomic_flag is_freeing = ATOMIC_FLAG_INIT;

static void run_freeing(za_job *job, size_t begin, size_t end, za_scratch *scratch)
{
    (void)scratch;
    release_entries(&((freeing *)(void *)job)->taken, begin, end);
}

/* Also of a job that was given up, since the pool closes. */
static void end_freeing(za_job *job)
{
    freeing *ended = (freeing *)(void *)job;
    free_taken(&ended->taken);
    za_free(ended);
    atomic_flag_clear(&is_freeing);
}

static bool begin_freeing(za_symbols taken)
{
    za_pool *pool = za_pool_shared();
    freeing *begun = pool == NULL ? NULL : za_alloc(1, sizeof *begun);
    if (begun == NULL) {
        return false;
    }
    *begun = (freeing){
        .job =
            {.run = run_freeing, .done = end_freeing, .count = taken.used, .grain = SLAB_ENTRIES, .urgency = ZA_BULK},
        .taken = taken,
    };
    bool good = za_pool_submit(pool, &begun->job, NULL) == ZA_OK;
    if (!good) {
        za_free(begun);
    }
    return good;
}

void za_symbols_free(za_symbols taken, bool later)
{
    if (later && !atomic_flag_test_and_set(&is_freeing)) {
        if (begin_freeing(taken)) {
            return;
        }
        atomic_flag_clear(&is_freeing);
    }
    free_taken(&taken);
}
