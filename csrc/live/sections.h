/* Cross-sections of a store on their way into live tiles, as they came and without a look at any symbol. */
#ifndef ZA_LIVE_SECTIONS_H
#define ZA_LIVE_SECTIONS_H

#include "live/take.h"
#include "store/news.h"

/* The sections of the news enter all tiles that are not `apart`, in their order: a ticker with a bar in one goes on by
 * it, or has its last bar revised. Tickers of a tile that come apart by that leave it. ZA_OK,
 * ZA_NO_MEMORY or ZA_EXPIRED: then some tickers have not seen all sections, and say so by their sequence. */
za_code za_live_take_sections(za_live *live, za_pool *pool, int64_t deadline_ns, const za_news *news);
/* Returns whether a ticker without states, or one that has no row and is to have one, has a bar in the sections. After
 * za_live_take_sections of them. */
bool za_live_sections_have_newcomers(const za_live *live, const za_news *news);

#endif
