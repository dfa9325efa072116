#include "plan/across.h"

#include <math.h>
#include <string.h>

const char *za_across_name(za_across_kind kind)
{
    static const char *const names[ZA_ACROSS_COUNT] = {"rank", "scale", "demean", "standardize", "winsorize"};
    return names[kind];
}

/* Whole numbers in the order of the doubles; -0 is 0. */
static uint64_t key_of(double value)
{
    uint64_t bits;
    value += 0.0;
    memcpy(&bits, &value, sizeof bits);
    return bits >> 63 != 0 ? ~bits : bits | UINT64_C(1) << 63;
}

/* Fewer than this are sorted by insertion. */
enum { FEW = 32, DIGITS = 8, DIGIT_VALUES = 256 };

static void sort_few(za_member *members, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        za_member member = members[i];
        size_t at = i;
        for (; at > 0 && members[at - 1].value > member.value; at--) {
            members[at] = members[at - 1];
        }
        members[at] = member;
    }
}

/* How often each value of each digit occurs. */
static void count_digits(const za_member *members, size_t count, size_t counts[DIGITS][DIGIT_VALUES])
{
    memset(counts, 0, sizeof(size_t[DIGITS][DIGIT_VALUES]));
    for (size_t i = 0; i < count; i++) {
        uint64_t key = key_of(members[i].value);
        for (int digit = 0; digit < DIGITS; digit++) {
            counts[digit][key >> 8 * digit & (DIGIT_VALUES - 1)]++;
        }
    }
}

/* By one digit, stable: from `from` to `to`. */
static void sort_by_digit(const za_member *from, size_t count, za_member *to, int digit, size_t *counts)
{
    size_t before = 0;
    for (int value = 0; value < DIGIT_VALUES; value++) {
        size_t here = counts[value];
        counts[value] = before;
        before += here;
    }
    for (size_t i = 0; i < count; i++) {
        to[counts[key_of(from[i].value) >> 8 * digit & (DIGIT_VALUES - 1)]++] = from[i];
    }
}

/* By value. A digit in which all are alike is passed over. */
static void sort(za_member *members, size_t count, za_member *spare)
{
    size_t counts[DIGITS][DIGIT_VALUES];
    if (count < FEW) {
        sort_few(members, count);
        return;
    }
    count_digits(members, count, counts);
    za_member *from = members, *to = spare;
    for (int digit = 0; digit < DIGITS; digit++) {
        if (counts[digit][key_of(members[0].value) >> 8 * digit & (DIGIT_VALUES - 1)] == count) {
            continue;
        }
        sort_by_digit(from, count, to, digit, counts[digit]);
        za_member *sorted = to;
        to = from;
        from = sorted;
    }
    if (from != members) {
        memcpy(members, from, count * sizeof *members);
    }
}

/* What follows is of members in the order of their values. */
static void rank(za_member *members, size_t count)
{
    for (size_t first = 0, last; first < count; first = last) {
        double value = members[first].value;
        for (last = first + 1; last < count && members[last].value == value; last++) {
        }
        double average = (double)(first + 1 + last) / 2.0 / (double)count;
        for (size_t i = first; i < last; i++) {
            members[i].value = average;
        }
    }
}

static void scale(za_member *members, size_t count)
{
    double sum = 0.0;
    for (size_t i = 0; i < count; i++) {
        sum += fabs(members[i].value);
    }
    for (size_t i = 0; i < count && sum != 0.0; i++) {
        members[i].value /= sum;
    }
}

/* The mean as a distance from the first value: of equal values it is that value to the bit. */
static double mean_of(const za_member *members, size_t count)
{
    double first = members[0].value, sum = 0.0;
    for (size_t i = 0; i < count; i++) {
        sum += members[i].value - first;
    }
    return first + sum / (double)count;
}

static void demean(za_member *members, size_t count)
{
    double mean = mean_of(members, count);
    for (size_t i = 0; i < count; i++) {
        members[i].value -= mean;
    }
}

/* The distances are squared as parts of the greatest one, so that no square is too large or too small. */
static void standardize(za_member *members, size_t count)
{
    double most = 0.0, squares = 0.0;
    demean(members, count);
    for (size_t i = 0; i < count; i++) {
        most = fmax(most, fabs(members[i].value));
    }
    for (size_t i = 0; i < count && most > 0.0; i++) {
        members[i].value /= most;
        squares += members[i].value * members[i].value;
    }
    double deviation = sqrt(squares / (double)count);
    for (size_t i = 0; i < count && most > 0.0; i++) {
        members[i].value /= deviation;
    }
}

/* Zero is the positive one: which of both signs stands there depends on the order of equal values. */
static double quantile(const za_member *members, size_t count, double share)
{
    double place = share * (double)(count - 1), below = floor(place);
    const za_member *at = &members[(size_t)below];
    double more = place > below ? (at[1].value - at[0].value) * (place - below) : 0.0;
    return at[0].value + more;
}

static void winsorize(za_member *members, size_t count, double share)
{
    double least = quantile(members, count, share), most = quantile(members, count, 1.0 - share);
    for (size_t i = 0; i < count; i++) {
        double value = members[i].value;
        members[i].value = value < least ? least : value > most ? most : value;
    }
}

void za_across_apply(za_across_kind kind, double share, za_member *members, size_t count, za_member *spare)
{
    if (count == 0) {
        return;
    }
    sort(members, count, spare);
    switch (kind) {
    case ZA_ACROSS_RANK:
        rank(members, count);
        return;
    case ZA_ACROSS_SCALE:
        scale(members, count);
        return;
    case ZA_ACROSS_DEMEAN:
        demean(members, count);
        return;
    case ZA_ACROSS_STANDARDIZE:
        standardize(members, count);
        return;
    default:
        winsorize(members, count, share);
        return;
    }
}

void za_across_group(za_member *members, size_t count, za_member *spare, za_groups *groups)
{
    size_t before = 0;
    groups->count = 0;
    for (size_t i = 0; i < count; i++) {
        if (groups->members[members[i].label]++ == 0) {
            groups->labels[groups->count++] = members[i].label;
        }
    }
    for (size_t group = 0; group < groups->count; group++) {
        size_t *next = &groups->members[groups->labels[group]], here = *next;
        *next = before;
        before += here;
        groups->ends[group] = before;
    }
    for (size_t i = 0; i < count; i++) {
        spare[groups->members[members[i].label]++] = members[i];
    }
    for (size_t group = 0; group < groups->count; group++) {
        groups->members[groups->labels[group]] = 0;
    }
    memcpy(members, spare, count * sizeof *members);
}
