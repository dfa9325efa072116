/* The correlation of a symbol's returns with those of another. */
#ifndef ZA_MARKET_CORRELATION_H
#define ZA_MARKET_CORRELATION_H

#include "store/store.h"

/* Pearson's correlation of the last simple returns of both, up to 20 and paired by position from the last one; NaN if
 * there are fewer than 5, or if either does not vary. */
double za_correlation_of_returns(const za_rows *rows, const za_rows *other);

#endif
