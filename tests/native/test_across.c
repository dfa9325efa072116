/* Cross-sections of one time: by hand, and against the plainest way of computing them. */
#include <math.h>

#include "bars_sample.h"
#include "check.h"
#include "plan/across.h"

enum { MOST = 300 };

static void apply(za_across_kind kind, double share, double *values, size_t count)
{
    za_member members[MOST], spare[MOST];
    for (size_t i = 0; i < count; i++) {
        members[i] = (za_member){.value = values[i], .cell = (int64_t)i};
    }
    za_across_apply(kind, share, members, count, spare);
    for (size_t i = 0; i < count; i++) {
        values[members[i].cell] = members[i].value;
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

static void test_groups(void)
{
    static const int32_t labels[] = {2, 0, 2, 3, 0};
    static const int64_t cells[] = {0, 2, 1, 4, 3};
    static const size_t ends[] = {2, 4, 5};
    za_member members[5], spare[5];
    size_t counts[4] = {0}, found[4];
    int32_t names[4];
    za_groups groups = {.members = counts, .labels = names, .ends = found};
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 5; i++) {
            members[i] = (za_member){.cell = i, .label = labels[i]};
        }
        za_across_group(members, 5, spare, &groups);
        CHECK(groups.count == 3);
        for (int i = 0; i < 5; i++) {
            CHECK(members[i].cell == cells[i] && (i >= 3 || found[i] == ends[i]) && (i >= 4 || counts[i] == 0));
        }
    }
}

/* The order in which members are given changes no bit. */
static void test_orders(void)
{
    uint64_t dice = 11;
    for (int round = 0; round < 200; round++) {
        double values[MOST], turned[MOST];
        size_t count = 1 + (size_t)roll(&dice, MOST - 1), by = (size_t)roll(&dice, count);
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
    test_groups();
    test_orders();
    test_signs_of_zero();
    return check_report("across");
}
