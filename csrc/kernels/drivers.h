/* One lane set: the driver of every kernel, generated from the catalog for ZA_LANES tickers. Included by the files that
 * do nothing but choose ZA_LANES and the instruction set. */
#ifndef ZA_KERNELS_DRIVERS_H
#define ZA_KERNELS_DRIVERS_H

#include "kernels/average.h"
#include "kernels/candle.h"
#include "kernels/directional.h"
#include "kernels/extreme.h"
#include "kernels/lane_sets.h"
#include "kernels/momentum.h"
#include "kernels/operations.h"
#include "kernels/order.h"
#include "kernels/oscillator.h"
#include "kernels/pair.h"
#include "kernels/parabolic.h"
#include "kernels/price.h"
#include "kernels/regression.h"
#include "kernels/statistic.h"
#include "kernels/transpose.h"
#include "kernels/volatility.h"
#include "kernels/volume.h"

/* The rows of outputs before the first value that is wanted and defined; the block's begin at row `row`. */
static void fill_undefined(const za_kernel_block *block, int64_t row, int64_t first, int outputs)
{
    for (int i = 0; i < outputs; ++i) {
        for (int64_t bar = block->from; block->out[i] != NULL && bar < first; ++bar) {
            vec_store(block->out[i] + (row + bar) * ZA_LANES, vec_fill(NAN));
        }
    }
}

/* The first bar of the block whose outputs are wanted and defined; its end if there is one output, and not wanted. */
static int64_t first_defined(const za_kernel_block *block, int64_t lookback, int outputs)
{
    if (outputs == 1 && block->out[0] == NULL) {
        return block->bars;
    }
    int64_t first = lookback - block->age > block->from ? lookback - block->age : block->from;
    return first < block->bars ? first : block->bars;
}

/* A windowed kernel reads at most so many bars back, and those that it has values of do not wait for one another. */
#define REACH(bars)                                                          true
#define PAIR(bars, lag)                                                      true
#define ALONE                                                                true
#define FADING(bars)                                                         false
#define FOREVER                                                              false
#define TOTAL                                                                false
#define INDICATOR(name, talib, group, inputs, params, lookback, memory, ...) enum { name##_is_windowed = memory };
#include "kernels/catalog.def"
#undef INDICATOR
#undef TOTAL
#undef FOREVER
#undef FADING
#undef ALONE
#undef PAIR
#undef REACH

/* While bar `bar` of the block enters, a line of what is read afterwards is asked for: of all lanes in turn. */
INLINE void announce_ahead(const za_kernel_block *block, int64_t bar)
{
    int64_t lane = bar % ZA_LANES, row = block->ahead_row + bar - lane;
    if (ZA_LANES > 1 && bar < block->ahead_bars) {
        __builtin_prefetch((const void *)((uintptr_t)block->ahead[lane] + (uintptr_t)row * sizeof(double)));
    }
}

/* A kernel holds its parameters, its age (the bars that have entered before), what `start` derives from them, and its
 * state `s`, which is nothing but vectors. The state is in registers while a block is run, what it keeps for later bars
 * in the slots behind it. */
#define INDICATOR(name, ...)                                                                                           \
    static void name##_begin(const za_params *params, int64_t age, void *state, slots *measured)                       \
    {                                                                                                                  \
        name##_kernel k = {.p = name##_params_of(params), .age = age};                                                 \
        if (measured != NULL) {                                                                                        \
            name##_start(&k, measured);                                                                                \
            measured->taken += (int64_t)(sizeof k.s / sizeof(vec));                                                    \
            return;                                                                                                    \
        }                                                                                                              \
        slots all = {.at = (vec *)state + sizeof k.s / sizeof(vec)};                                                   \
        name##_start(&k, &all);                                                                                        \
        memset(state, 0, sizeof k.s + (size_t)all.taken * sizeof(vec));                                                \
        *(name##_state *)state = k.s;                                                                                  \
    }                                                                                                                  \
    static void name##_run(const za_kernel_block *block)                                                               \
    {                                                                                                                  \
        int64_t count = block->count, bars = block->bars;                                                              \
        const za_kernel_state *states = block->states;                                                                 \
        za_kernel_state whole;                                                                                         \
        if (states == NULL) {                                                                                          \
            vec *state = block->state;                                                                                 \
            whole = (za_kernel_state){state, state, state + sizeof(name##_state) / sizeof(vec)};                       \
            states = &whole;                                                                                           \
            count = 1;                                                                                                 \
        }                                                                                                              \
        int64_t first = first_defined(block, za_lookback(ZA_INDICATOR_##name, block->params), name##_output_count);    \
        const name##_params params = name##_params_of(block->params);                                                  \
        const int64_t age = block->age;                                                                                \
        for (int64_t at = 0; count > 1 && at < count; ++at) {                                                          \
            name##_kernel next = {.p = params, .age = age};                                                            \
            slots all = {.at = (vec *)states[at].slots + block->slots, .announced = true};                             \
            name##_start(&next, &all);                                                                                 \
        }                                                                                                              \
        for (int64_t at = 0; at < block->next_count; ++at) {                                                           \
            name##_kernel next = {.p = params, .age = block->next_age};                                                \
            slots all = {.at = (vec *)block->next[at].slots + block->slots, .announced = true};                        \
            name##_start(&next, &all);                                                                                 \
        }                                                                                                              \
        for (int64_t at = 0; at < count; ++at) {                                                                       \
            name##_kernel k = {.p = params, .age = age};                                                               \
            slots all = {.at = (vec *)states[at].slots + block->slots, .entering = bars};                              \
            name##_start(&k, &all);                                                                                    \
            k.s = *(const name##_state *)(const void *)((const vec *)states[at].before + block->header);               \
            const double *from[ZA_MAX_INPUTS];                                                                         \
            double *to[ZA_MAX_OUTPUTS];                                                                                \
            for (int i = 0; i < name##_input_count; ++i) {                                                             \
                from[i] = block->in[i] + at * bars * ZA_LANES;                                                         \
            }                                                                                                          \
            for (int i = 0; i < name##_output_count; ++i) {                                                            \
                to[i] = block->out[i] != NULL ? block->out[i] + at * bars * ZA_LANES : NULL;                           \
            }                                                                                                          \
            int64_t bar = 0;                                                                                           \
            for (; bar < first; ++bar, ++k.age) {                                                                      \
                announce_ahead(block, bar);                                                                            \
                vec in[ZA_MAX_INPUTS];                                                                                 \
                for (int i = 0; i < name##_input_count; ++i) {                                                         \
                    in[i] = ((const vec *)(const void *)from[i])[bar];                                                 \
                }                                                                                                      \
                name##_update(&k, in);                                                                                 \
            }                                                                                                          \
            fill_undefined(block, at * bars, first, name##_output_count);                                              \
            for (; bar < bars; ++bar, ++k.age) {                                                                       \
                if (!name##_is_windowed) {                                                                             \
                    announce_ahead(block, bar);                                                                        \
                }                                                                                                      \
                vec in[ZA_MAX_INPUTS], out[ZA_MAX_OUTPUTS];                                                            \
                for (int i = 0; i < name##_input_count; ++i) {                                                         \
                    in[i] = ((const vec *)(const void *)from[i])[bar];                                                 \
                    vec_announce(from[i] + bar);                                                                       \
                }                                                                                                      \
                name##_update(&k, in);                                                                                 \
                name##_value(&k, out);                                                                                 \
                for (int i = 0; i < name##_output_count; ++i) {                                                        \
                    if (name##_output_count == 1 || to[i] != NULL) {                                                   \
                        ((vec *)(void *)to[i])[bar] = out[i];                                                          \
                    }                                                                                                  \
                }                                                                                                      \
            }                                                                                                          \
            const name##_state entered = k.s;                                                                          \
            vec_copy((vec *)states[at].after + block->header, (const vec *)(const void *)&entered,                     \
                     sizeof entered / sizeof(vec), block->streamed);                                                   \
        }                                                                                                              \
    }
#include "kernels/catalog.def"
#undef INDICATOR

#if ZA_LANES > 1

/* So many bars enter before it is looked whether all were finite; so many bars of all columns together are asked for
 * ahead: of more, those of several columns put each other out of the first-level cache. */
enum { BARS_A_LOOK = 16 * ZA_LANES, BARS_AHEAD = 128 };

/* Returns whether results go past the caches: all their columns begin a cache line. */
INLINE bool is_streamed(const za_kernel_block *block, double *const *const *results, int outputs)
{
    bool streamed = block->streamed;
    for (int output = 0; output < outputs; ++output) {
        for (int lane = 0; results[output] != NULL && lane < ZA_LANES; ++lane) {
            streamed = streamed && (uintptr_t)results[output][lane] % sizeof(vec) == 0;
        }
    }
    return streamed;
}

/* The first `count` rows of a square have no value. */
INLINE void blank_rows(vec *square, int64_t count)
{
    for (int row = 0; row < ZA_LANES; ++row) {
        square[row] = row < count ? vec_fill(NAN) : square[row];
    }
}

/* Square after square of bars: while those of one wait for each other, the next one is transposed. What is read of a
 * kernel before its first value means nothing. */
#define INDICATOR(name, ...)                                                                                           \
    static bool name##_direct(const za_kernel_block *block, const double *const *const *columns,                       \
                              const double *const *const *following, double *const *const *results)                    \
    {                                                                                                                  \
        vec *state = block->state;                                                                                     \
        const int64_t bars = block->bars, distance = BARS_AHEAD / name##_input_count;                                  \
        const bool streamed = is_streamed(block, results, name##_output_count);                                        \
        const int64_t first = za_lookback(ZA_INDICATOR_##name, block->params) - block->age;                            \
        name##_kernel k = {.p = name##_params_of(block->params), .age = block->age};                                   \
        slots all = {.at = state + sizeof(name##_state) / sizeof(vec), .entering = bars};                              \
        name##_start(&k, &all);                                                                                        \
        k.s = *(const name##_state *)(const void *)state;                                                              \
        word odd = (word){0};                                                                                          \
        for (int64_t bar = 0; bar < bars && (bar % BARS_A_LOOK != 0 || none_is_odd(odd)); bar += ZA_LANES) {           \
            vec entering[name##_input_count][ZA_LANES], leaving[name##_output_count][ZA_LANES];                        \
            const bool within = bar + distance < bars;                                                                 \
            const int64_t ahead = bar + distance - (within ? 0 : bars);                                                \
            for (int i = 0; i < name##_input_count; ++i) {                                                             \
                announce_square(within ? columns[i] : following[i], ahead);                                            \
            }                                                                                                          \
            for (int i = 0; i < name##_input_count; ++i) {                                                             \
                gather_square(columns[i], bar, entering[i], &odd);                                                     \
            }                                                                                                          \
            for (int row = 0; row < ZA_LANES; ++row, ++k.age) {                                                        \
                vec in[ZA_MAX_INPUTS], out[ZA_MAX_OUTPUTS];                                                            \
                for (int i = 0; i < name##_input_count; ++i) {                                                         \
                    in[i] = entering[i][row];                                                                          \
                }                                                                                                      \
                name##_update(&k, in);                                                                                 \
                name##_value(&k, out);                                                                                 \
                for (int i = 0; i < name##_output_count; ++i) {                                                        \
                    leaving[i][row] = out[i];                                                                          \
                }                                                                                                      \
            }                                                                                                          \
            for (int i = 0; i < name##_output_count && bar < first; ++i) {                                             \
                blank_rows(leaving[i], first - bar);                                                                   \
            }                                                                                                          \
            for (int i = 0; i < name##_output_count; ++i) {                                                            \
                if (name##_output_count == 1 || results[i] != NULL) {                                                  \
                    scatter_square(leaving[i], bar, results[i], streamed);                                             \
                }                                                                                                      \
            }                                                                                                          \
        }                                                                                                              \
        *(name##_state *)(void *)state = k.s;                                                                          \
        return none_is_odd(odd);                                                                                       \
    }
#include "kernels/catalog.def"
#undef INDICATOR
#define DIRECT(name) name##_direct

#else

#define DIRECT(name) NULL

#endif

typedef struct kernel {
    size_t header_bytes;
    /* Starts a state, or only measures it: its vectors, header included, and its period. */
    void (*begin)(const za_params *params, int64_t age, void *state, slots *measured);
    void (*run)(const za_kernel_block *block);
    bool (*direct)(const za_kernel_block *block, const double *const *const *columns,
                   const double *const *const *following, double *const *const *results);
} kernel;

#define INDICATOR(name, ...) {sizeof(name##_state), name##_begin, name##_run, DIRECT(name)},
static const kernel kernels[ZA_INDICATOR_COUNT] = {
#include "kernels/catalog.def"
};
#undef INDICATOR

static size_t header_bytes(za_indicator indicator)
{
    return kernels[indicator].header_bytes;
}

static size_t state_bytes(za_indicator indicator, const za_params *params)
{
    slots measured = {.period = 1};
    kernels[indicator].begin(params, 0, NULL, &measured);
    return (size_t)measured.taken * sizeof(vec);
}

static int64_t period(za_indicator indicator, const za_params *params)
{
    slots measured = {.period = 1};
    kernels[indicator].begin(params, 0, NULL, &measured);
    return measured.period;
}

static void start(za_indicator indicator, const za_params *params, int64_t age, void *state)
{
    kernels[indicator].begin(params, age, state, NULL);
}

static void run(const za_kernel_block *block)
{
    kernels[block->indicator].run(block);
}

static bool run_direct(const za_kernel_block *block, const double *const *const *columns,
                       const double *const *const *following, double *const *const *results)
{
    return kernels[block->indicator].direct(block, columns, following, results);
}

static bool transpose(const double *const *columns, int64_t bars, double *tile)
{
    return transpose_columns(columns, bars, tile);
}

static void spread(const double *tile, int64_t bars, double *const *columns, bool streamed)
{
    spread_tile(tile, bars, columns, streamed);
}

static void copy(double *to, const double *from, int64_t count, bool streamed)
{
    bool aligned = ((uintptr_t)to | (uintptr_t)from) % sizeof(vec) == 0;
    if (aligned) {
        vec_copy((vec *)(void *)to, (const vec *)(const void *)from, (size_t)(count / ZA_LANES), streamed);
    } else {
        memcpy(to, from, (size_t)count * sizeof(double));
    }
}

/* The memory of a row says about it: nothing, that no bar waits for another, or that the total of the last one is
 * all that it waits for: the additions go on while what the next bars give is computed. */
enum { BYTES_AHEAD_ALONG = 2048 };
#define NOTHING(name)
#define BESIDE(name) ALONG(name, false)
#define ADDED(name)  ALONG(name, true)
#define ALONG(name, adds_up)                                                                                           \
    static bool name##_along(const za_along_block *block, double *total)                                               \
    {                                                                                                                  \
        const double *from[ZA_MAX_INPUTS];                                                                             \
        for (int i = 0; i < name##_input_count; ++i) {                                                                 \
            from[i] = block->in[i];                                                                                    \
        }                                                                                                              \
        double *out = block->out, sum = *total;                                                                        \
        const int64_t bars = block->bars, lag = block->lag;                                                            \
        word odd = (word){0};                                                                                          \
        for (int64_t bar = 0; bar + ZA_LANES <= bars; bar += ZA_LANES) {                                               \
            vec now[ZA_MAX_INPUTS], then[ZA_MAX_INPUTS];                                                               \
            for (int i = 0; i < name##_input_count; ++i) {                                                             \
                __builtin_prefetch((const void *)((uintptr_t)(from[i] + bar) + BYTES_AHEAD_ALONG));                    \
                now[i] = vec_load(from[i] + bar);                                                                      \
                then[i] = vec_load(from[i] + bar - lag);                                                               \
                odd |= odd_of(now[i]);                                                                                 \
            }                                                                                                          \
            vec value = name##_of(now, then);                                                                          \
            odd |= (adds_up) ? odd_of(value) : odd;                                                                    \
            vec_store(out + bar, value);                                                                               \
            for (int64_t next = bar; (adds_up) && next < bar + ZA_LANES; ++next) {                                     \
                out[next] = sum += out[next];                                                                          \
            }                                                                                                          \
        }                                                                                                              \
        *total = sum;                                                                                                  \
        return none_is_odd(odd);                                                                                       \
    }
#define REACH(bars)                                                          NOTHING
#define FADING(bars)                                                         NOTHING
#define FOREVER                                                              NOTHING
#define TOTAL                                                                ADDED
#define PAIR(bars, lag)                                                      BESIDE
#define ALONE                                                                BESIDE
#define INDICATOR(name, talib, group, inputs, params, lookback, memory, ...) memory(name)
#include "kernels/catalog.def"
#undef INDICATOR
#undef ALONG
#undef ADDED
#undef BESIDE

static bool along(za_indicator indicator, const za_along_block *block, double *total)
{
    switch (indicator) {
#define BESIDE(name)                                                                                                   \
    case ZA_INDICATOR_##name:                                                                                          \
        return name##_along(block, total);
#define ADDED                                                                BESIDE
#define INDICATOR(name, talib, group, inputs, params, lookback, memory, ...) memory(name)
#include "kernels/catalog.def"
#undef INDICATOR
#undef ADDED
#undef BESIDE
    default:
        return false;
    }
}
#undef ALONE
#undef PAIR
#undef TOTAL
#undef FOREVER
#undef FADING
#undef REACH
#undef NOTHING

#define SET_NAMED(lanes) za_lane_set_##lanes
#define SET_OF(lanes)    SET_NAMED(lanes)
const za_lane_set SET_OF(ZA_LANES) = {ZA_LANES, header_bytes, state_bytes, period,      start,     run,    run_direct,
                                      along,    operate,      all_finite,  to_integers, transpose, spread, copy};

#endif
