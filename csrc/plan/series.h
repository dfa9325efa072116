/* One series of a plan, computed at once on the calling thread: for those to whom each microsecond counts. */
#ifndef ZA_PLAN_SERIES_H
#define ZA_PLAN_SERIES_H

#include "plan/plan.h"
#include "pool/pool.h"

/* Bytes of scratch memory that a series of `bars` bars takes. */
size_t za_series_bytes(const za_plan *plan, int64_t bars);
/* Writes result k of bar t to values[k * bars + t]. `columns` are as the plan numbers them, `bars` values each; the
 * plan reads no times. False without memory. */
bool za_series_run(const za_plan *plan, const double *const *columns, int64_t bars, double *values,
                   za_scratch *scratch);

#endif
