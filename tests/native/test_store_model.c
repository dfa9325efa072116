/* The store against the plainest one there is, through random operations, some of them without memory, under views that
 * come and go. */
#include "bars_sample.h"
#include "base/memory.h"
#include "check.h"

enum { NAMES = 6, CAPACITY = 5, PINS = 16, STEPS = 20000 };

typedef struct model {
    za_bar bars[NAMES][CAPACITY];
    int64_t count[NAMES];
    za_store *store;
    char texts[NAMES][NAME_ROOM];
    za_symbol symbols[NAMES];
    uint64_t dice;
    int64_t now;
} model;

static void model_append(model *m, int name, za_bar bar)
{
    int64_t *count = &m->count[name];
    if (*count > 0 && m->bars[name][*count - 1].time == bar.time) {
        m->bars[name][*count - 1] = bar;
        return;
    }
    if (*count == CAPACITY) {
        memmove(m->bars[name], m->bars[name] + 1, (CAPACITY - 1) * sizeof bar);
        --*count;
    }
    m->bars[name][(*count)++] = bar;
}

static za_bar roll_bar(model *m)
{
    m->now += (int64_t)roll(&m->dice, 2);
    return bar_of(m->now, 1.0 + (double)roll(&m->dice, 1000), (double)roll(&m->dice, 50));
}

static za_code step_append(model *m, int name)
{
    za_bar bar = roll_bar(m);
    za_code code = za_store_append(m->store, m->symbols[name], &bar, NULL);
    if (code == ZA_OK) {
        model_append(m, name, bar);
    }
    return code;
}

static za_code step_cross_section(model *m, int first)
{
    za_bar bars[NAMES];
    size_t count = (size_t)(NAMES - first);
    bars[0] = roll_bar(m);
    for (size_t i = 1; i < count; i++) {
        bars[i] = bars[0];
    }
    za_code code = za_store_append_all(m->store, m->symbols + first, bars, count, NULL);
    for (int name = first; code == ZA_OK && name < NAMES; name++) {
        model_append(m, name, bars[0]);
    }
    return code;
}

static za_code step_load(model *m, int name)
{
    za_bar bars[2 * CAPACITY];
    int64_t count = 1 + (int64_t)roll(&m->dice, 2 * CAPACITY);
    for (int64_t i = 0; i < count; i++) {
        m->now++;
        bars[i] = roll_bar(m);
    }
    za_code code = load_bars(m->store, m->symbols[name], bars, count, NULL, NULL);
    if (code == ZA_OK) {
        m->count[name] = 0;
        for (int64_t i = 0; i < count; i++) {
            model_append(m, name, bars[i]);
        }
    }
    return code;
}

static za_code step(model *m)
{
    int name = (int)roll(&m->dice, NAMES);
    switch (roll(&m->dice, 20)) {
    case 0:
        CHECK(za_store_drop(m->store, m->symbols[name]) == (m->count[name] > 0));
        m->count[name] = 0;
        return ZA_OK;
    case 1:
    case 2:
        return step_load(m, name);
    case 3:
    case 4:
        return step_cross_section(m, name);
    case 5:
        if (roll(&m->dice, 20) == 0) {
            za_store_clear(m->store);
            memset(m->count, 0, sizeof m->count);
        }
        return ZA_OK;
    default:
        return step_append(m, name);
    }
}

static void check_model(model *m)
{
    int64_t bars = 0, symbols = 0;
    for (int name = 0; name < NAMES; name++) {
        za_view view = za_store_view(m->store, m->symbols[name]);
        bool same = view.rows.count == m->count[name];
        for (int64_t i = 0; same && i < m->count[name]; i++) {
            same = same_bar(za_rows_bar(&view.rows, i), m->bars[name][i]);
        }
        CHECK(same);
        za_view_release(&view);
        bars += m->count[name];
        symbols += m->count[name] > 0;
    }
    za_store_stats stats = za_store_stats_of(m->store);
    CHECK(stats.bars == bars && stats.symbols == symbols && stats.rejected == 0);
}

int main(void)
{
    model m = {.store = store_of(CAPACITY), .dice = 42};
    pinned held[PINS];
    for (int name = 0; name < NAMES; name++) {
        m.symbols[name] = numbered(m.texts[name], name);
    }
    for (int i = 0; i < PINS; i++) {
        held[i] = pin(m.store, m.symbols[0]);
    }
    for (int i = 0; i < STEPS; i++) {
        bool scarce = roll(&m.dice, 4) == 0;
        za_memory_fail_after(scarce ? (long)roll(&m.dice, 4) : -1);
        za_code code = step(&m);
        za_memory_fail_after(-1);
        CHECK(code == ZA_OK || (scarce && code == ZA_NO_MEMORY));
        check_model(&m);
        pinned *one = &held[roll(&m.dice, PINS)];
        CHECK(unpin(one));
        *one = pin(m.store, m.symbols[roll(&m.dice, NAMES)]);
    }
    za_store_free(m.store);
    for (int i = 0; i < PINS; i++) {
        CHECK(unpin(&held[i]));
    }
    return check_report("store_model");
}
