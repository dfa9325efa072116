/* Cross-sections of one time: by hand, and against the plainest way of computing them. */
#include <math.h>
#include <stdbool.h>

#include "bars_sample.h"
#include "check.h"
#include "plan/across.h"

enum { MOST = 3000 };

static void apply(za_across_kind kind, double share, double *values, size_t count)
{
    za_member members[MOST], spare[MOST];
    for (size_t i = 0; i < count; i++) {
        members[i] = (za_member){.value = values[i], .series = (uint32_t)i};
    }
    za_member *sorted = za_across_sort(members, count, spare);
    za_across_apply(kind, share, sorted, count);
    for (size_t i = 0; i < count; i++) {
        values[sorted[i].series] = sorted[i].value;
    }
}

static void test_by_hand(void)
{
    static const struct {
        za_across_kind kind;
        double share;
        double in[4], out[4];
    } cases[] = {
        {ZA_ACROSS_RANK, 0.0, {3, -1, 3, 7}, {0.625, 0.25, 0.625, 1.0}},
        {ZA_ACROSS_RANK, 0.0, {0.0, -0.0, 1e-300, -1e300}, {0.625, 0.625, 1.0, 0.25}},
        {ZA_ACROSS_SCALE, 0.0, {1, -2, 0, 1}, {0.25, -0.5, 0.0, 0.25}},
        {ZA_ACROSS_SCALE, 0.0, {0, 0, 0, 0}, {0, 0, 0, 0}},
        {ZA_ACROSS_DEMEAN, 0.0, {1, 2, 3, 6}, {-2, -1, 0, 3}},
        {ZA_ACROSS_STANDARDIZE, 0.0, {1, 1, 3, 3}, {-1, -1, 1, 1}},
        {ZA_ACROSS_STANDARDIZE, 0.0, {0.1, 0.1, 0.1, 0.1}, {0, 0, 0, 0}},
        {ZA_ACROSS_STANDARDIZE, 0.0, {-1e-200, 1e-200, -1e-200, 1e-200}, {-1, 1, -1, 1}},
        {ZA_ACROSS_WINSORIZE, 0.5, {1, 2, 4, 9}, {3, 3, 3, 3}},
        {ZA_ACROSS_WINSORIZE, 0.0, {1, 2, 4, 9}, {1, 2, 4, 9}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        double values[4];
        memcpy(values, cases[i].in, sizeof values);
        apply(cases[i].kind, cases[i].share, values, 4);
        for (int k = 0; k < 4; k++) {
            CHECK_NEAR(values[k], cases[i].out[k], 1e-15);
        }
    }
}

/* Lists that are sorted digit by digit as well as short ones, with many equal values. */
static void test_ranks(void)
{
    uint64_t dice = 7;
    for (int round = 0; round < 200; round++) {
        double values[MOST], ranks[MOST];
        size_t count = 1 + (size_t)roll(&dice, MOST - 1);
        double scale = round % 3 == 0 ? 1.0 : round % 3 == 1 ? 1e200 : 1e-200;
        count = round % 8 == 0 ? count : 1 + count % 300;
        for (size_t i = 0; i < count; i++) {
            values[i] = ranks[i] = ((double)roll(&dice, round % 2 == 0 ? 20 : 1000000) - 10.0) * scale;
        }
        apply(ZA_ACROSS_RANK, 0.0, ranks, count);
        for (size_t i = 0; i < count; i++) {
            double below = 0.0, equal = 0.0;
            for (size_t k = 0; k < count; k++) {
                below += values[k] < values[i];
                equal += values[k] == values[i];
            }
            CHECK_NEAR(ranks[i], (below + (equal + 1.0) / 2.0) / (double)count, 1e-15);
        }
    }
}

/* Values that differ in their last bits only, beside a few that are far away, so that these are not looked at first. */
static void test_values_that_are_close(void)
{
    uint64_t dice = 5;
    for (int round = 0; round < 40; round++) {
        double values[MOST];
        za_member members[MOST], spare[MOST];
        size_t count = 1 + (size_t)roll(&dice, MOST - 1);
        for (size_t i = 0; i < count; i++) {
            values[i] = 1.0 + (double)roll(&dice, round % 2 == 0 ? 100 : 1 << 20) * 0x1p-52;
            values[i] *= roll(&dice, 50) == 0 ? -1e300 : roll(&dice, 50) == 0 ? 1e-300 : 1.0;
            members[i] = (za_member){.value = values[i], .series = (uint32_t)i};
        }
        const za_member *sorted = za_across_sort(members, count, spare);
        bool seen[MOST] = {false};
        for (size_t i = 0; i < count; i++) {
            CHECK(!seen[sorted[i].series] && sorted[i].value == values[sorted[i].series]);
            CHECK(i == 0 || sorted[i - 1].value <= sorted[i].value);
            seen[sorted[i].series] = true;
        }
    }
}

static void test_groups(void)
{
    enum { MEMBERS = 6, GROUPED = 5 };
    static const int32_t labels[MEMBERS] = {2, 0, -1, 2, 3, 0};
    static const uint32_t series[GROUPED] = {0, 3, 1, 5, 4};
    static const size_t ends[] = {2, 4, 5};
    za_member members[MEMBERS], grouped[MEMBERS];
    size_t counts[4] = {0}, found[4];
    int32_t names[4];
    za_groups groups = {.members = counts, .labels = names, .ends = found};
    for (uint32_t i = 0; i < MEMBERS; i++) {
        members[i] = (za_member){.series = i};
    }
    for (int round = 0; round < 2; round++) {
        za_across_group(members, labels, MEMBERS, grouped, &groups);
        CHECK(groups.count == 3);
        for (int i = 0; i < GROUPED; i++) {
            CHECK(grouped[i].series == series[i] && (i >= 3 || found[i] == ends[i]) && (i >= 4 || counts[i] == 0));
        }
    }
}

/* The order in which members are given changes no bit. */
static void test_orders(void)
{
    uint64_t dice = 11;
    for (int round = 0; round < 200; round++) {
        double values[MOST], turned[MOST];
        size_t count = 1 + (size_t)roll(&dice, 300), by = (size_t)roll(&dice, count);
        for (size_t i = 0; i < count; i++) {
            values[i] = ((double)roll(&dice, 1000000) - 500000.0) / 7.0;
        }
        for (size_t i = 0; i < count; i++) {
            turned[i] = values[(i + by) % count];
        }
        za_across_kind kind = (za_across_kind)(round % ZA_ACROSS_COUNT);
        apply(kind, 0.1, values, count);
        apply(kind, 0.1, turned, count);
        for (size_t i = 0; i < count; i++) {
            CHECK(memcmp(&turned[i], &values[(i + by) % count], sizeof(double)) == 0);
        }
    }
}

/* Zeros of both signs are equal: which of them comes first shows in no result. */
static void test_signs_of_zero(void)
{
    for (int kind = 0; kind < ZA_ACROSS_COUNT; kind++) {
        double some[] = {-1.0, 0.0, -0.0}, others[] = {-1.0, -0.0, 0.0};
        apply((za_across_kind)kind, 0.5, some, 3);
        apply((za_across_kind)kind, 0.5, others, 3);
        CHECK(memcmp(&some[0], &others[0], sizeof(double)) == 0);
    }
}

int main(void)
{
    test_by_hand();
    test_ranks();
    test_values_that_are_close();
    test_groups();
    test_orders();
    test_signs_of_zero();
    return check_report("across");
}
