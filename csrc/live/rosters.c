#include "live/rosters.h"

#include "base/memory.h"

void za_live_roster_clear(za_live_roster *roster)
{
    za_free(roster->place);
    za_free(roster->row);
    *roster = (za_live_roster){0};
}

bool za_live_roster_fill(za_live_roster *roster, const za_roster *of, const za_text_set *names)
{
    za_live_roster_clear(roster);
    size_t count = (size_t)of->names.count;
    roster->place = za_alloc((size_t)names->count, sizeof *roster->place);
    roster->row = za_alloc(count, sizeof *roster->row);
    if (roster->place == NULL || roster->row == NULL) {
        za_live_roster_clear(roster);
        return false;
    }
    for (int32_t row = 0; row < names->count; row++) {
        roster->place[row] = ZA_NO_PLACE;
    }
    for (size_t place = 0; place < count; place++) {
        za_symbol symbol = za_roster_symbol(of, place);
        roster->row[place] = za_text_set_find(names, symbol.text, symbol.length);
        roster->strangers += roster->row[place] < 0;
        if (roster->row[place] >= 0) {
            roster->place[roster->row[place]] = (int32_t)place;
        }
    }
    roster->id = of->id;
    roster->rows = names->count;
    roster->count = count;
    return true;
}

/* A free slot, or that of the id. The table is at most half full. */
static size_t slot_of(const za_live_ids *ids, uint64_t id)
{
    size_t at = (size_t)(id * UINT64_C(0x9e3779b97f4a7c15) >> 32) & ids->mask;
    while (ids->ids[at] != 0 && ids->ids[at] != id) {
        at = (at + 1) & ids->mask;
    }
    return at;
}

bool za_live_ids_fill(za_live_ids *ids, int64_t count, uint64_t (*id_of)(const void *context, int64_t row),
                      const void *context)
{
    size_t slots = 16;
    while (slots < 2 * (size_t)count) {
        slots *= 2;
    }
    za_live_ids_clear(ids);
    ids->ids = za_alloc_zeroed(slots, sizeof *ids->ids);
    ids->rows = za_alloc(slots, sizeof *ids->rows);
    if (ids->ids == NULL || ids->rows == NULL) {
        za_live_ids_clear(ids);
        return false;
    }
    ids->mask = slots - 1;
    for (int64_t row = 0; row < count; row++) {
        uint64_t id = id_of(context, row);
        if (id != 0) {
            size_t slot = slot_of(ids, id);
            ids->ids[slot] = id;
            ids->rows[slot] = (int32_t)row;
        }
    }
    return true;
}

int32_t za_live_ids_find(const za_live_ids *ids, uint64_t id)
{
    size_t slot = slot_of(ids, id);
    return ids->ids[slot] == id ? ids->rows[slot] : -1;
}

void za_live_ids_clear(za_live_ids *ids)
{
    za_free(ids->ids);
    za_free(ids->rows);
    *ids = (za_live_ids){0};
}
