#include "plan/across.h"

#include <math.h>
#include <stdbool.h>
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
enum { FEW = 32 };

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

/* A sort goes by so many digits of the keys, from the first bit in which they differ on; those of long lists are
 * longer, so that few members are alike in all of them. */
enum { DIGITS = 3, SHORT_DIGIT = 8, LONG_DIGIT = 11, LONG = 1024 };

typedef struct za_digits {
    int shift, bits; /* of the last one, and of each */
    uint32_t counts[DIGITS][1 << LONG_DIGIT];
} za_digits;

static size_t digit_of(const za_digits *digits, double value, int digit)
{
    return (size_t)(key_of(value) >> digits->shift >> digit * digits->bits) & (((size_t)1 << digits->bits) - 1);
}

/* Finds the digits, and how often each value of each occurs. False if all members are equal. */
static bool find_digits(const za_member *members, size_t count, za_digits *digits)
{
    uint64_t first = key_of(members[0].value), differ = 0;
    for (size_t i = 1; i < count; i++) {
        differ |= key_of(members[i].value) ^ first;
    }
    digits->bits = count < LONG ? SHORT_DIGIT : LONG_DIGIT;
    digits->shift = 0;
    while (differ >> digits->shift >> DIGITS * digits->bits != 0) {
        digits->shift++;
    }
    for (int digit = 0; digit < DIGITS; digit++) {
        memset(digits->counts[digit], 0, sizeof digits->counts[0][0] << digits->bits);
    }
    for (size_t i = 0; i < count && differ != 0; i++) {
        for (int digit = 0; digit < DIGITS; digit++) {
            digits->counts[digit][digit_of(digits, members[i].value, digit)]++;
        }
    }
    return differ != 0;
}

/* Sorts by one digit, stably, from `from` to `to`. */
static void sort_by_digit(za_digits *digits, int digit, const za_member *from, size_t count, za_member *to)
{
    uint32_t before = 0, *counts = digits->counts[digit];
    for (size_t value = 0; value < (size_t)1 << digits->bits; value++) {
        uint32_t here = counts[value];
        counts[value] = before;
        before += here;
    }
    for (size_t i = 0; i < count; i++) {
        to[counts[digit_of(digits, from[i].value, digit)]++] = from[i];
    }
}

static bool is_sorted(const za_member *members, size_t count)
{
    bool sorted = true;
    for (size_t i = 1; sorted && i < count; i++) {
        sorted = members[i - 1].value <= members[i].value;
    }
    return sorted;
}

/* Members that are alike in all digits that were looked at are sorted by the rest of them. */
static void sort_alike(za_member *members, size_t count, int shift, za_member *spare)
{
    for (size_t first = 0, last; first < count; first = last) {
        uint64_t prefix = key_of(members[first].value) >> shift;
        for (last = first + 1; last < count && key_of(members[last].value) >> shift == prefix; last++) {
        }
        za_member *sorted = za_across_sort(members + first, last - first, spare);
        if (sorted == spare) {
            memcpy(members + first, spare, (last - first) * sizeof *members);
        }
    }
}

/* A digit in which all are alike is passed over. */
za_member *za_across_sort(za_member *members, size_t count, za_member *spare)
{
    za_digits digits;
    if (count < FEW) {
        sort_few(members, count);
        return members;
    }
    if (!find_digits(members, count, &digits)) {
        return members;
    }
    for (int digit = 0; digit < DIGITS; digit++) {
        if (digits.counts[digit][digit_of(&digits, members[0].value, digit)] < count) {
            sort_by_digit(&digits, digit, members, count, spare);
            za_member *sorted = spare;
            spare = members;
            members = sorted;
        }
    }
    if (digits.shift > 0 && !is_sorted(members, count)) {
        sort_alike(members, count, digits.shift, spare);
    }
    return members;
}

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

void za_across_apply(za_across_kind kind, double share, za_member *members, size_t count)
{
    if (count == 0) {
        return;
    }
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

void za_across_group(const za_member *members, const int32_t *label_of, size_t count, za_member *grouped,
                     za_groups *groups)
{
    size_t before = 0;
    groups->count = 0;
    for (size_t i = 0; i < count; i++) {
        if (label_of[i] >= 0 && groups->members[label_of[i]]++ == 0) {
            groups->labels[groups->count++] = label_of[i];
        }
    }
    for (size_t group = 0; group < groups->count; group++) {
        size_t *next = &groups->members[groups->labels[group]], here = *next;
        *next = before;
        before += here;
        groups->ends[group] = before;
    }
    for (size_t i = 0; i < count; i++) {
        if (label_of[i] >= 0) {
            grouped[groups->members[label_of[i]]++] = members[i];
        }
    }
    for (size_t group = 0; group < groups->count; group++) {
        groups->members[groups->labels[group]] = 0;
    }
}
