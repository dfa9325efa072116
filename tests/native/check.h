/* A test bench of three words: CHECK and CHECK_NEAR count and go on, check_report says how it went. Any thread may
 * check; a test is one source file with a main that ends in `return check_report("name")`. */
#ifndef ZA_TESTS_CHECK_H
#define ZA_TESTS_CHECK_H

#include <math.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>

static atomic_long checks_passed, checks_failed;

static inline bool check_count(bool passed, const char *what, const char *file, int line)
{
    if (passed) {
        atomic_fetch_add_explicit(&checks_passed, 1, memory_order_relaxed);
        return true;
    }
    atomic_fetch_add_explicit(&checks_failed, 1, memory_order_relaxed);
    (void)fprintf(stderr, "%s:%d: failed: %s\n", file, line, what);
    return false;
}

static inline bool check_near(double got, double wanted, double relative, const char *file, int line)
{
    bool same = got == wanted || (isnan(got) && isnan(wanted));
    double larger = fmax(fabs(got), fabs(wanted));
    char what[128];
    (void)snprintf(what, sizeof what, "%.17g is not near %.17g", got, wanted);
    return check_count(same || (isfinite(larger) && fabs(got - wanted) <= relative * larger), what, file, line);
}

/* Both are expressions that say whether the check passed, for where going on would make no sense. NaN is near NaN. */
#define CHECK(condition)                  check_count((condition), #condition, __FILE__, __LINE__)
#define CHECK_NEAR(got, wanted, relative) check_near((got), (wanted), (relative), __FILE__, __LINE__)

/* The closing line, and main's return value. A test that checked nothing has failed. */
static inline int check_report(const char *name)
{
    long passed = atomic_load(&checks_passed), failed = atomic_load(&checks_failed);
    (void)printf("%s: %ld passed, %ld failed\n", name, passed, failed);
    return failed == 0 && passed > 0 ? 0 : 1;
}

#endif
