/* Sine, cosine and tangent in plain operations, as those of elementary.h; the tangent within 1.3 units. */
#ifndef ZA_KERNELS_CIRCULAR_H
#define ZA_KERNELS_CIRCULAR_H

#include "kernels/elementary.h"

/* An angle of `count` right angles and r + rest, which is at most half of one: the reduction of an argument. */
typedef struct reduced {
    vec count, r, rest;
} reduced;

/* Returns the number of right angles in a finite x of any size. x is a whole number m times 2^e, and the digits of 2 /
 * pi that give multiples of 4 with it are left out; 192 of those behind are enough for what comes nearest to a right
 * angle. */
__attribute__((noinline)) static double reduce_far(double x, double *r, double *rest)
{
    __extension__ typedef unsigned __int128 wide;
    int exponent;
    uint64_t m = (uint64_t)ldexp(frexp(x, &exponent), 53), digits[3];
    for (int i = 0; i < 3; ++i) {
        int first = exponent - 53 - 2 + TWO_OVER_PI_ZEROS + 64 * i, shift = first % 64;
        const uint64_t *from = two_over_pi + first / 64;
        digits[i] = shift == 0 ? from[0] : from[0] << shift | from[1] >> (64 - shift);
    }
    wide middle = (wide)m * digits[1] + (uint64_t)((wide)m * digits[2] >> 64);
    uint64_t high = m * digits[0] + (uint64_t)(middle >> 64);
    wide fraction = ((wide)high << 64 | (uint64_t)middle) << 2;
    bool above = fraction >> 127 != 0;
    fraction = above ? 0 - fraction : fraction;
    double unit = above ? -0x1p-63 : 0x1p-63;
    for (; fraction >> 127 == 0 && fraction != 0; fraction <<= 1) {
        unit *= 0.5;
    }
    uint64_t angle = (uint64_t)((fraction >> 64) * half_pi_digits >> 64), head = angle & ~UINT64_C(0xfff);
    *r = (double)head * unit;
    *rest = (double)(angle - head) * unit;
    return (double)(high >> 62) + (above ? 1.0 : 0.0);
}

/* Reduces the lanes that are `hard` one by one. */
__attribute__((noinline)) static reduced reduce_hard(vec size, mask hard, reduced known)
{
    double sizes[ZA_LANES], count[ZA_LANES], r[ZA_LANES], rest[ZA_LANES];
    int64_t chosen[ZA_LANES];
    memcpy(chosen, &hard, sizeof hard);
    memcpy(sizes, &size, sizeof size);
    memcpy(count, &known.count, sizeof size);
    memcpy(r, &known.r, sizeof size);
    memcpy(rest, &known.rest, sizeof size);
    for (int lane = 0; lane < ZA_LANES; ++lane) {
        if (chosen[lane] != 0 && isfinite(sizes[lane])) {
            count[lane] = reduce_far(sizes[lane], &r[lane], &rest[lane]);
        } else if (chosen[lane] != 0) {
            count[lane] = rest[lane] = 0.0;
            r[lane] = NAN;
        }
    }
    return (reduced){vec_load(count), vec_load(r), vec_load(rest)};
}

/* Reduces a size. Up to 2^20 all products but the last are exact; near a right angle the parts of pi / 2 are too few.
 */
INLINE reduced reduce(vec size)
{
    vec count = vec_round(size * half_pi_inverse), wide = size - count * half_pi[0], part = count * half_pi[1];
    vec head = wide - part, left = ((wide - head) - part) - count * half_pi[2], r = head + left;
    reduced found = {count, r, (head - r) + left};
    mask near = (mask)(vec_abs(r) < 0x1p-30) & (mask)(count != 0.0);
    mask hard = near | (mask)(size > 0x1p20) | (mask)(size != size);
    return mask_holds(hard) ? reduce_hard(size, hard, found) : found;
}

/* Sine and cosine of r + rest, both with their roundings. */
typedef struct circle {
    pair sine, cosine;
    word count;
} circle;

INLINE circle circle_of(vec size)
{
    reduced t = reduce(size);
    vec z = t.r * t.r, half = 0.5 * z, cosine_head = 1.0 - half;
    return (circle){
        .sine = {t.r, t.r * z * POLYNOMIAL(sine, z) + t.rest * cosine_head},
        .cosine = {cosine_head, ((1.0 - cosine_head) - half) + (z * z * POLYNOMIAL(cosine, z) - t.r * t.rest)},
        .count = vec_bits(t.count + ROUNDER)};
}

INLINE vec pair_sum(pair p)
{
    return p.head + p.rest;
}

INLINE pair pair_select(mask chosen, pair yes, pair no)
{
    return (pair){vec_select(chosen, yes.head, no.head), vec_select(chosen, yes.rest, no.rest)};
}

/* The sine of the angle and `more` right angles, each of which leads from sine to cosine, and two to the other sign. */
INLINE vec circle_at(circle c, uint64_t more)
{
    word count = c.count + more;
    vec found = vec_select((mask)((count & (uint64_t)1) != (uint64_t)0), pair_sum(c.cosine), pair_sum(c.sine));
    return vec_of_bits(vec_bits(found) ^ (count & (uint64_t)2) << 62);
}

INLINE vec vec_sin(vec x)
{
    return vec_signed(circle_at(circle_of(vec_abs(x)), 0), x);
}

INLINE vec vec_cos(vec x)
{
    return circle_at(circle_of(vec_abs(x)), 1);
}

INLINE vec vec_tan(vec x)
{
    circle c = circle_of(vec_abs(x));
    mask odd = (mask)((c.count & (uint64_t)1) != (uint64_t)0);
    vec ratio = pair_ratio(pair_select(odd, c.cosine, c.sine), pair_select(odd, c.sine, c.cosine));
    return vec_signed(vec_of_bits(vec_bits(ratio) ^ c.count << 63), x);
}

#endif
