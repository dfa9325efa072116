/* Other tickers that the formulas of live states read: their states, and what these have given at each of their bars.
 */
#ifndef ZA_LIVE_OTHERS_H
#define ZA_LIVE_OTHERS_H

#include "live/live_inside.h"

/* States that have seen nothing, for each plan over another ticker that the states' plan needs, and where its layout
 * reads them. After the layout. ZA_OK or ZA_NO_MEMORY. */
za_code za_live_others_make(za_live *live, za_error *error);
void za_live_others_free(za_live *live);

/* The other tickers take in what the store has. A value that has changed makes the members who read it take in their
 * last bar again, or begin anew if they have gone on since: by their views, which they then owe a look. On failure each
 * other ticker is as it was or up to date. ZA_OK or ZA_NO_MEMORY. */
za_code za_live_others_update(za_live *live);

#endif
