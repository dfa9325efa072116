/* Decoders of everything of fixed width into plain memory. */
#ifndef ZA_STORE_ARROW_NUMBERS_H
#define ZA_STORE_ARROW_NUMBERS_H

#include "store/arrow_rows.h"
#include "store/arrow_type.h"

/* Whole numbers and times as they lie there, uint64 by its bits; what nulls hold is not defined. */
za_code za_arrow_read_whole(const za_arrow_rows *rows, za_arrow_type type, int64_t *values, za_error *error);
/* Makes nanoseconds of times that were read as whole numbers; nulls, NumPy's NaT, and what is out of range are
 * INT64_MIN. `fault` says the first one that is out of range, and stays as it is where there is none. */
void za_arrow_scale_times(const za_arrow_rows *rows, za_arrow_type type, int64_t *values, za_error *fault);
/* Floats, decimals, nothing; nulls are NaN. */
za_code za_arrow_read_numbers(const za_arrow_rows *rows, za_arrow_type type, double *values, za_error *error);

#endif
