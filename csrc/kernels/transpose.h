/* Columns of ZA_LANES tickers into one tile [bar][lane], and the way back. */
#ifndef ZA_KERNELS_TRANSPOSE_H
#define ZA_KERNELS_TRANSPOSE_H

#include <string.h>

#include "kernels/finite.h"
#include "kernels/lane.h"

#if ZA_LANES == 1

INLINE bool transpose_columns(const double *const *columns, int64_t bars, double *tile)
{
    memcpy(tile, columns[0], (size_t)bars * sizeof *tile);
    return all_finite(tile, bars);
}

INLINE void spread_tile(const double *tile, int64_t bars, double *const *columns, bool streamed)
{
    (void)streamed;
    memcpy(columns[0], tile, (size_t)bars * sizeof *tile);
}

#else

/* A square of ZA_LANES bars turns in log2(ZA_LANES) rounds. In the round of `step`, rows that lie `step` apart exchange
 * blocks of `step` numbers: the upper row's right ones against the lower row's left ones. */
#if ZA_LANES == 4
#define KEPT_LEFT(step, lane)  ((lane) & (step) ? 4 + (lane) - (step) : (lane))
#define KEPT_RIGHT(step, lane) ((lane) & (step) ? 4 + (lane) : (lane) + (step))
#define LANES_OF(pick, step)   pick(step, 0), pick(step, 1), pick(step, 2), pick(step, 3)
#define ROUNDS(round)          round(1) round(2)
#else
#define KEPT_LEFT(step, lane)  ((lane) & (step) ? 8 + (lane) - (step) : (lane))
#define KEPT_RIGHT(step, lane) ((lane) & (step) ? 8 + (lane) : (lane) + (step))
#define LANES_OF(pick, step)                                                                                           \
    pick(step, 0), pick(step, 1), pick(step, 2), pick(step, 3), pick(step, 4), pick(step, 5), pick(step, 6),           \
        pick(step, 7)
#define ROUNDS(round) round(1) round(2) round(4)
#endif

#if defined(__clang__)
#define SHUFFLE(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
#define SHUFFLE(a, b, ...) __builtin_shuffle(a, b, (mask){__VA_ARGS__})
#endif

#define ROUND(step)                                                                                                    \
    for (int row = 0; row < ZA_LANES; ++row) {                                                                         \
        if ((row & (step)) == 0) {                                                                                     \
            vec upper = square[row], lower = square[row + (step)];                                                     \
            square[row] = SHUFFLE(upper, lower, LANES_OF(KEPT_LEFT, step));                                            \
            square[row + (step)] = SHUFFLE(upper, lower, LANES_OF(KEPT_RIGHT, step));                                  \
        }                                                                                                              \
    }

/* Turns a square in place: its rows become its columns. */
INLINE void transpose_in_place(vec *square)
{
    ROUNDS(ROUND)
}

/* A line of each of many columns in turn is more than the processor foresees: those of some squares later are asked
 * for. */
enum { BARS_AHEAD_IN_COLUMNS = 8 * ZA_LANES };

/* Asks for the lines of the columns' bar `row`, which may lie behind their ends. */
INLINE void announce_square(const double *const *columns, int64_t row)
{
    for (int lane = 0; lane < ZA_LANES; ++lane) {
        __builtin_prefetch((const void *)((uintptr_t)columns[lane] + (uintptr_t)row * sizeof(double)));
    }
}

/* The square of the columns' bars from `bar` on. Joins the odd_of of its values to `odd`. */
INLINE void gather_square(const double *const *columns, int64_t bar, vec *square, word *odd)
{
    for (int lane = 0; lane < ZA_LANES; ++lane) {
        square[lane] = vec_load(columns[lane] + bar);
        *odd |= odd_of(square[lane]);
    }
    transpose_in_place(square);
}

INLINE void transpose_square(const double *const *columns, int64_t bar, double *tile, word *odd)
{
    vec square[ZA_LANES];
    announce_square(columns, bar + BARS_AHEAD_IN_COLUMNS);
    gather_square(columns, bar, square, odd);
    for (int row = 0; row < ZA_LANES; ++row) {
        vec_store(tile + (bar + row) * ZA_LANES, square[row]);
    }
}

/* The way back, which leaves the square transposed. `streamed` columns are aligned as a vector. */
INLINE void scatter_square(vec *square, int64_t bar, double *const *columns, bool streamed)
{
    for (int lane = 0; !streamed && lane < ZA_LANES; ++lane) {
        __builtin_prefetch((const void *)((uintptr_t)(columns[lane] + bar) + BARS_AHEAD_IN_COLUMNS * sizeof(double)),
                           1);
    }
    transpose_in_place(square);
    for (int lane = 0; lane < ZA_LANES; ++lane) {
        if (streamed) {
            vec_copy((vec *)(void *)(columns[lane] + bar), &square[lane], 1, true);
        } else {
            vec_store(columns[lane] + bar, square[lane]);
        }
    }
}

INLINE void spread_square(const double *tile, int64_t bar, double *const *columns, bool streamed)
{
    vec square[ZA_LANES];
    for (int row = 0; row < ZA_LANES; ++row) {
        square[row] = vec_load(tile + (bar + row) * ZA_LANES);
    }
    scatter_square(square, bar, columns, streamed);
}

#undef ROUND
#undef SHUFFLE
#undef ROUNDS
#undef LANES_OF
#undef KEPT_RIGHT
#undef KEPT_LEFT

INLINE bool transpose_columns(const double *const *columns, int64_t bars, double *tile)
{
    int64_t bar = 0;
    word odd = (word){0};
    const double *from[ZA_LANES]; /* which what is stored cannot be, for all that the compiler knows */
    memcpy(from, columns, sizeof from);
    for (; bar + ZA_LANES <= bars; bar += ZA_LANES) {
        transpose_square(from, bar, tile, &odd);
    }
    for (int64_t row = bar; row < bars; ++row) {
        for (int lane = 0; lane < ZA_LANES; ++lane) {
            tile[row * ZA_LANES + lane] = columns[lane][row];
        }
    }
    return none_is_odd(odd) && all_finite(tile + bar * ZA_LANES, (bars - bar) * ZA_LANES);
}

INLINE void spread_tile(const double *tile, int64_t bars, double *const *columns, bool streamed)
{
    int64_t bar = 0;
    double *to[ZA_LANES];
    for (int lane = 0; lane < ZA_LANES; ++lane) {
        to[lane] = columns[lane];
        streamed = streamed && (uintptr_t)to[lane] % sizeof(vec) == 0;
    }
    for (; streamed && bar + ZA_LANES <= bars; bar += ZA_LANES) {
        spread_square(tile, bar, to, true);
    }
    for (; bar + ZA_LANES <= bars; bar += ZA_LANES) {
        spread_square(tile, bar, to, false);
    }
    for (; bar < bars; ++bar) {
        for (int lane = 0; lane < ZA_LANES; ++lane) {
            columns[lane][bar] = tile[bar * ZA_LANES + lane];
        }
    }
}

#endif

#endif
