/* Exponentials, logarithms and arcs in plain operations, whatever the C library has: within 1.1 units in the last place
 * of the true value. What is added last is kept in two parts, of which the first is exact and the second so small that
 * its own rounding hardly counts. */
#ifndef ZA_KERNELS_ELEMENTARY_H
#define ZA_KERNELS_ELEMENTARY_H

#include "kernels/elementary_numbers.h"
#include "kernels/lane.h"

/* Adding it leaves the sum's last bit at the units, as a whole number of two's complement in its low bits. */
#define ROUNDER     0x1.8p52
#define SIGN_BIT    ((uint64_t)1 << 63)
#define LAST_BITS   (((uint64_t)1 << 27) - 1)
#define EVEN_PLACES 52
enum { MOST_COEFFICIENTS = 16 };

/* c[0] + c[1] x + ... of an array c. */
#define POLYNOMIAL(c, x) polynomial(c, (int)(sizeof(c) / sizeof(double)), x)

INLINE vec polynomial(const double *coefficients, int count, vec x)
{
    vec sums[MOST_COEFFICIENTS];
    for (int i = 0; i < count / 2; ++i) {
        sums[i] = x * coefficients[2 * i + 1] + coefficients[2 * i];
    }
    if (count % 2 != 0) {
        sums[count / 2] = vec_fill(coefficients[count - 1]);
    }
    for (count = (count + 1) / 2; count > 1; count = (count + 1) / 2) {
        x = x * x;
        for (int i = 0; i < count / 2; ++i) {
            sums[i] = sums[2 * i + 1] * x + sums[2 * i];
        }
        if (count % 2 != 0) {
            sums[count / 2] = sums[count - 1];
        }
    }
    return sums[0];
}

INLINE vec vec_round(vec x)
{
    return (x + ROUNDER) - ROUNDER;
}

/* A number that is not NaN brought between the two. */
INLINE vec vec_within(vec x, double least, double most)
{
    x = vec_select((mask)(x > most), vec_fill(most), x);
    return vec_select((mask)(x < least), vec_fill(least), x);
}

/* 2^k of a whole k from -1022 to 1023. */
INLINE vec power_of_two(vec k)
{
    return vec_of_bits(vec_bits(k + (ROUNDER + 1023.0)) << EVEN_PLACES);
}

/* Its first 26 bits: products of two such numbers are exact. */
INLINE vec vec_head(vec x)
{
    return vec_of_bits(vec_bits(x) & ~LAST_BITS);
}

/* x with its sign turned where `of` is negative. */
INLINE vec vec_signed(vec x, vec of)
{
    return vec_of_bits(vec_bits(x) ^ (vec_bits(of) & SIGN_BIT));
}

/* Numbers from 2^52 on are whole. */
INLINE vec vec_floor(vec x)
{
    vec size = vec_abs(x), whole = vec_signed((size + 0x1p52) - 0x1p52, x);
    return vec_select((mask)(size < 0x1p52), vec_select((mask)(whole > x), whole - 1.0, whole), x);
}

/* A number in two parts, the second at most the rounding of the first and a small part more. */
typedef struct pair {
    vec head, rest;
} pair;

/* Normalizes parts of which the second is smaller than the first, but no rounding of it. */
INLINE pair pair_normal(pair p)
{
    vec head = p.head + p.rest;
    return (pair){head, (p.head - head) + p.rest};
}

INLINE vec pair_ratio(pair a, pair b)
{
    a = pair_normal(a), b = pair_normal(b);
    vec inverse = 1.0 / b.head, ratio = a.head * inverse;
    vec r1 = vec_head(ratio), r2 = ratio - r1, b1 = vec_head(b.head), b2 = b.head - b1;
    vec left = ((a.head - r1 * b1) - r1 * b2 - r2 * b1) - r2 * b2;
    return ratio + (left + a.rest - ratio * b.rest) * inverse;
}

/* e^x is 2^k (1 + r + even + odd) with r as exact as it is large. */
typedef struct exp_parts {
    vec k, r, even, odd;
} exp_parts;

/* Takes an x apart that is at most some 1500 in size. */
INLINE exp_parts exp_parts_of(vec x)
{
    vec k = vec_round(x * ln_2_inverse), wide = x - k * ln_2[0], rest = k * ln_2[1];
    vec r = wide - rest, z = r * r;
    rest = (wide - r) - rest;
    return (exp_parts){.k = k,
                       .r = r,
                       .even = z * (POLYNOMIAL(hyperbolic_cosine, z) * z + 0.5),
                       .odd = r * z * POLYNOMIAL(hyperbolic_sine, z) + rest};
}

INLINE vec vec_exp(vec x)
{
    exp_parts e = exp_parts_of(vec_within(x, -746.0, 710.0));
    vec one = 1.0 + e.r, rest = (1.0 - one) + e.r + (e.even + e.odd), half = vec_round(e.k * 0.5);
    return (one + rest) * power_of_two(half) * power_of_two(e.k - half);
}

/* 2^(k-1) (1 + r + even + odd) - b (1 - r + even - odd): the hyperbolic sine where b is 2^(-k-1), and the cosine where
 * it is -2^(-k-1). The products with r are exact. */
INLINE pair hyperbolic(exp_parts e, vec a, vec b)
{
    vec whole = a - b, part = a * e.r + b * e.r, sum = whole + part;
    vec rest = ((a - whole) - b) + ((a * e.r - part) + b * e.r) + ((whole - sum) + part);
    return (pair){sum, rest + ((a - b) * e.even + (a + b) * e.odd)};
}

/* Half of e^|x| and of e^-|x| joined: beyond some 2^900 the first is all, and scaled afterwards. */
INLINE vec vec_hyperbolic(vec x, double sign)
{
    exp_parts e = exp_parts_of(vec_within(vec_abs(x), 0.0, 711.0));
    vec k = vec_within(e.k, 0.0, 900.0);
    pair found = hyperbolic(e, power_of_two(k - 1.0), sign * power_of_two(-1.0 - k));
    return (found.head + found.rest) * power_of_two(e.k - k);
}

INLINE vec vec_sinh(vec x)
{
    return vec_signed(vec_hyperbolic(x, 1.0), x);
}

INLINE vec vec_cosh(vec x)
{
    return vec_hyperbolic(x, -1.0);
}

/* Beyond 22 it is 1, as that of all prices of a kind is. */
INLINE vec vec_tanh(vec x)
{
    vec size = vec_abs(x);
    if (!mask_holds((mask)(size <= 22.0) | (mask)(size != size))) {
        return vec_signed(vec_fill(1.0), x);
    }
    exp_parts e = exp_parts_of(vec_within(size, 0.0, 22.0));
    vec a = power_of_two(e.k - 1.0), b = power_of_two(-1.0 - e.k);
    return vec_signed(pair_ratio(hyperbolic(e, a, b), hyperbolic(e, a, -b)), x);
}

/* The logarithm of a positive finite x: x is 2^k (1 + f), and 1 + f within a factor of the root of 2 from 1; ln(1 + f)
 * is f - f^2 / 2 + s (f^2 / 2 + ...) with s = f / (2 + f), whose 2 atanh it is. */
INLINE pair logarithm_of(vec x)
{
    static const uint64_t root_of_half = UINT64_C(0x3fe6a09e667f3bcd), one = UINT64_C(0x3ff0000000000000),
                          fraction = (UINT64_C(1) << EVEN_PLACES) - 1;
    mask small = (mask)(x < 0x1p-1022);
    word bits = vec_bits(vec_select(small, x * 0x1p54, x)) + (one - root_of_half);
    vec k = vec_of_bits((bits >> EVEN_PLACES) | vec_bits(vec_fill(0x1p52))) -
            vec_select(small, vec_fill(0x1p52 + 1077.0), vec_fill(0x1p52 + 1023.0));
    vec f = vec_of_bits((bits & fraction) + root_of_half) - 1.0, s = f / (f + 2.0), half = 0.5 * f * f;
    vec whole = k * ln_2[0], head = whole + f;
    vec rest = s * (half + s * s * POLYNOMIAL(logarithm, s * s)) + k * ln_2[1];
    return (pair){head, ((whole - head) + f) - (half - rest)};
}

/* The value for what is not a positive finite number. */
INLINE vec vec_logarithm(vec x, vec value)
{
    value = vec_select((mask)(x == INFINITY), x, value);
    return vec_select((mask)(x > 0.0), value, vec_select((mask)(x == 0.0), vec_fill(-INFINITY), vec_fill(NAN)));
}

INLINE vec vec_log(vec x)
{
    pair log = logarithm_of(x);
    return vec_logarithm(x, log.head + log.rest);
}

INLINE vec vec_log10(vec x)
{
    pair log = logarithm_of(x);
    vec head = vec_head(log.head), rest = (log.head - head) + log.rest;
    return vec_logarithm(x, head * decades[0] + (rest * decades[0] + (head + rest) * decades[1]));
}

/* Between 1/2 and 1 in size: by the arc sine s + tail of s = sqrt((1 - |x|) / 2), whose square has the `rest` to s. */
typedef struct arc {
    mask far;
    vec s, rest, tail;
} arc;

INLINE arc arc_of(vec x)
{
    vec size = vec_abs(x);
    mask far = (mask)(size > 0.5);
    vec z = vec_select(far, 0.5 - 0.5 * size, x * x), s = vec_select(far, vec_sqrt(z), size), head = vec_head(s);
    return (arc){.far = far,
                 .s = vec_select(far, head, s),
                 .rest = (z - head * head) / (s + head + 0x1p-1022),
                 .tail = s * z * POLYNOMIAL(arc_sine, z)};
}

INLINE vec vec_asin(vec x)
{
    arc a = arc_of(x);
    vec far = (quarter[0] - 2.0 * a.s) - (2.0 * (a.rest + a.tail) - quarter[1]);
    return vec_signed(vec_select(a.far, far, a.s + a.tail), x);
}

INLINE vec vec_acos(vec x)
{
    arc a = arc_of(x);
    mask left = (mask)(x < 0.0);
    vec right = 2.0 * (a.s + (a.rest + a.tail));
    vec behind = (2.0 * quarter[0] - 2.0 * a.s) - 2.0 * (a.rest + a.tail - quarter[1]);
    vec near = quarter[0] - (x - (quarter[1] - vec_signed(a.tail, x)));
    return vec_select(a.far, vec_select(left, behind, right), near);
}

/* The arc by the difference of the angle from one of five whose tangents are 0, 1/2, 1, 2 and infinity. */
INLINE vec vec_atan(vec x)
{
    vec size = vec_abs(x), at = vec_fill(0.0), head = at, rest = at;
    static const double from[] = {0.375, 0.72, 1.387}, tangents[] = {0.5, 1.0, 2.0};
    for (int i = 0; i < 3; ++i) {
        mask beyond = (mask)(size > from[i]);
        at = vec_select(beyond, vec_fill(tangents[i]), at);
        head = vec_select(beyond, vec_fill(arcs[i]), head);
        rest = vec_select(beyond, vec_fill(arcs_rest[i]), rest);
    }
    mask steep = (mask)(size > 3.2);
    vec w = vec_select(steep, vec_fill(-1.0), size - at) / vec_select(steep, size, 1.0 + at * size), z = w * w;
    head = vec_select(steep, vec_fill(quarter[0]), head);
    rest = vec_select(steep, vec_fill(quarter[1]), rest);
    return vec_signed(head + (w + (w * z * POLYNOMIAL(arc_tangent, z) + rest)), x);
}

#endif
