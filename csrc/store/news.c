#include "store/news.h"

#include "store/universe_inside.h"

/* Adds a reference to the section in the place that its sequence gives it. Under the lock. */
static void add_section(za_news *news, za_section *section)
{
    int at = news->section_count;
    if (at == ZA_TAIL) {
        news->is_complete = false;
        return;
    }
    for (; at > 0 && news->sections[at - 1]->sequence > section->sequence; at--) {
        news->sections[at] = news->sections[at - 1];
    }
    za_section_retain(section);
    news->sections[at] = section;
    news->section_count++;
}

static void add_sections(za_news *news, const za_universe *universe, uint64_t sequence)
{
    uint64_t number = universe->accepted < ZA_TAIL ? 0 : universe->accepted - ZA_TAIL;
    for (; number < universe->accepted; number++) {
        za_section *section = universe->sections[number % ZA_TAIL];
        if (section->sequence > sequence) {
            add_section(news, section);
        }
    }
}

static void add_changed(za_news *news, const za_store *store, uint64_t sequence)
{
    uint64_t number = store->journaled < ZA_JOURNAL ? 0 : store->journaled - ZA_JOURNAL;
    for (; number < store->journaled; number++) {
        const struct za_change *change = &store->journal[number % ZA_JOURNAL];
        if (change->sequence > sequence) {
            news->changed[news->changed_count++] = change->id;
        }
    }
}

void za_store_news(za_store *store, uint64_t sequence, za_news *news)
{
    pthread_mutex_lock(&store->mutex);
    news->sequence = atomic_load_explicit(&store->sequence, memory_order_relaxed);
    news->is_complete = sequence >= store->forgotten;
    news->section_count = news->changed_count = 0;
    for (const za_universe *universe = store->universes; universe != NULL; universe = universe->next) {
        add_sections(news, universe, sequence);
    }
    add_changed(news, store, sequence);
    pthread_mutex_unlock(&store->mutex);
}

void za_news_release(za_news *news)
{
    for (int i = 0; i < news->section_count; i++) {
        za_section_release(news->sections[i]);
    }
    news->section_count = 0;
}
