/* The bars that have come into a store since a reader looked last: for readers that keep up with it bar by bar. */
#ifndef ZA_STORE_NEWS_H
#define ZA_STORE_NEWS_H

#include "store/options.h"
#include "store/section.h"
#include "store/symbols.h"

/* A section says that each symbol that has a bar in it has one more, or that its last one was replaced, if that had the
 * same time and the store is ordered. A symbol without bars before may be new. */
typedef struct za_news {
    uint64_t sequence; /* of the store at that moment: to be asked with the next time */
    bool is_complete;  /* false: there was more than what follows, and any symbol may have changed in any way */
    int section_count, changed_count;
    za_section *sections[ZA_TAIL]; /* in the order in which they came; a reference to each */
    uint64_t changed[ZA_JOURNAL];  /* ids of symbols (za_progress) that changed in another way; some repeat */
} za_news;

/* All that came after `sequence`, without a look at any symbol. A reader applies the sections in their order to the
 * symbols that are not among `changed`, and takes views of those that are. */
void za_store_news(za_store *store, uint64_t sequence, za_news *news);
void za_news_release(za_news *news);

#endif
