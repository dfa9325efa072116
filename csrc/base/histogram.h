/* Durations counted in log-linear buckets: every power of two in 128 equal steps. A duration is read back as the
 * longest one of its bucket, which is never shorter and less than 0.8 % longer; below 256 ns buckets hold one duration
 * each, and from 2^45 ns (9.8 hours) on there is one for all. Any thread may call anything but za_histogram_free at any
 * time, and no call waits: a duration that a reader finds counted is in the total and the maximum as well. */
#ifndef ZA_BASE_HISTOGRAM_H
#define ZA_BASE_HISTOGRAM_H

#include <stddef.h>
#include <stdint.h>

typedef struct za_histogram za_histogram;

/* Empty. NULL without memory, of which it takes no more afterwards. */
za_histogram *za_histogram_new(void);
void za_histogram_free(za_histogram *histogram);

/* `times` durations of `ns` each, at least one. A negative duration counts as 0. */
void za_histogram_record(za_histogram *histogram, int64_t ns, int32_t times);
/* Forgets everything. A value that is recorded meanwhile may be forgotten in part: counted, and not in the total. */
void za_histogram_clear(za_histogram *histogram);

int64_t za_histogram_count(const za_histogram *histogram);
/* The exact sum; it stops at INT64_MAX, which is 292 years. */
int64_t za_histogram_total_ns(const za_histogram *histogram);
/* The longest duration, exact; 0 when empty. */
int64_t za_histogram_max_ns(const za_histogram *histogram);
/* The shortest duration that is not exceeded by `percent` (0 to 100) of them: by nearest rank, never above the maximum.
 * 0 when empty. */
int64_t za_histogram_percentile_ns(const za_histogram *histogram, double percent);
/* For each of the `size` bounds, the number of durations that are not longer; those of the bound's own bucket count as
 * not longer. All are of one moment. */
void za_histogram_counts(const za_histogram *histogram, const int64_t *bounds_ns, size_t size, int64_t *counts);

#endif
