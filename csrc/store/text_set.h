/* Distinct texts, numbered in the order in which they first came. */
#ifndef ZA_STORE_TEXT_SET_H
#define ZA_STORE_TEXT_SET_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

/* Starts as zeros. `texts` and `lengths` may be taken over by the caller (who then sets them to NULL) once nothing more
 * is to be added. */
typedef struct za_text_set {
    char **texts; /* NUL-terminated, each an allocation of its own */
    size_t *lengths;
    int32_t count, room;
    int32_t last;       /* the code that was given last; means nothing while count is 0 */
    uint64_t *slots;    /* upper half: of the hash; lower half: code + 1, or 0 for a free slot */
    uint64_t slot_mask; /* slots - 1, a power of two less one; slots is NULL while there are none */
} za_text_set;

/* The number of `text`, copied into the set if it is new. ZA_BAD_VALUE: it is not UTF-8, or there are 2^30 others;
 * ZA_NO_MEMORY. The set is as it was after either. */
za_code za_text_set_code(za_text_set *set, const char *text, size_t length, int32_t *code);
/* The number of `text`, or -1 if it is not in the set. */
int32_t za_text_set_find(const za_text_set *set, const char *text, size_t length);
void za_text_set_free(za_text_set *set);

#endif
