#include "plan/twins.h"

#include "base/memory.h"

/* A free slot, or that of the ticker. The table is at most half full. */
static size_t slot_of(const za_view *views, const size_t *slots, size_t mask, uint64_t id)
{
    size_t at = (size_t)(id * UINT64_C(0x9e3779b97f4a7c15) >> 32) & mask;
    while (slots[at] > 0 && views[slots[at] - 1].progress.id != id) {
        at = (at + 1) & mask;
    }
    return at;
}

bool za_twins_find(const za_view *views, size_t count, za_twin **twins, size_t *found)
{
    size_t mask = 15;
    while (mask < 2 * count) {
        mask = 2 * mask + 1;
    }
    size_t *slots = za_alloc_zeroed(mask + 1, sizeof *slots); /* of each the series + 1, or 0 */
    *twins = za_alloc(count, sizeof **twins);
    *found = 0;
    for (size_t at = 0; slots != NULL && *twins != NULL && at < count; at++) {
        size_t *slot = &slots[slot_of(views, slots, mask, views[at].progress.id)];
        if (views[at].rows.count > 0 && *slot == 0) {
            *slot = at + 1;
        } else if (views[at].rows.count > 0) {
            (*twins)[(*found)++] = (za_twin){.at = at, .first = *slot - 1};
        }
    }
    za_free(slots);
    return slots != NULL && *twins != NULL;
}

bool za_twins_pin(za_view *views, size_t count)
{
    za_twin *twins;
    size_t found;
    bool done = za_twins_find(views, count, &twins, &found);
    for (size_t i = 0; done && i < found; i++) {
        za_view *view = &views[twins[i].at];
        za_view_release(view);
        *view = views[twins[i].first];
        za_block_retain(view->block);
    }
    za_free(twins);
    return done;
}
