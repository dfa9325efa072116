/* The loops of operations.def for ZA_LANES tickers. Included by the files that choose ZA_LANES. */
#ifndef ZA_KERNELS_OPERATIONS_H
#define ZA_KERNELS_OPERATIONS_H

#include <string.h>

#include "kernels/circular.h"
#include "kernels/elementary.h"
#include "kernels/lane.h"
#include "kernels/lane_set.h"

/* Where neither is NaN. */
INLINE mask are_numbers(vec a, vec b)
{
    return (mask)(a == a) & (mask)(b == b);
}

INLINE mask are_finite(vec a)
{
    return (mask)(a - a == 0.0);
}

/* 1 or 0 where `known`, NaN elsewhere. */
INLINE vec truth(mask known, mask is)
{
    return vec_select(known, vec_select(is, vec_fill(1.0), vec_fill(0.0)), vec_fill(NAN));
}

/* A condition that is true; NaN is not. */
INLINE mask holds(vec a)
{
    return (mask)(a == a) & (mask)(a != 0.0);
}

/* The greater of the two where x is finite; a NaN of `s` stays. */
INLINE vec raised(vec s, vec x)
{
    return vec_select(are_finite(x) & (mask)(x > s), x, s);
}

/* Adding -0.0 changes nothing, and the sum waits for the last one alone. */
INLINE vec increased(vec s, vec x)
{
    return s + vec_select(are_finite(x), x, vec_fill(-0.0));
}

/* The remainder that has the divisor's sign, as NumPy's has; NaN for a divisor of 0. */
static double floored_remainder(double a, double b)
{
    double left = fmod(a, b);
    if (left == 0.0) {
        return copysign(0.0, b);
    }
    return (left < 0.0) != (b < 0.0) ? left + b : left;
}

static double sign_of(double a)
{
    return a == 0.0 || isnan(a) ? a : copysign(1.0, a);
}

/* The place of an argument, and the distance from one bar to the next. */
typedef struct argument {
    const double *at;
    int64_t step;
} argument;

INLINE argument argument_of(const za_operation_block *block, int number)
{
    return (argument){block->in[number], (block->constants >> number & 1u) != 0 ? 0 : ZA_LANES};
}

/* Copied first: a vector that is stored might be a part of them, for all that the compiler knows. */
#define ARGUMENTS                                                                                                      \
    const argument of_a = argument_of(block, 0), of_b = argument_of(block, 1), of_c = argument_of(block, 2);           \
    const int64_t bars = block->bars;                                                                                  \
    double *out = block->out;                                                                                          \
    (void)of_b, (void)of_c
#define ARGUMENT(number, arguments, of, t)                                                                             \
    ((number) < (arguments) ? vec_load((of).at + (t) * (of).step) : vec_fill(0.0))

#define OPERATION(name, arguments, value)                                                                              \
    static void name##_bars(const za_operation_block *block)                                                           \
    {                                                                                                                  \
        ARGUMENTS;                                                                                                     \
        for (int64_t t = 0; t < bars; ++t) {                                                                           \
            vec a = ARGUMENT(0, arguments, of_a, t), b = ARGUMENT(1, arguments, of_b, t),                              \
                c = ARGUMENT(2, arguments, of_c, t);                                                                   \
            (void)b, (void)c;                                                                                          \
            vec_store(out + t * ZA_LANES, value);                                                                      \
        }                                                                                                              \
    }
#define MAPPED(name, arguments, value)                                                                                 \
    static void name##_bars(const za_operation_block *block)                                                           \
    {                                                                                                                  \
        ARGUMENTS;                                                                                                     \
        for (int64_t t = 0; t < bars; ++t) {                                                                           \
            for (int lane = 0; lane < ZA_LANES; ++lane) {                                                              \
                double a = of_a.at[t * of_a.step + lane], b = (arguments) > 1 ? of_b.at[t * of_b.step + lane] : 0.0;   \
                (void)b;                                                                                               \
                out[t * ZA_LANES + lane] = value;                                                                      \
            }                                                                                                          \
        }                                                                                                              \
    }
#define RUNNING(name, arguments, initial, update, value)                                                               \
    static void name##_bars(const za_operation_block *block)                                                           \
    {                                                                                                                  \
        ARGUMENTS;                                                                                                     \
        vec s = vec_load(block->state);                                                                                \
        for (int64_t t = 0; t < bars; ++t) {                                                                           \
            vec a = ARGUMENT(0, arguments, of_a, t), b = ARGUMENT(1, arguments, of_b, t);                              \
            (void)b;                                                                                                   \
            s = update;                                                                                                \
            vec_store(out + t * ZA_LANES, value);                                                                      \
        }                                                                                                              \
        vec_store(block->state, s);                                                                                    \
    }
#include "kernels/operations.def"
#undef RUNNING
#undef MAPPED
#undef OPERATION

static void operate(const za_operation_block *block)
{
    typedef void bars_function(const za_operation_block *block);
    static bars_function *const functions[ZA_OPERATION_COUNT] = {
#define OPERATION(name, ...) name##_bars,
#define MAPPED               OPERATION
#define RUNNING              OPERATION
#include "kernels/operations.def"
#undef RUNNING
#undef MAPPED
#undef OPERATION
    };
    functions[block->operation](block);
}

#endif
