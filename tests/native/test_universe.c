/* Universes and their tails, against the same bars appended to a store by lists of symbols, through random operations
 * under views that come and go, some of them without memory; and with readers and writers at once. */
#include <pthread.h>
#include <stdlib.h>

#include "bars_sample.h"
#include "base/memory.h"
#include "check.h"
#include "store/breadth.h"
#include "store/news.h"
#include "store/universe.h"

enum { NAMES = 37, UNIVERSES = 3, PINS = 8, STEPS = 20000, WIDTH = ZA_FIGURE_COUNT + 1 };

/* What somebody knows of a symbol who is told the news alone. */
typedef struct follower {
    uint64_t sequence;
    za_progress seen[NAMES]; /* an id of 0: not yet known */
    int64_t last_time[NAMES];
    int64_t told, resynced; /* how often the news were all, and how often not */
} follower;

typedef struct pair {
    za_store *store, *plain; /* what is tested, and what it is compared with */
    bool ordered;
    follower follower;
    char texts[NAMES][NAME_ROOM];
    za_symbol symbols[NAMES];
    za_universe *universes[UNIVERSES];
    int first[UNIVERSES], count[UNIVERSES]; /* the symbols of each */
    bool dropped[UNIVERSES];                /* one of them was */
    double values[NAMES][WIDTH];
    uint64_t dice;
    int64_t now;
} pair;

static za_store *further_store(int64_t capacity, bool ordered)
{
    return za_store_new(
        (za_store_options){.capacity = capacity, .ordered = ordered, .further = 1, .bars_per_year = 252.0});
}

static void make_universe(pair *p, int which)
{
    za_universe_free(p->store, p->universes[which]);
    p->first[which] = (int)roll(&p->dice, NAMES);
    p->count[which] = 1 + (int)roll(&p->dice, (uint64_t)(NAMES - p->first[which]));
    p->universes[which] = za_universe_new(p->store, p->symbols + p->first[which], (size_t)p->count[which], NULL);
    p->dropped[which] = false;
    CHECK(p->universes[which] != NULL);
}

/* A row of NaN for one symbol in four; the further column is minus the close. */
static size_t roll_section(pair *p, int which, za_bar *bars, za_symbol *symbols)
{
    size_t there = 0;
    for (int i = 0; i < p->count[which]; i++) {
        za_bar bar = bar_of(p->now, 1.0 + (double)roll(&p->dice, 1000), (double)roll(&p->dice, 50));
        double *row = p->values[i];
        bool missing = roll(&p->dice, 4) == 0;
        for (int column = 0; column < ZA_FIGURE_COUNT; column++) {
            row[column] = missing ? NAN : bar.figure[column];
        }
        row[ZA_FIGURE_COUNT] = missing ? 7.0 : -row[ZA_FIGURE_CLOSE];
        if (!missing) {
            bars[there] = bar;
            bars[there].further = row + ZA_FIGURE_COUNT;
            symbols[there++] = p->symbols[p->first[which] + i];
        }
    }
    return there;
}

static void step_universe(pair *p, bool scarce)
{
    za_bar bars[NAMES];
    za_symbol symbols[NAMES];
    int which = (int)roll(&p->dice, UNIVERSES);
    p->now += (int64_t)roll(&p->dice, 4) - (roll(&p->dice, 20) == 0 ? 2 : 0);
    size_t there = roll_section(p, which, bars, symbols);
    za_matrix matrix = {.time = p->now, .values = &p->values[0][0]};
    za_memory_fail_after(scarce ? (long)roll(&p->dice, 6) : -1);
    za_code code = za_universe_append(p->store, p->universes[which], &matrix, NULL);
    za_memory_fail_after(-1);
    CHECK(code != ZA_NO_MEMORY || scarce);
    if (code == ZA_NO_MEMORY) {
        code = za_universe_append(p->store, p->universes[which], &matrix, NULL);
    }
    if (p->dropped[which] && code == ZA_BAD_VALUE) {
        make_universe(p, which);
        return;
    }
    CHECK(code == za_store_append_all(p->plain, symbols, bars, there, NULL));
}

static void step_one(pair *p)
{
    p->now += (int64_t)roll(&p->dice, 2);
    double further = 3.5;
    za_bar bar = bar_of(p->now, 1.0 + (double)roll(&p->dice, 1000), 5.0);
    bar.further = &further;
    za_symbol symbol = p->symbols[roll(&p->dice, NAMES)];
    CHECK(za_store_append(p->store, symbol, &bar, NULL) == za_store_append(p->plain, symbol, &bar, NULL));
}

static void step_load(pair *p)
{
    int64_t times[] = {p->now - 2, p->now - 1, p->now};
    double values[] = {1.0, 2.0, 3.0};
    za_rows rows = {.time = times, .further = values, .stride = 3, .count = 3};
    for (int i = 0; i < ZA_FIGURE_COUNT; i++) {
        rows.figure[i] = values;
    }
    za_symbol symbol = p->symbols[roll(&p->dice, NAMES)];
    za_chunk chunk = {.rows = rows};
    CHECK(za_store_load(p->store, symbol, table_of(&chunk), NULL, NULL) == ZA_OK);
    CHECK(za_store_load(p->plain, symbol, table_of(&chunk), NULL, NULL) == ZA_OK);
}

static void step_drop(pair *p)
{
    int name = (int)roll(&p->dice, NAMES);
    CHECK(za_store_drop(p->store, p->symbols[name]) == za_store_drop(p->plain, p->symbols[name]));
    for (int which = 0; which < UNIVERSES; which++) {
        bool has = name >= p->first[which] && name < p->first[which] + p->count[which];
        p->dropped[which] = p->dropped[which] || has;
    }
}

static void step_clear(pair *p)
{
    za_store_clear(p->store);
    za_store_clear(p->plain);
    for (int which = 0; which < UNIVERSES; which++) {
        p->dropped[which] = true;
    }
}

static void step(pair *p)
{
    switch (roll(&p->dice, 40)) {
    case 0:
        step_drop(p);
        break;
    case 1:
        step_load(p);
        break;
    case 2:
    case 3:
        step_one(p);
        break;
    case 4:
        make_universe(p, (int)roll(&p->dice, UNIVERSES));
        break;
    case 5:
        if (roll(&p->dice, 20) == 0) {
            step_clear(p);
        }
        break;
    default:
        step_universe(p, roll(&p->dice, 4) == 0);
    }
}

static bool same_column(const za_view *a, const za_view *b, int column)
{
    return memcmp(za_rows_column(&a->rows, column), za_rows_column(&b->rows, column),
                  (size_t)a->rows.count * sizeof(double)) == 0;
}

static bool same_symbol(pair *p, int name)
{
    za_view a = za_store_view(p->store, p->symbols[name]), b = za_store_view(p->plain, p->symbols[name]);
    bool same = same_rows(&a.rows, &b.rows) && a.progress.end == b.progress.end &&
                a.progress.revisions == b.progress.revisions &&
                (a.rows.count == 0 || same_column(&a, &b, ZA_FIGURE_COUNT));
    za_view_release(&a);
    za_view_release(&b);
    return same;
}

static void look(pair *p, int name)
{
    za_view view = za_store_view(p->store, p->symbols[name]);
    p->follower.seen[name] = view.progress;
    p->follower.last_time[name] = view.rows.count == 0 ? ZA_TIME_MISSING : view.rows.time[view.rows.count - 1];
    za_view_release(&view);
}

static void take_section(pair *p, const za_section *section, const bool *looked)
{
    for (size_t place = 0; place < section->count; place++) {
        int name = atoi(za_roster_symbol(section->roster, place).text + 1);
        if (looked[name] || !za_section_has(section, place)) {
            continue;
        }
        if (p->ordered && p->follower.last_time[name] == section->time) {
            p->follower.seen[name].revisions++;
        } else {
            p->follower.seen[name].end++;
        }
        p->follower.last_time[name] = section->time;
    }
}

/* A symbol without an id may be any that is not known. */
static bool is_among(const za_news *news, const follower *f, int name)
{
    bool among = !news->is_complete;
    for (int i = 0; i < news->changed_count; i++) {
        among = among || f->seen[name].id == 0 || news->changed[i] == f->seen[name].id;
    }
    return among;
}

static void follow(pair *p)
{
    za_news news;
    bool looked[NAMES];
    za_store_news(p->store, p->follower.sequence, &news);
    CHECK(news.sequence == za_store_sequence(p->store));
    for (int name = 0; name < NAMES; name++) {
        looked[name] = is_among(&news, &p->follower, name);
        if (looked[name]) {
            look(p, name);
        }
    }
    for (int i = 0; i < news.section_count; i++) {
        take_section(p, news.sections[i], looked);
    }
    p->follower.sequence = news.sequence;
    p->follower.told += news.is_complete;
    p->follower.resynced += !news.is_complete;
    za_news_release(&news);
}

static bool is_known(pair *p, int name)
{
    za_view view = za_store_view(p->store, p->symbols[name]);
    bool same =
        view.progress.end == p->follower.seen[name].end && view.progress.revisions == p->follower.seen[name].revisions;
    za_view_release(&view);
    return same;
}

static bool same_counts(pair *p)
{
    za_store_stats a = za_store_stats_of(p->store), b = za_store_stats_of(p->plain);
    return a.symbols == b.symbols && a.bars == b.bars && a.appended == b.appended && a.replaced == b.replaced;
}

static void test_as_lists_of_symbols(int64_t capacity, bool ordered)
{
    pair p = {.ordered = ordered,
              .store = further_store(capacity, ordered),
              .plain = further_store(capacity, ordered),
              .dice = 7};
    pinned held[PINS];
    for (int name = 0; name < NAMES; name++) {
        p.symbols[name] = numbered(p.texts[name], name);
    }
    for (int which = 0; which < UNIVERSES; which++) {
        make_universe(&p, which);
    }
    for (int i = 0; i < PINS; i++) {
        held[i] = pin_further(p.store, p.symbols[i], 1);
    }
    for (int i = 0; i < STEPS; i++) {
        step(&p);
        CHECK(same_counts(&p) && (roll(&p.dice, 2) == 0 || same_symbol(&p, (int)roll(&p.dice, NAMES))));
        if (roll(&p.dice, 8) == 0) {
            pinned *one = &held[roll(&p.dice, PINS)];
            CHECK(unpin(one));
            *one = pin_further(p.store, p.symbols[roll(&p.dice, NAMES)], 1);
        }
        if (roll(&p.dice, 5) == 0) {
            follow(&p);
            CHECK(is_known(&p, (int)roll(&p.dice, NAMES)));
        }
        if (i % 500 == 0) {
            double a = za_store_breadth(p.store), b = za_store_breadth(p.plain);
            CHECK(a == b || (isnan(a) && isnan(b)));
        }
    }
    for (int name = 0; name < NAMES; name++) {
        CHECK(same_symbol(&p, name));
    }
    CHECK(p.follower.told > STEPS / 100 && p.follower.resynced > 0);
    for (int which = 0; which < UNIVERSES; which++) {
        za_universe_free(p.store, p.universes[which]);
    }
    za_store_free(p.store);
    za_store_free(p.plain);
    for (int i = 0; i < PINS; i++) {
        CHECK(unpin(&held[i]));
    }
}

static void fill(double values[][ZA_FIGURE_COUNT], size_t count, int64_t time)
{
    za_bar bar = bar_at(time);
    for (size_t i = 0; i < count; i++) {
        memcpy(values[i], bar.figure, sizeof bar.figure);
    }
}

static void test_faults_change_nothing(void)
{
    za_store *store = store_of(8), *other = store_of(8);
    za_error error;
    za_symbol twice[] = {symbol_of("A"), symbol_of("B"), symbol_of("A")}, empty[] = {symbol_of("A"), symbol_of("")};
    CHECK(za_universe_new(store, twice, 3, &error) == NULL);
    CHECK(strcmp(error.text, "A appears twice in the universe, again at position 2") == 0);
    CHECK(za_universe_new(store, empty, 2, &error) == NULL);
    CHECK(strcmp(error.text, "symbol at position 1 is empty") == 0);
    za_universe *universe = za_universe_new(store, twice, 2, &error);
    double values[2][ZA_FIGURE_COUNT];
    fill(values, 2, 5);
    za_matrix matrix = {.time = 5, .values = &values[0][0]};
    values[1][ZA_FIGURE_HIGH] = NAN; /* part of a bar is none */
    CHECK(za_universe_append(store, universe, &matrix, &error) == ZA_BAD_VALUE);
    CHECK(strcmp(error.text, "B, row 1: high is missing (NaN or None)") == 0 && za_store_length(store) == 0);
    fill(values, 2, 5);
    CHECK(za_universe_append(store, universe, &matrix, &error) == ZA_OK && shows(store, "B", 5, 1));
    CHECK(append_at(store, "B", 6));
    CHECK(za_universe_append(store, universe, &matrix, &error) == ZA_BAD_VALUE);
    CHECK(strstr(error.text, "B, row 1: timestamp") == error.text && shows(store, "A", 5, 1));
    matrix.time = ZA_TIME_MISSING;
    CHECK(za_universe_append(store, universe, &matrix, &error) == ZA_BAD_VALUE);
    CHECK(strcmp(error.text, "A, row 0: timestamp is missing (NaT or null)") == 0);
    CHECK(za_store_drop(store, symbol_of("B")) && append_at(store, "B", 6));
    matrix.time = 7;
    CHECK(za_universe_append(store, universe, &matrix, &error) == ZA_BAD_VALUE);
    CHECK(strcmp(error.text, "B was dropped from the store after the universe was made: make a new one") == 0);
    CHECK(shows(store, "A", 5, 1) && shows(store, "B", 6, 1));
    CHECK(za_store_stats_of(store).rejected == 4 && za_store_stats_of(store).appended == 4);
    za_universe_free(store, universe);
    za_store_free(store);
    za_store_free(other);
}

enum { MANY = 300, SECTIONS = 1500, READERS = 3 };

typedef struct shared {
    za_store *store;
    za_symbol symbols[MANY];
    char texts[MANY][NAME_ROOM];
    atomic_int done;
} shared;

/* Two writers append the same times to their halves; each time's bar is bar_at of it. */
static void write_half(shared *s, size_t first)
{
    static _Thread_local double values[MANY][ZA_FIGURE_COUNT];
    za_universe *universe = za_universe_new(s->store, s->symbols + first, MANY / 2, NULL);
    for (int64_t time = 1; time <= SECTIONS; time++) {
        fill(values, MANY / 2, time);
        za_matrix matrix = {.time = time, .values = &values[0][0]};
        CHECK(za_universe_append(s->store, universe, &matrix, NULL) == ZA_OK);
        if (time % 7 == 0) { /* the bar that is forming comes once more */
            CHECK(za_universe_append(s->store, universe, &matrix, NULL) == ZA_OK);
        }
    }
    za_universe_free(s->store, universe);
}

static void *write_first(void *shared_store)
{
    write_half(shared_store, 0);
    return NULL;
}

static void *write_second(void *shared_store)
{
    write_half(shared_store, MANY / 2);
    return NULL;
}

static void *read_any(void *argument)
{
    shared *s = argument;
    uint64_t dice = 3;
    while (!atomic_load(&s->done)) {
        za_view view = za_store_view(s->store, s->symbols[roll(&dice, MANY)]);
        bool same = true;
        for (int64_t i = 0; same && i < view.rows.count; i++) {
            int64_t time = view.rows.time[i];
            same = same_bar(za_rows_bar(&view.rows, i), bar_at(time)) &&
                   time == view.progress.end - view.rows.count + i + 1;
        }
        CHECK(same);
        za_view_release(&view);
        if (roll(&dice, 50) == 0) {
            (void)za_store_breadth(s->store);
        }
    }
    return NULL;
}

static void test_readers_and_writers_at_once(void)
{
    static shared s;
    s.store = store_of(64);
    for (int i = 0; i < MANY; i++) {
        s.symbols[i] = numbered(s.texts[i], i);
    }
    pthread_t writers[2], readers[READERS];
    pthread_create(&writers[0], NULL, write_first, &s);
    pthread_create(&writers[1], NULL, write_second, &s);
    for (int i = 0; i < READERS; i++) {
        pthread_create(&readers[i], NULL, read_any, &s);
    }
    pthread_join(writers[0], NULL);
    pthread_join(writers[1], NULL);
    atomic_store(&s.done, 1);
    for (int i = 0; i < READERS; i++) {
        pthread_join(readers[i], NULL);
    }
    for (int i = 0; i < MANY; i++) {
        CHECK(shows(s.store, s.texts[i], SECTIONS - 63, 64));
    }
    za_store_stats stats = za_store_stats_of(s.store);
    CHECK(stats.appended == (int64_t)MANY * SECTIONS && stats.replaced == (int64_t)MANY * (SECTIONS / 7));
    za_store_free(s.store);
}

static void test_without_memory_there_is_no_universe(void)
{
    za_store *store = store_of(4);
    za_symbol symbols[] = {symbol_of("A"), symbol_of("B")};
    za_error error;
    za_universe *universe = NULL;
    for (long successes = 0; universe == NULL; successes++) {
        za_memory_fail_after(successes);
        universe = za_universe_new(store, symbols, 2, &error);
        za_memory_fail_after(-1);
        CHECK(universe != NULL || error.code == ZA_NO_MEMORY);
    }
    CHECK(za_universe_count(universe) == 2 && za_universe_symbol(universe, 1).text[0] == 'B');
    za_universe_free(store, universe);
    za_store_free(store);
}

int main(void)
{
    test_as_lists_of_symbols(1, true);
    test_as_lists_of_symbols(5, true);
    test_as_lists_of_symbols(80, true);
    test_as_lists_of_symbols(20, false);
    test_faults_change_nothing();
    test_readers_and_writers_at_once();
    test_without_memory_there_is_no_universe();
    return check_report("universe");
}
