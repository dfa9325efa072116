/* The compiled lane sets: the same kernels for 1, 4 and 8 tickers side by side. */
#ifndef ZA_KERNELS_LANES_H
#define ZA_KERNELS_LANES_H

#include <stddef.h>
#include <stdint.h>

#include "base/cpu.h"
#include "kernels/catalog.h"

enum { ZA_MOST_LANES = 8 };

/* Columns as [bar][lane], every used column 8 * lanes bytes aligned; with one lane that is a plain column. Columns that
 * the indicator does not read may be NULL. */
typedef struct za_frame {
    const double *column[ZA_FIELD_COUNT];
    int64_t bars;
} za_frame;

typedef struct za_lane_set {
    int lanes;
    /* Bytes of `state` that the two drivers need; 64-byte aligned, contents need not be initialised. */
    size_t (*state_bytes)(za_indicator indicator, const za_params *params);
    /* Every bar enters once, the outputs are read once: out[output * lanes + lane]. frame->bars > lookback. To start
     * late (za_snapshot_start), hand in columns that begin there. */
    void (*snapshot)(za_indicator indicator, const za_params *params, const za_frame *frame, void *state, double *out);
    /* Every bar enters and is read: out[output] is a column [bar][lane] of frame->bars rows; the first `lookback` rows
     * are NaN. */
    void (*series)(za_indicator indicator, const za_params *params, const za_frame *frame, void *state,
                   double *const *out);
    /* `lanes` plain columns of `bars` doubles into one [bar][lane]. */
    void (*transpose)(const double *const *columns, int64_t bars, double *tile);
} za_lane_set;

/* The set of an instruction set, or NULL if this build or processor has not got it. */
const za_lane_set *za_lane_set_of(za_isa isa);
/* The widest set to use: the best of the processor, or what ZIGGY_ASYNC_ISA names (read once, at the first call; a name
 * that is unknown or not available here is ignored for the best one). */
const za_lane_set *za_lane_set_widest(void);
/* One lane: the set for leftovers. */
const za_lane_set *za_lane_set_one(void);

#endif
