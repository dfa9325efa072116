/* A lane type: one number of each of ZA_LANES tickers. With one lane it is a plain double, and the helpers below are
 * all that differs. An operation is the same IEEE operation in each lane, so the width never changes a bit. */
#ifndef ZA_KERNELS_LANE_H
#define ZA_KERNELS_LANE_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifndef ZA_LANES
#define ZA_LANES 1
#endif

/* The kernels keep their state in registers only when everything is inlined into the loop over the bars. */
#define INLINE static inline __attribute__((always_inline))

#if ZA_LANES == 1

typedef double vec, loose_vec;
typedef int64_t mask;
typedef uint64_t word;

INLINE vec vec_select(mask chosen, vec yes, vec no)
{
    return chosen ? yes : no;
}

/* Asks for what will be read about a block later: columns of one lane are read where they lie, and a kernel is faster
 * than the memory of a long one. */
INLINE void vec_announce(const double *now)
{
    enum { BYTES_AHEAD = 8192, SECOND_LEVEL = 2 };
    __builtin_prefetch((const void *)((uintptr_t)now + BYTES_AHEAD), 0, SECOND_LEVEL);
}

/* Returns whether it holds nowhere, where that is worth a branch: of one lane alone. */
INLINE bool mask_is_clear(mask holds)
{
    return !holds;
}

INLINE vec vec_abs(vec x)
{
    return fabs(x);
}

INLINE vec vec_sqrt(vec x)
{
    return sqrt(x);
}

/* The greater and the smaller one of two numbers. */
INLINE vec vec_greater(vec a, vec b)
{
    return a > b ? a : b;
}

INLINE vec vec_smaller(vec a, vec b)
{
    return a < b ? a : b;
}

#else

typedef double vec __attribute__((vector_size(8 * ZA_LANES), may_alias));
/* Aligned as a double is. */
typedef double loose_vec __attribute__((vector_size(8 * ZA_LANES), may_alias, aligned(8)));
typedef int64_t mask __attribute__((vector_size(8 * ZA_LANES)));
typedef uint64_t word __attribute__((vector_size(8 * ZA_LANES)));

/* A comparison of vectors has all bits set in the lanes where it holds. */
INLINE vec vec_select(mask chosen, vec yes, vec no)
{
    return (vec)((chosen & (mask)yes) | (~chosen & (mask)no));
}

INLINE void vec_announce(const double *now)
{
    (void)now;
}

INLINE bool mask_is_clear(mask holds)
{
    (void)holds;
    return false;
}

INLINE vec vec_abs(vec x)
{
    return (vec)((mask)x & INT64_MAX);
}

/* A loop over the lanes becomes one instruction. */
INLINE vec vec_sqrt(vec x)
{
    vec root;
    for (int lane = 0; lane < ZA_LANES; ++lane) {
        root[lane] = sqrt(x[lane]);
    }
    return root;
}

/* The greater and the smaller one of two numbers: one instruction, which clang finds by itself. */
INLINE vec vec_greater(vec a, vec b)
{
#if defined(__x86_64__) && !defined(__clang__) && ZA_LANES == 8
    return (vec)__builtin_ia32_maxpd512_mask(a, b, a, 0xff, 4);
#elif defined(__x86_64__) && !defined(__clang__) && ZA_LANES == 4
    return (vec)__builtin_ia32_maxpd256(a, b);
#else
    return vec_select((mask)(a > b), a, b);
#endif
}

INLINE vec vec_smaller(vec a, vec b)
{
#if defined(__x86_64__) && !defined(__clang__) && ZA_LANES == 8
    return (vec)__builtin_ia32_minpd512_mask(a, b, a, 0xff, 4);
#elif defined(__x86_64__) && !defined(__clang__) && ZA_LANES == 4
    return (vec)__builtin_ia32_minpd256(a, b);
#else
    return vec_select((mask)(a < b), a, b);
#endif
}

#endif

INLINE vec vec_fill(double x)
{
    return x - (vec){0.0};
}

/* The bits of numbers, and the numbers of bits. */
INLINE word vec_bits(vec x)
{
    word bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

INLINE vec vec_of_bits(word bits)
{
    vec x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* Returns whether it holds in any lane. */
INLINE bool mask_holds(mask holds)
{
    int64_t lanes[ZA_LANES], any = 0;
    memcpy(lanes, &holds, sizeof lanes);
    for (int lane = 0; lane < ZA_LANES; ++lane) {
        any |= lanes[lane];
    }
    return any != 0;
}

INLINE vec vec_load(const double *from)
{
    return *(const loose_vec *)(const void *)from;
}

INLINE void vec_store(double *to, vec x)
{
    *(loose_vec *)(void *)to = x;
}

/* Copies vectors, past the caches where that is asked for: only whole cache lines are worth it. */
INLINE void vec_copy(vec *to, const vec *from, size_t count, bool streamed)
{
#if ZA_LANES == 8 && defined(__x86_64__)
    for (size_t i = 0; streamed && i < count; ++i) {
#if defined(__clang__)
        __builtin_nontemporal_store(from[i], to + i);
#else
        __builtin_ia32_movntpd512((double *)(to + i), from[i]);
#endif
    }
    if (streamed) {
        return;
    }
#else
    (void)streamed;
#endif
    for (size_t i = 0; i < count; ++i) {
        to[i] = from[i];
    }
}

/* The same; NaN when either is, as NumPy has it. */
INLINE vec vec_max(vec a, vec b)
{
    return vec_select((mask)(a != a), a, vec_greater(a, b));
}

INLINE vec vec_min(vec a, vec b)
{
    return vec_select((mask)(a != a), a, vec_smaller(a, b));
}

/* 0 for what is below it; NaN stays. */
INLINE vec vec_positive(vec x)
{
    return vec_select((mask)(x <= 0.0), vec_fill(0.0), x);
}

/* a / b, and `otherwise` in the lanes where b is 0; nothing is divided by 0 on the way. */
INLINE vec vec_ratio_or(vec a, vec b, vec otherwise)
{
    mask divides = (mask)(b != 0.0);
    vec ratio = a / vec_select(divides, b, vec_fill(1.0));
    return vec_select(divides, ratio, otherwise);
}

INLINE vec vec_ratio(vec a, vec b, double otherwise)
{
    return vec_ratio_or(a, b, vec_fill(otherwise));
}

#endif
