#include "base/histogram.h"

#include <stdatomic.h>

#include "base/memory.h"

enum {
    STEP_BITS = 7, /* 2^-7 is 0.8 %; a bit less would be 1.6 % */
    STEPS = 1 << STEP_BITS,
    TOP_BIT = 45, /* of the shortest duration in the last bucket */
    LAST = (TOP_BIT - STEP_BITS + 1) * STEPS,
    BUCKETS = LAST + 1
};

/* Zeroed bytes are counters of 0 where atomics need no lock. */
_Static_assert(ATOMIC_LLONG_LOCK_FREE == 2, "counters of 64 bits without a lock");

/* 40 kB, however much is recorded. Each field is atomic and guarded by nothing else; the first two are written before
 * the bucket, which publishes them. */
struct za_histogram {
    _Atomic int64_t total_ns;
    _Atomic int64_t max_ns;
    _Atomic int64_t buckets[BUCKETS];
};

za_histogram *za_histogram_new(void)
{
    return za_alloc_zeroed(1, sizeof(za_histogram));
}

void za_histogram_free(za_histogram *histogram)
{
    za_free(histogram);
}

/* The octave of a duration is how often it is halved to come below 2 * STEPS; its step is what is left. Octave 0 counts
 * each nanosecond. */
static size_t bucket_of(int64_t ns)
{
    if (ns >= INT64_C(1) << TOP_BIT) {
        return LAST;
    }
    int octave = 63 - __builtin_clzll((unsigned long long)ns | STEPS) - STEP_BITS;
    return (size_t)octave * STEPS + (size_t)(ns >> octave);
}

/* The longest duration of a bucket. */
static int64_t longest_in(size_t bucket)
{
    if (bucket == LAST) {
        return INT64_MAX;
    }
    size_t octave = bucket < STEPS ? 0 : bucket / STEPS - 1;
    return ((int64_t)(bucket - octave * STEPS + 1) << octave) - 1;
}

static void add(_Atomic int64_t *total, int64_t ns)
{
    int64_t before = atomic_load_explicit(total, memory_order_relaxed), after;
    do {
        after = ns > INT64_MAX - before ? INT64_MAX : before + ns;
    } while (!atomic_compare_exchange_weak_explicit(total, &before, after, memory_order_relaxed, memory_order_relaxed));
}

static void keep_longer(_Atomic int64_t *max, int64_t ns)
{
    int64_t before = atomic_load_explicit(max, memory_order_relaxed);
    while (before < ns &&
           !atomic_compare_exchange_weak_explicit(max, &before, ns, memory_order_relaxed, memory_order_relaxed)) {
    }
}

void za_histogram_record(za_histogram *histogram, int64_t ns, int32_t times)
{
    ns = ns < 0 ? 0 : ns;
    add(&histogram->total_ns, ns > INT64_MAX / times ? INT64_MAX : ns * times);
    keep_longer(&histogram->max_ns, ns);
    (void)atomic_fetch_add_explicit(&histogram->buckets[bucket_of(ns)], times, memory_order_release);
}

void za_histogram_clear(za_histogram *histogram)
{
    for (size_t i = 0; i < BUCKETS; i++) {
        atomic_store_explicit(&histogram->buckets[i], 0, memory_order_relaxed);
    }
    atomic_store_explicit(&histogram->total_ns, 0, memory_order_relaxed);
    atomic_store_explicit(&histogram->max_ns, 0, memory_order_relaxed);
}

/* The buckets as running sums, read once, so that what is made of them agrees. Returns the last one: the count. */
static int64_t accumulate(const za_histogram *histogram, int64_t sums[BUCKETS])
{
    int64_t sum = 0;
    for (size_t i = 0; i < BUCKETS; i++) {
        sum += atomic_load_explicit(&histogram->buckets[i], memory_order_acquire);
        sums[i] = sum;
    }
    return sum;
}

int64_t za_histogram_count(const za_histogram *histogram)
{
    int64_t sums[BUCKETS];
    return accumulate(histogram, sums);
}

int64_t za_histogram_total_ns(const za_histogram *histogram)
{
    return atomic_load_explicit(&histogram->total_ns, memory_order_relaxed);
}

int64_t za_histogram_max_ns(const za_histogram *histogram)
{
    return atomic_load_explicit(&histogram->max_ns, memory_order_relaxed);
}

/* Counted from 1. Multiplied before it is divided: whole percents of whole counts stay whole. */
static int64_t rank_of(double percent, int64_t count)
{
    double exact = percent * (double)count / 100.0;
    int64_t rank = (int64_t)exact;
    rank += (double)rank < exact;
    return rank < 1 ? 1 : rank > count ? count : rank;
}

int64_t za_histogram_percentile_ns(const za_histogram *histogram, double percent)
{
    int64_t sums[BUCKETS], count = accumulate(histogram, sums);
    if (count == 0) {
        return 0;
    }
    int64_t rank = rank_of(percent, count);
    size_t bucket = 0;
    while (sums[bucket] < rank) {
        bucket++;
    }
    int64_t longest = longest_in(bucket), max = za_histogram_max_ns(histogram);
    return longest < max ? longest : max;
}

void za_histogram_counts(const za_histogram *histogram, const int64_t *bounds_ns, size_t size, int64_t *counts)
{
    int64_t sums[BUCKETS];
    (void)accumulate(histogram, sums);
    int64_t max = za_histogram_max_ns(histogram);
    for (size_t i = 0; i < size; i++) {
        int64_t bound = bounds_ns[i];
        size_t bucket = bound < 0 ? 0 : bucket_of(bound);
        bucket -= bucket == LAST && bound < max; /* no telling which of the last are longer */
        counts[i] = bound < 0 ? 0 : sums[bucket];
    }
}
