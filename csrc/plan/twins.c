#include "plan/twins.h"

#include "base/ids.h"
#include "base/memory.h"

bool za_twins_pin(za_view *views, size_t count, za_twin **twins, size_t *found)
{
    za_ids ids = {0};
    *twins = za_alloc(count, sizeof **twins);
    *found = 0;
    bool done = *twins != NULL && za_ids_open(&ids, count);
    for (size_t at = 0; done && at < count; at++) {
        za_view *view = &views[at];
        size_t first = view->rows.count > 0 ? za_ids_put(&ids, view->progress.id, at) : at;
        if (first != at) {
            (*twins)[(*found)++] = (za_twin){.at = at, .first = first};
            za_view_release(view);
            *view = views[first];
            za_block_retain(view->block);
        }
    }
    za_ids_free(&ids);
    return done;
}
