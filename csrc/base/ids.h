/* Numbers by ids: an open-addressing table for as many as are known beforehand. */
#ifndef ZA_BASE_IDS_H
#define ZA_BASE_IDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* All zero: there is no table. */
typedef struct za_ids {
    uint64_t *ids; /* owned; 0 is free */
    size_t *numbers;
    size_t mask;
} za_ids;

/* An empty table for up to `most` ids. False without memory: then there is none. */
bool za_ids_open(za_ids *ids, size_t most);
/* Returns the number of an id other than 0: the one that was put before, or `number`, which is put now. */
size_t za_ids_put(za_ids *ids, uint64_t id, size_t number);
/* True if the id has a number, which is then *number. */
bool za_ids_find(const za_ids *ids, uint64_t id, size_t *number);
void za_ids_free(za_ids *ids);

#endif
