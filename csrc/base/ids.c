#include "base/ids.h"

#include "base/memory.h"

bool za_ids_open(za_ids *ids, size_t most)
{
    size_t slots = 16;
    while (slots < 2 * most) {
        slots *= 2;
    }
    *ids = (za_ids){.ids = za_alloc_zeroed(slots, sizeof *ids->ids),
                    .numbers = za_alloc(slots, sizeof *ids->numbers),
                    .mask = slots - 1};
    if (ids->ids == NULL || ids->numbers == NULL) {
        za_ids_free(ids);
        return false;
    }
    return true;
}

/* A free slot, or that of the id. The table is at most half full. The factor is the fractional bits of the golden
 * ratio. */
static size_t slot_of(const za_ids *ids, uint64_t id)
{
    size_t at = (size_t)(id * UINT64_C(0x9e3779b97f4a7c15) >> 32) & ids->mask;
    while (ids->ids[at] != 0 && ids->ids[at] != id) {
        at = (at + 1) & ids->mask;
    }
    return at;
}

size_t za_ids_put(za_ids *ids, uint64_t id, size_t number)
{
    size_t slot = slot_of(ids, id);
    if (ids->ids[slot] == 0) {
        ids->ids[slot] = id;
        ids->numbers[slot] = number;
    }
    return ids->numbers[slot];
}

bool za_ids_find(const za_ids *ids, uint64_t id, size_t *number)
{
    size_t slot = slot_of(ids, id);
    *number = ids->numbers[slot];
    return ids->ids[slot] == id;
}

void za_ids_free(za_ids *ids)
{
    za_free(ids->ids);
    za_free(ids->numbers);
    *ids = (za_ids){0};
}
