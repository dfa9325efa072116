/* Labels of symbols, in sets that have a name: `rank(x, by="sector")` compares the symbols of one label. */
#ifndef ZA_STORE_LABELS_H
#define ZA_STORE_LABELS_H

#include <stdatomic.h>

#include "base/status.h"
#include "store/bars.h"
#include "store/options.h"
#include "store/text_set.h"

/* A set that is in a store never changes: setting the labels anew puts another in its place. So whoever keeps codes can
 * tell by the pointer whether they are still those of the store. */
typedef struct za_labels {
    atomic_int references; /* the store holds one, each reader another */
    char *name;            /* NUL-terminated */
    za_text_set symbols, labels;
    int32_t *label_of;      /* of each of the symbols: a place in `labels` */
    struct za_labels *next; /* in the store's list; guarded by its mutex */
} za_labels;

/* A set of `count` labels; labels[i] is that of symbols[i]. ZA_BAD_VALUE and NULL if a symbol appears twice. */
za_labels *za_labels_new(za_symbol name, const za_symbol *symbols, const za_symbol *labels, size_t count,
                         za_error *error);
/* Any thread; NULL is let pass. */
void za_labels_release(za_labels *labels);

/* Puts the set into the store in the place of the one of its name, if there is one. The reference moves into the
 * store. */
void za_store_put_labels(za_store *store, za_labels *labels);
/* A reference to the set of that name; NULL and ZA_BAD_VALUE, with the names that there are, if there is none. */
za_labels *za_store_labels(za_store *store, za_symbol name, za_error *error);
/* References to all sets, as many as *count; za_free the list. NULL without memory. */
za_labels **za_store_all_labels(za_store *store, size_t *count);

/* Frees the labels of a store that no other thread sees. */
void za_store_free_labels(za_store *store);

/* codes[i] becomes the number of symbols[i]'s label, from 0 to labels->labels.count - 1, or -1 if it has none. Any
 * thread, without the store's lock. */
void za_labels_codes(const za_labels *labels, const za_symbol *symbols, size_t count, int32_t *codes);

#endif
