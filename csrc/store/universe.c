#include "store/universe.h"

#include "base/memory.h"
#include "store/tail.h"

static za_code add_name(za_universe *universe, za_symbol symbol, size_t place, za_error *error)
{
    int32_t code;
    if (symbol.length == 0) {
        return za_fail(error, ZA_BAD_VALUE, "symbol at position %zu is empty", place);
    }
    za_code failure = za_text_set_code(&universe->roster->names, symbol.text, symbol.length, &code);
    if (failure == ZA_OK && (size_t)code == place) {
        return ZA_OK;
    }
    if (failure == ZA_NO_MEMORY) {
        return za_fail_memory(error);
    }
    return za_fail(error, ZA_BAD_VALUE,
                   failure == ZA_OK ? "%.*s appears twice in the universe, again at position %zu"
                                    : "%.*s, at position %zu, is not UTF-8",
                   za_symbol_shown(symbol), symbol.text, place);
}

static za_code make_roster(za_universe *universe, const za_symbol *symbols, za_error *error)
{
    static atomic_uint_fast64_t rosters;
    universe->roster = za_alloc_zeroed(1, sizeof *universe->roster);
    if (universe->roster == NULL) {
        return za_fail_memory(error);
    }
    atomic_init(&universe->roster->references, 1);
    universe->roster->id = 1 + atomic_fetch_add_explicit(&rosters, 1, memory_order_relaxed);
    za_code code = ZA_OK;
    for (size_t place = 0; code == ZA_OK && place < universe->count; place++) {
        code = add_name(universe, symbols[place], place, error);
    }
    return code;
}

static za_code make_columns(za_universe *universe, za_error *error)
{
    size_t count = universe->count;
    universe->members = za_alloc_zeroed(count, sizeof *universe->members);
    universe->folded = za_alloc_zeroed(count, sizeof *universe->folded);
    universe->last_time = za_alloc(count, sizeof *universe->last_time);
    universe->room = za_alloc(count, sizeof *universe->room);
    universe->bars = za_alloc(count, sizeof *universe->bars);
    bool made = universe->members != NULL && universe->folded != NULL && universe->last_time != NULL &&
                universe->room != NULL && universe->bars != NULL;
    return made ? ZA_OK : za_fail_memory(error);
}

static void look_up(za_store *store, za_universe *universe)
{
    pthread_mutex_lock(&store->mutex);
    universe->clears = store->symbols.clears;
    for (size_t place = 0; place < universe->count; place++) {
        za_entry *entry = za_symbols_find(&store->symbols, za_roster_symbol(universe->roster, place));
        universe->members[place] = (za_member){.entry = entry, .id = entry == NULL ? 0 : entry->id};
    }
    pthread_mutex_unlock(&store->mutex);
}

za_universe *za_universe_new(za_store *store, const za_symbol *symbols, size_t count, za_error *error)
{
    za_universe *universe = za_alloc_zeroed(1, sizeof *universe);
    if (universe == NULL) {
        (void)za_fail_memory(error);
        return NULL;
    }
    universe->count = universe->swept = count;
    za_code code = make_roster(universe, symbols, error);
    code = code == ZA_OK ? make_columns(universe, error) : code;
    if (code != ZA_OK) {
        za_universe_free(store, universe);
        return NULL;
    }
    look_up(store, universe);
    return universe;
}

void za_universe_free(za_store *store, za_universe *universe)
{
    if (universe == NULL) {
        return;
    }
    za_tail_fold_all(store);
    pthread_mutex_lock(&store->mutex);
    if (universe->is_attached) {
        za_tail_detach(store, universe);
    }
    pthread_mutex_unlock(&store->mutex);
    for (int i = 0; i < ZA_TAIL; i++) {
        za_section_release(universe->sections[i]);
    }
    za_section_release(universe->spare);
    za_roster_release(universe->roster);
    za_free(universe->members);
    za_free(universe->folded);
    za_free(universe->last_time);
    za_free(universe->room);
    za_free(universe->bars);
    za_free(universe);
}

za_symbol za_universe_symbol(const za_universe *universe, size_t place)
{
    return za_roster_symbol(universe->roster, place);
}

size_t za_universe_count(const za_universe *universe)
{
    return universe->count;
}

/* Memory for one more section: one that nobody needs any more, or a new one. NULL without memory. */
static za_section *take_spare(za_store *store, za_universe *universe, bool *is_attached)
{
    pthread_mutex_lock(&store->mutex);
    za_section *spare = universe->spare;
    universe->spare = NULL;
    *is_attached = universe->is_attached;
    pthread_mutex_unlock(&store->mutex);
    return spare != NULL ? spare : za_section_new(universe->roster, ZA_FIGURE_COUNT + store->options.further);
}

static void give_back(za_universe *universe, za_section *section)
{
    if (universe->spare == NULL) {
        universe->spare = section;
    } else {
        za_section_release(section);
    }
}

/* Fails with the fault of the bar at that place. */
static za_code refuse(const za_store *store, const za_universe *universe, const za_section *section, size_t place,
                      za_error *error)
{
    za_bar bar = za_section_bar(section, place);
    return za_bar_check(&bar, store->options.ordered, za_roster_symbol(universe->roster, place),
                        universe->count == 1 ? -1 : (int64_t)place, error);
}

za_code za_universe_append(za_store *store, za_universe *universe, const za_matrix *matrix, za_error *error)
{
    bool is_attached;
    za_section *section = take_spare(store, universe, &is_attached);
    if (section == NULL) {
        return za_fail_memory(error);
    }
    if (!is_attached) { /* it may take over symbols of other universes, which takes less time when they are folded */
        za_tail_fold_all(store);
    }
    size_t faulty = za_section_fill(section, matrix, store->options.ordered);
    pthread_mutex_lock(&store->mutex);
    za_code code;
    if (faulty < universe->count) {
        code = refuse(store, universe, section, faulty, error);
        store->stats.rejected++;
    } else {
        code = za_tail_accept(store, universe, section, error);
    }
    if (code != ZA_OK) {
        give_back(universe, section);
    }
    pthread_mutex_unlock(&store->mutex);
    za_tail_finish_part(store, universe);
    return code;
}
