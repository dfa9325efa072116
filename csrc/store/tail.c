#include "store/tail.h"

#include "base/memory.h"
#include "store/changed.h"
#include "store/entry.h"

/* Members folded each time the lock is taken for that alone: about 100 microseconds. */
enum { AT_ONCE = 1024 };

/* Parts that the members are folded in, one at every fourth section: three sections of four are as quick as they can
 * be, and the fourth waits for no more than a quarter. */
enum { PARTS = 4 };

/* Sets what the universe knows of the member's bars, all of which are in its entry. */
static void take_over(za_universe *universe, size_t place)
{
    const za_entry *entry = universe->members[place].entry;
    int64_t bars = entry == NULL ? 0 : entry->last - entry->first;
    universe->folded[place] = universe->accepted;
    universe->last_time[place] = bars == 0 ? ZA_TIME_MISSING : za_block_time(entry->block)[entry->last - 1];
    universe->room[place] = entry == NULL ? 0 : za_entry_room(entry);
    universe->bars[place] = bars;
}

void za_tail_take_over(za_entry *entry)
{
    if (entry->universe != NULL) {
        take_over(entry->universe, entry->place);
    }
}

/* The rows of the entry's block for its bars in sections [from, accepted), in their order; -1: a section has none. */
static void choose_rows(const za_store *store, const za_universe *universe, za_entry *entry, uint64_t from,
                        int64_t rows[ZA_TAIL])
{
    int64_t last_time = entry->last > entry->first && store->options.ordered
                            ? za_block_time(entry->block)[entry->last - 1]
                            : ZA_TIME_MISSING;
    for (uint64_t number = from; number < universe->accepted; number++) {
        const za_section *section = universe->sections[number % ZA_TAIL];
        rows[number - from] = -1;
        if (!za_section_has(section, entry->place)) {
            continue;
        }
        if (section->time == last_time) {
            entry->revisions++;
        } else {
            za_block_time(entry->block)[entry->last++] = section->time;
            entry->end++;
        }
        last_time = store->options.ordered ? section->time : ZA_TIME_MISSING;
        entry->naive = section->naive;
        rows[number - from] = entry->last - 1;
    }
}

static void fold(za_store *store, za_universe *universe, za_entry *entry)
{
    uint64_t from = universe->folded[entry->place], end = universe->accepted;
    int64_t rows[ZA_TAIL], last = entry->last;
    int64_t revisions = entry->revisions;
    if (from == end) {
        return;
    }
    choose_rows(store, universe, entry, from, rows);
    universe->folded[entry->place] = end;
    if (entry->last == last && entry->revisions == revisions) {
        return;
    }
    for (int column = 0; column < entry->block->columns; column++) {
        double *values = za_block_column(entry->block, column);
        for (uint64_t number = from; number < end; number++) {
            if (rows[number - from] >= 0) {
                values[rows[number - from]] =
                    za_section_column(universe->sections[number % ZA_TAIL], column)[entry->place];
            }
        }
    }
    entry->first = za_entry_first(store, entry);
    za_changed_add(store, entry);
}

void za_tail_fold(za_store *store, za_entry *entry)
{
    if (entry->universe != NULL) {
        fold(store, entry->universe, entry);
    }
}

za_entry *za_store_find(za_store *store, za_symbol symbol)
{
    za_entry *entry = za_symbols_find(&store->symbols, symbol);
    if (entry != NULL) {
        za_tail_fold(store, entry);
    }
    return entry;
}

static void fold_members(za_store *store, za_universe *universe, size_t from, size_t end)
{
    for (size_t place = from; place < end; place++) {
        za_entry *entry = universe->members[place].entry;
        if (entry != NULL) {
            fold(store, universe, entry);
        }
    }
}

/* Notes that the members before `swept` have no bars in the tail. */
static void sweep(za_store *store, za_universe *universe, size_t swept)
{
    (void)atomic_fetch_add_explicit(&store->tailed, universe->swept - swept, memory_order_relaxed);
    universe->swept = swept;
}

/* Folds some of what is in tails. False when nothing is left. Under the lock. */
static bool fold_some(za_store *store)
{
    za_universe *universe = store->universes;
    while (universe != NULL && universe->swept == universe->count) {
        universe = universe->next;
    }
    if (universe == NULL) {
        return false;
    }
    size_t left = universe->count - universe->swept, end = left < AT_ONCE ? universe->count : universe->swept + AT_ONCE;
    fold_members(store, universe, universe->swept, end);
    sweep(store, universe, end);
    return true;
}

void za_tail_fold_all(za_store *store)
{
    int64_t parts = (int64_t)(atomic_load_explicit(&store->tailed, memory_order_relaxed) / AT_ONCE) + ZA_TAIL;
    for (bool is_left = true; is_left; parts--) {
        pthread_mutex_lock(&store->mutex);
        do {
            is_left = fold_some(store);
        } while (is_left && parts <= 0); /* a writer brings more than was there: the rest without a break */
        pthread_mutex_unlock(&store->mutex);
    }
}

int64_t za_tail_bytes(const za_store *store)
{
    int64_t bytes = 0;
    for (const za_universe *universe = store->universes; universe != NULL; universe = universe->next) {
        for (int i = 0; i < ZA_TAIL; i++) {
            const za_section *section = universe->sections[i];
            bytes += section == NULL ? 0 : (int64_t)(section->stride * (size_t)section->columns * sizeof(double));
        }
    }
    return bytes;
}

/* A section is no longer in a tail. */
static void forget(za_store *store, const za_section *section)
{
    if (section != NULL && section->sequence > store->forgotten) {
        store->forgotten = section->sequence;
    }
}

static void unlink_universe(za_store *store, za_universe *universe)
{
    *(universe->previous != NULL ? &universe->previous->next : &store->universes) = universe->next;
    if (universe->next != NULL) {
        universe->next->previous = universe->previous;
    }
    universe->next = universe->previous = NULL;
    universe->is_attached = false;
    universe->part_next = universe->part_end;
    for (int i = 0; i < ZA_TAIL; i++) {
        forget(store, universe->sections[i]);
    }
    sweep(store, universe, universe->count);
}

void za_tail_detach(za_store *store, za_universe *universe)
{
    fold_members(store, universe, 0, universe->count);
    for (size_t place = 0; place < universe->count; place++) {
        if (universe->members[place].entry != NULL) {
            universe->members[place].entry->universe = NULL;
        }
    }
    unlink_universe(store, universe);
}

void za_tail_drop(za_entry *entry)
{
    za_universe *universe = entry->universe;
    if (universe != NULL) {
        universe->members[entry->place].entry = NULL;
        universe->is_broken = true;
        universe->broken_at = entry->place;
        take_over(universe, entry->place);
    }
}

void za_tail_forget(za_store *store)
{
    while (store->universes != NULL) {
        unlink_universe(store, store->universes);
    }
}

static za_code fail_dropped(const za_universe *universe, size_t place, za_error *error)
{
    za_symbol name = za_roster_symbol(universe->roster, place);
    return za_fail(error, ZA_BAD_VALUE, "%.*s was dropped from the store after the universe was made: make a new one",
                   za_symbol_shown(name), name.text);
}

static za_code check_members(const za_store *store, const za_universe *universe, za_error *error)
{
    for (size_t place = 0; place < universe->count; place++) {
        const za_member *member = &universe->members[place];
        if (member->entry == NULL) {
            continue;
        }
        if (universe->clears != store->symbols.clears || member->entry->id != member->id) {
            return fail_dropped(universe, place, error);
        }
    }
    return ZA_OK;
}

/* The entry, which may have been another universe's, leads to this one. */
static void take_entry(za_store *store, za_universe *universe, size_t place, za_entry *entry)
{
    if (entry->universe != NULL) {
        za_tail_detach(store, entry->universe);
    }
    universe->members[place] = (za_member){.entry = entry, .id = entry->id};
    entry->universe = universe;
    entry->place = place;
    take_over(universe, place);
}

/* The entries of the members lead to the universe from here on. */
static za_code attach(za_store *store, za_universe *universe, za_error *error)
{
    za_code code = check_members(store, universe, error);
    if (code != ZA_OK) {
        return code;
    }
    for (size_t place = 0; place < universe->count; place++) {
        if (universe->members[place].entry != NULL) {
            take_entry(store, universe, place, universe->members[place].entry);
        } else {
            take_over(universe, place);
        }
    }
    universe->clears = store->symbols.clears;
    universe->is_attached = true;
    universe->swept = universe->count;
    universe->next = store->universes;
    if (universe->next != NULL) {
        universe->next->previous = universe;
    }
    store->universes = universe;
    return ZA_OK;
}

/* The entry of a member that had none when it was looked up, if there is one now. */
static void find_entry(za_store *store, za_universe *universe, size_t place)
{
    za_entry *entry = za_symbols_find(&store->symbols, za_roster_symbol(universe->roster, place));
    if (entry != NULL) {
        take_entry(store, universe, place, entry);
    }
}

/* A new entry for a member. */
static bool add_entry(za_store *store, za_universe *universe, size_t place)
{
    bool made;
    za_entry *entry = za_symbols_add(&store->symbols, za_roster_symbol(universe->roster, place), &made);
    if (entry != NULL) {
        za_store_begin_entry(store, entry);
        take_entry(store, universe, place, entry);
    }
    return entry != NULL;
}

/* Entries that were made for a section that was not accepted are the only ones without bars. */
static void take_back(za_store *store, za_universe *universe)
{
    for (size_t place = 0; place < universe->count; place++) {
        za_entry *entry = universe->members[place].entry;
        if (entry != NULL && universe->bars[place] == 0) {
            universe->members[place] = (za_member){0};
            za_store_remove_entry(store, entry);
            take_over(universe, place);
        }
    }
}

static bool replaces(const za_store *store, const za_universe *universe, size_t place, int64_t time)
{
    return store->options.ordered && universe->last_time[place] == time;
}

/* Returns whether the member's last bar is in the tail, where no view shows it. */
static bool is_in_tail(const za_universe *universe, size_t place)
{
    uint64_t number = universe->accepted;
    while (number > universe->folded[place] && !za_section_has(universe->sections[(number - 1) % ZA_TAIL], place)) {
        number--;
    }
    return number > universe->folded[place];
}

/* Room for the member's bar, where it takes a look at the entry. */
static bool make_ready(za_store *store, za_universe *universe, size_t place, int64_t time)
{
    if (universe->members[place].entry == NULL && !add_entry(store, universe, place)) {
        return false;
    }
    za_entry *entry = universe->members[place].entry;
    fold(store, universe, entry);
    bool ready = za_entry_replaces(store, entry, time) ? za_entry_unshare(store, entry)
                                                       : za_entry_room(entry) > 0 || za_entry_make_room(store, entry);
    take_over(universe, place);
    return ready;
}

/* Room for all bars of the section. */
static za_code make_all_ready(za_store *store, za_universe *universe, const za_section *section, za_error *error)
{
    for (size_t place = 0; place < universe->count; place++) {
        bool is_ready =
            replaces(store, universe, place, section->time) ? is_in_tail(universe, place) : universe->room[place] > 0;
        if (!is_ready && za_section_has(section, place) && !make_ready(store, universe, place, section->time)) {
            take_back(store, universe);
            return za_fail_memory(error);
        }
    }
    return ZA_OK;
}

static za_code check_order(za_store *store, za_universe *universe, const za_section *section, za_error *error)
{
    for (size_t place = 0; place < universe->count; place++) {
        if (universe->last_time[place] == ZA_TIME_MISSING && za_section_has(section, place)) {
            find_entry(store, universe, place);
        }
        if (store->options.ordered && universe->last_time[place] > section->time && za_section_has(section, place)) {
            return za_bar_check_time(section->time, universe->last_time[place],
                                     za_roster_symbol(universe->roster, place),
                                     universe->count == 1 ? -1 : (int64_t)place, error);
        }
    }
    return ZA_OK;
}

/* The section becomes the last one of the tail. The one in whose place it comes is in the columns of all members. */
static void push(za_store *store, za_universe *universe, za_section *section)
{
    za_section **slot = &universe->sections[universe->accepted % ZA_TAIL], *old = *slot;
    forget(store, old);
    bool is_free = old != NULL && universe->spare == NULL && atomic_load(&old->references) == 1;
    if (is_free) {
        universe->spare = old;
    } else {
        za_section_release(old);
    }
    *slot = section;
    universe->accepted++;
    section->sequence = 1 + atomic_fetch_add_explicit(&store->sequence, 1, memory_order_release);
    sweep(store, universe, 0);
}

/* Returns whether each bar of the section is a new one of a member that has others and room for it: what is so for most
 * sections takes one pass over the members, in which nothing depends on any of them. */
static bool is_plain(const za_store *store, const za_universe *universe, const za_section *section)
{
    const double *close = za_section_column(section, ZA_FIGURE_CLOSE);
    const int64_t *last = universe->last_time, *room = universe->room;
    int64_t latest = store->options.ordered ? section->time - 1 : INT64_MAX;
    bool plain = true;
    for (size_t place = 0; place < universe->count; place++) {
        bool missing = close[place] != close[place];
        plain &= missing | ((last[place] != ZA_TIME_MISSING) & (last[place] <= latest) & (room[place] > 0));
    }
    return plain;
}

/* Counts the bars of the section as if they were folded. */
static void count_bars(za_store *store, za_universe *universe, const za_section *section)
{
    const double *close = za_section_column(section, ZA_FIGURE_CLOSE);
    int64_t *last = universe->last_time, *room = universe->room, *bars = universe->bars;
    int64_t time = section->time, capacity = store->options.capacity, came = 0, replaced = 0, more = 0;
    bool ordered = store->options.ordered;
    for (size_t place = 0; place < universe->count; place++) {
        bool there = close[place] == close[place], again = there & ordered & (last[place] == time);
        bool added = there & !again, grown = added & (bars[place] < capacity);
        last[place] = there ? time : last[place];
        room[place] -= added;
        bars[place] += grown;
        came += there;
        replaced += again;
        more += grown;
    }
    store->stats.appended += came - replaced;
    store->stats.replaced += replaced;
    store->stats.bars += more;
}

/* Returns whether the member's block would be full before it is folded next, or not long after: how long depends on the
 * member, so that blocks that were made together are not all made anew together. */
static bool is_almost_full(const za_universe *universe, size_t place)
{
    const za_block *block = universe->members[place].entry->block;
    int64_t spread = block->rows / 8 + 1;
    return universe->room[place] < ZA_TAIL + (int64_t)((uint32_t)place * UINT32_C(2654435761) >> 8) % spread;
}

/* The members of one part after the other are folded, each before the first section that it needs is gone. */
static void begin_part(za_universe *universe)
{
    if (universe->accepted % (ZA_TAIL / PARTS) == 0) {
        size_t part = universe->accepted / (ZA_TAIL / PARTS) % PARTS;
        universe->part_next = universe->count * part / PARTS;
        universe->part_end = universe->count * (part + 1) / PARTS;
    }
}

/* Folds some members of the part that has begun, and makes their blocks larger beforehand, if there is memory: so a
 * section hardly ever waits for all of them. False when all are folded. */
static bool go_on(za_store *store, za_universe *universe)
{
    size_t from = universe->part_next, left = universe->part_end - from;
    size_t end = left < AT_ONCE ? from + left : from + AT_ONCE;
    fold_members(store, universe, from, end);
    for (size_t place = from; place < end; place++) {
        za_entry *entry = universe->members[place].entry;
        if (entry != NULL && is_almost_full(universe, place) && za_entry_make_room(store, entry)) {
            take_over(universe, place);
        }
    }
    universe->part_next = end;
    return end < universe->part_end;
}

void za_tail_finish_part(za_store *store, za_universe *universe)
{
    for (bool is_left = true; is_left;) {
        pthread_mutex_lock(&store->mutex);
        is_left = go_on(store, universe);
        pthread_mutex_unlock(&store->mutex);
    }
}

za_code za_tail_accept(za_store *store, za_universe *universe, za_section *section, za_error *error)
{
    za_code code = universe->is_broken     ? fail_dropped(universe, universe->broken_at, error)
                   : universe->is_attached ? ZA_OK
                                           : attach(store, universe, error);
    bool plain = code == ZA_OK && is_plain(store, universe, section);
    code = code == ZA_OK && !plain ? check_order(store, universe, section, error) : code;
    store->stats.rejected += code != ZA_OK;
    code = code == ZA_OK && !plain ? make_all_ready(store, universe, section, error) : code;
    if (code == ZA_OK) {
        while (go_on(store, universe)) { /* what another thread has begun */
        }
        count_bars(store, universe, section);
        push(store, universe, section);
        begin_part(universe);
    }
    return code;
}
