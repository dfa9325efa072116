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
