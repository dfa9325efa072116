/* One lane set: the drivers of every kernel, generated from the catalog for ZA_LANES tickers. Included by the files
 * that do nothing but choose ZA_LANES, each of which is compiled for its own instruction set. */
#ifndef ZA_KERNELS_DRIVERS_H
#define ZA_KERNELS_DRIVERS_H

#include "kernels/average.h"
#include "kernels/lane_sets.h"
#include "kernels/momentum.h"
#include "kernels/statistic.h"
#include "kernels/transpose.h"
#include "kernels/trend.h"
#include "kernels/volatility.h"

/* A kernel is its state, `start`, `update` (one bar enters) and `value` (read the outputs now). The state lives in the
 * driver's registers, the slots of its window in the caller's memory. */
#define INDICATOR(name, ...)                                                                                           \
    static void name##_snapshot(const za_params *params, const za_frame *frame, vec *slots, double *out)               \
    {                                                                                                                  \
        name##_params p = name##_params_of(params);                                                                    \
        name##_state state = name##_start(&p, slots);                                                                  \
        bar_columns bars = bar_columns_of(frame);                                                                      \
        vec value[ZA_MAX_OUTPUTS];                                                                                     \
        for (int64_t t = 0; t < frame->bars; ++t) {                                                                    \
            name##_update(&state, &bars, t);                                                                           \
        }                                                                                                              \
        name##_value(&state, value);                                                                                   \
        for (int output = 0; output < name##_output_count; ++output) {                                                 \
            vec_store(out + output * ZA_LANES, value[output]);                                                         \
        }                                                                                                              \
    }                                                                                                                  \
    static void name##_series(const za_params *params, const za_frame *frame, vec *slots, double *const *out)          \
    {                                                                                                                  \
        name##_params p = name##_params_of(params);                                                                    \
        name##_state state = name##_start(&p, slots);                                                                  \
        bar_columns bars = bar_columns_of(frame);                                                                      \
        int64_t lookback = za_lookback(ZA_INDICATOR_##name, params);                                                   \
        for (int64_t t = 0; t < frame->bars; ++t) {                                                                    \
            vec value[ZA_MAX_OUTPUTS];                                                                                 \
            for (int output = 0; output < name##_output_count; ++output) {                                             \
                value[output] = vec_fill(NAN);                                                                         \
            }                                                                                                          \
            name##_update(&state, &bars, t);                                                                           \
            if (t >= lookback) {                                                                                       \
                name##_value(&state, value);                                                                           \
            }                                                                                                          \
            for (int output = 0; output < name##_output_count; ++output) {                                             \
                vec_store(out[output] + t * ZA_LANES, value[output]);                                                  \
            }                                                                                                          \
        }                                                                                                              \
    }
#include "kernels/catalog.def"
#undef INDICATOR

typedef struct kernel {
    size_t rows; /* of slots, each as long as a block of the kernel's window */
    void (*snapshot)(const za_params *params, const za_frame *frame, vec *slots, double *out);
    void (*series)(const za_params *params, const za_frame *frame, vec *slots, double *const *out);
} kernel;

#define INDICATOR(name, ...) {name##_rows, name##_snapshot, name##_series},
static const kernel kernels[ZA_INDICATOR_COUNT] = {
#include "kernels/catalog.def"
};
#undef INDICATOR

static size_t state_bytes(za_indicator indicator, const za_params *params)
{
    return kernels[indicator].rows * (size_t)za_block_size(indicator, params) * sizeof(vec);
}

static void snapshot(za_indicator indicator, const za_params *params, const za_frame *frame, void *state, double *out)
{
    kernels[indicator].snapshot(params, frame, state, out);
}

static void series(za_indicator indicator, const za_params *params, const za_frame *frame, void *state,
                   double *const *out)
{
    kernels[indicator].series(params, frame, state, out);
}

static void transpose(const double *const *columns, int64_t count, double *tile)
{
    transpose_columns(columns, count, tile);
}

#define SET_NAMED(lanes) za_lane_set_##lanes
#define SET_OF(lanes)    SET_NAMED(lanes)
const za_lane_set SET_OF(ZA_LANES) = {ZA_LANES, state_bytes, snapshot, series, transpose};

#endif
