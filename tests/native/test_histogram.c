/* Histograms beside sorted lists of the same durations: percentiles, counts, their error at every magnitude, what lies
 * beyond the buckets, and threads that record at once. */
#include <stdint.h>
#include <stdlib.h>

#include "base/histogram.h"
#include "base/memory.h"
#include "check.h"
#include "gate.h"

enum { SAMPLES = 5000, THREADS = 4, ROUNDS = 20000 };

static const double promised = 1.0 / 128.0;
static const int64_t beyond = INT64_C(1) << 45;

static za_histogram *histogram_of(const int64_t *durations, size_t count)
{
    za_histogram *histogram = za_histogram_new();
    for (size_t i = 0; histogram != NULL && i < count; i++) {
        za_histogram_record(histogram, durations[i], 1);
    }
    return histogram;
}

static bool is_within(int64_t got, int64_t exact)
{
    return got >= exact && (double)(got - exact) <= promised * (double)exact;
}

/* splitmix64 */
static uint64_t random_bits(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static int compare(const void *left, const void *right)
{
    int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;
    return (a > b) - (a < b);
}

static void test_empty(void)
{
    int64_t bounds[] = {0, INT64_MAX}, counts[] = {7, 7};
    za_memory_fail_after(0);
    CHECK(za_histogram_new() == NULL);
    za_memory_fail_after(-1);
    za_histogram *histogram = za_histogram_new();
    CHECK(za_histogram_count(histogram) == 0 && za_histogram_total_ns(histogram) == 0);
    CHECK(za_histogram_max_ns(histogram) == 0 && za_histogram_percentile_ns(histogram, 50.0) == 0);
    za_histogram_counts(histogram, bounds, 2, counts);
    CHECK(counts[0] == 0 && counts[1] == 0);
    za_histogram_free(histogram);
    za_histogram_free(NULL);
}

/* One duration with a longer one behind it, so that the maximum does not help: at, before and after every power of two,
 * and in the middle. */
static void test_error_at_every_magnitude(void)
{
    for (int bit = 0; bit < 45; bit++) {
        int64_t power = INT64_C(1) << bit;
        const int64_t near[] = {power - 1, power, power + 1, power + power / 2, power + power / 128, 2 * power - 1};
        for (size_t i = 0; i < sizeof near / sizeof *near; i++) {
            za_histogram *histogram = histogram_of((const int64_t[]){near[i], 4 * beyond}, 2);
            int64_t median = za_histogram_percentile_ns(histogram, 50.0);
            CHECK(is_within(median, near[i]));
            CHECK(near[i] >= 256 || median == near[i]);
            za_histogram_free(histogram);
        }
    }
}

/* Magnitudes as likely as each other: what the sorted list says at each percent. */
static void test_percentiles(void)
{
    static int64_t durations[SAMPLES];
    uint64_t state = 1;
    int64_t total = 0;
    for (int i = 0; i < SAMPLES; i++) {
        durations[i] = (int64_t)(random_bits(&state) >> (19 + random_bits(&state) % 45));
        total += durations[i];
    }
    za_histogram *histogram = histogram_of(durations, SAMPLES);
    qsort(durations, SAMPLES, sizeof *durations, compare);
    CHECK(za_histogram_count(histogram) == SAMPLES && za_histogram_total_ns(histogram) == total);
    CHECK(za_histogram_max_ns(histogram) == durations[SAMPLES - 1]);
    for (int percent = 1; percent <= 100; percent++) {
        CHECK(is_within(za_histogram_percentile_ns(histogram, percent), durations[SAMPLES / 100 * percent - 1]));
    }
    CHECK(is_within(za_histogram_percentile_ns(histogram, 0.0), durations[0]));
    CHECK(is_within(za_histogram_percentile_ns(histogram, 99.99), durations[SAMPLES - 1]));
    CHECK(za_histogram_percentile_ns(histogram, 100.0) == durations[SAMPLES - 1]);
    za_histogram_free(histogram);
}

/* Each rank of a few durations that have buckets of their own. */
static void test_nearest_rank(void)
{
    const int64_t durations[] = {30, 10, 40, 20};
    za_histogram *histogram = histogram_of(durations, 4);
    const struct {
        double percent;
        int64_t expected;
    } cases[] = {{0, 10}, {25, 10}, {25.001, 20}, {50, 20}, {75, 30}, {75.5, 40}, {100, 40}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CHECK(za_histogram_percentile_ns(histogram, cases[i].percent) == cases[i].expected);
    }
    za_histogram_free(histogram);
    int64_t alike[100];
    for (int i = 0; i < 100; i++) {
        alike[i] = 1000001;
    }
    histogram = histogram_of(alike, 100);
    CHECK(za_histogram_percentile_ns(histogram, 50.0) == 1000001); /* never above the maximum */
    za_histogram_free(histogram);
}

/* At least what is not above the bound, and no more than what is not above it by more than the error. */
static void test_counts(void)
{
    static int64_t durations[SAMPLES];
    int64_t bounds[] = {-1, 0, 1, 100, 5000, 70000, 1000000, 123456789, 1, INT64_MAX}, counts[10];
    uint64_t state = 2;
    for (int i = 0; i < SAMPLES; i++) {
        durations[i] = (int64_t)(random_bits(&state) >> (30 + random_bits(&state) % 34));
    }
    za_histogram *histogram = histogram_of(durations, SAMPLES);
    za_histogram_counts(histogram, bounds, 10, counts);
    for (int i = 0; i < 10; i++) {
        int64_t least = 0, most = 0;
        for (int k = 0; k < SAMPLES; k++) {
            least += durations[k] <= bounds[i];
            most += (double)durations[k] <= (double)bounds[i] * (1.0 + promised);
        }
        CHECK(counts[i] >= least && counts[i] <= most);
    }
    CHECK(counts[0] == 0 && counts[9] == SAMPLES);
    za_histogram_counts(histogram, bounds, 10, bounds); /* in place */
    CHECK(bounds[5] == counts[5] && bounds[9] == SAMPLES);
    za_histogram_free(histogram);
}

/* The last bucket's durations are told from one another by the maximum alone. */
static void test_beyond_the_buckets(void)
{
    const int64_t durations[] = {beyond - 1, beyond, 3 * beyond, -5};
    int64_t bounds[] = {beyond - 1, beyond, 3 * beyond - 1, 3 * beyond}, counts[4];
    za_histogram *histogram = histogram_of(durations, 4);
    CHECK(za_histogram_percentile_ns(histogram, 25.0) == 0);
    CHECK(za_histogram_percentile_ns(histogram, 50.0) == beyond - 1);
    CHECK(za_histogram_percentile_ns(histogram, 75.0) == 3 * beyond);
    CHECK(za_histogram_max_ns(histogram) == 3 * beyond && za_histogram_total_ns(histogram) == 5 * beyond - 1);
    za_histogram_counts(histogram, bounds, 4, counts);
    CHECK(counts[0] == 2 && counts[1] == 2 && counts[2] == 2 && counts[3] == 4);
    za_histogram_record(histogram, INT64_MAX, 1);
    CHECK(za_histogram_max_ns(histogram) == INT64_MAX && za_histogram_total_ns(histogram) == INT64_MAX);
    CHECK(za_histogram_percentile_ns(histogram, 100.0) == INT64_MAX && za_histogram_count(histogram) == 5);
    za_histogram_free(histogram);
}

/* As if each had been recorded by itself; what is too much for the total stops there. */
static void test_many_at_once(void)
{
    za_histogram *one_by_one = za_histogram_new(), *at_once = za_histogram_new();
    for (int64_t ns = 1; ns < beyond; ns *= 7) {
        for (int i = 0; i < 13; i++) {
            za_histogram_record(one_by_one, ns, 1);
        }
        za_histogram_record(at_once, ns, 13);
    }
    CHECK(za_histogram_count(at_once) == za_histogram_count(one_by_one));
    CHECK(za_histogram_total_ns(at_once) == za_histogram_total_ns(one_by_one));
    CHECK(za_histogram_max_ns(at_once) == za_histogram_max_ns(one_by_one));
    for (int percent = 0; percent <= 100; percent++) {
        CHECK(za_histogram_percentile_ns(at_once, percent) == za_histogram_percentile_ns(one_by_one, percent));
    }
    za_histogram_free(one_by_one);
    za_histogram_record(at_once, INT64_MAX / 2, INT32_MAX);
    CHECK(za_histogram_total_ns(at_once) == INT64_MAX && za_histogram_max_ns(at_once) == INT64_MAX / 2);
    za_histogram_free(at_once);
}

static void test_clear(void)
{
    za_histogram *histogram = histogram_of((const int64_t[]){1, 1000, 2 * beyond}, 3);
    za_histogram_clear(histogram);
    CHECK(za_histogram_count(histogram) == 0 && za_histogram_total_ns(histogram) == 0);
    CHECK(za_histogram_max_ns(histogram) == 0 && za_histogram_percentile_ns(histogram, 99.0) == 0);
    za_histogram_record(histogram, 5, 1);
    CHECK(za_histogram_count(histogram) == 1 && za_histogram_total_ns(histogram) == 5);
    CHECK(za_histogram_percentile_ns(histogram, 99.0) == 5);
    za_histogram_free(histogram);
}

static struct {
    za_histogram *histogram;
    gate start;
    atomic_bool stopped;
} shared = {.start = GATE_CLOSED};

/* The durations 1 to ROUNDS, and so each thread. */
static void *record(void *unused)
{
    (void)unused;
    gate_pass(&shared.start);
    for (int64_t ns = 1; ns <= ROUNDS; ns++) {
        za_histogram_record(shared.histogram, ns, 1);
    }
    return NULL;
}

/* What a reader sees never goes back, and what is counted is in the total and below the maximum. */
static void *watch(void *unused)
{
    (void)unused;
    bool agreed = true;
    gate_pass(&shared.start);
    for (int64_t before = 0; !atomic_load(&shared.stopped);) {
        int64_t count = za_histogram_count(shared.histogram), total = za_histogram_total_ns(shared.histogram);
        int64_t median = za_histogram_percentile_ns(shared.histogram, 50.0);
        agreed = agreed && count >= before && total >= count && (count == 0 || median > 0);
        before = count;
    }
    CHECK(agreed);
    return NULL;
}

static void test_threads(void)
{
    pthread_t recorders[THREADS], watcher;
    shared.histogram = za_histogram_new();
    CHECK(pthread_create(&watcher, NULL, watch, NULL) == 0);
    for (int i = 0; i < THREADS; i++) {
        CHECK(pthread_create(&recorders[i], NULL, record, NULL) == 0);
    }
    gate_await(&shared.start, THREADS + 1);
    gate_open(&shared.start);
    for (int i = 0; i < THREADS; i++) {
        (void)pthread_join(recorders[i], NULL);
    }
    atomic_store(&shared.stopped, true);
    (void)pthread_join(watcher, NULL);
    int64_t sum = (int64_t)ROUNDS * (ROUNDS + 1) / 2;
    CHECK(za_histogram_count(shared.histogram) == THREADS * ROUNDS);
    CHECK(za_histogram_total_ns(shared.histogram) == THREADS * sum);
    CHECK(za_histogram_max_ns(shared.histogram) == ROUNDS);
    CHECK(is_within(za_histogram_percentile_ns(shared.histogram, 50.0), ROUNDS / 2));
    za_histogram_free(shared.histogram);
}

int main(void)
{
    test_empty();
    test_error_at_every_magnitude();
    test_percentiles();
    test_nearest_rank();
    test_counts();
    test_beyond_the_buckets();
    test_many_at_once();
    test_clear();
    test_threads();
    return check_report("histogram");
}
