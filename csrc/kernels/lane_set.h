/* A lane set: the same kernels for 1, 4 or 8 tickers side by side. */
#ifndef ZA_KERNELS_LANE_SET_H
#define ZA_KERNELS_LANE_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernels/catalog.h"
#include "kernels/operation.h"

enum { ZA_MOST_LANES = 8 };

/* The memory of the states of several kernels, which are kept in parts: the headers that are read, those that are
 * written, which may be the same, and the slots. 64-byte aligned. */
typedef struct za_kernel_state {
    const void *before;
    void *after, *slots;
} za_kernel_state;

/* Bars that enter a kernel one after the other. Columns are [bar][lane]: aligned as a vector of the set's lanes is,
 * which with one lane is as a double. A whole history, its last value, and one more bar are all of this form. So are
 * bars that enter several states of one age: columns are [state][bar][lane] then. */
typedef struct za_kernel_block {
    za_indicator indicator;
    const za_params *params;
    int64_t age;  /* bars that have entered before */
    int64_t bars; /* that enter now */
    int64_t from; /* outputs are wanted of the bars [from, bars); NaN where not more than the lookback have entered */
    const double *in[ZA_MAX_INPUTS]; /* in the order of the indicator's inputs */
    double *out[ZA_MAX_OUTPUTS];     /* rows [from, bars) are written; NULL where an output is not wanted */
    void *state; /* 64-byte aligned, slots behind the header; goes on from where the bar `age` finds it */
    /* A column of each lane that is read afterwards: its bars from `ahead_row` on, `ahead_bars` of them or 0, are asked
     * for meanwhile, a line with each bar that enters; of a windowed kernel with each one before `from`. */
    const double *const *ahead;
    int64_t ahead_row, ahead_bars;
    const za_kernel_state *states; /* NULL, or `count` of them instead of it */
    int64_t count;
    int64_t header, slots;        /* of `states`: the kernel's own begin at that vector of each part */
    const za_kernel_state *next;  /* `next_count` states of the age `next_age` that a bar is to enter in a later run: */
    int64_t next_count, next_age; /* memory is asked for what it reads of their slots */
    bool streamed; /* headers of `states`, or results of `run_direct`, go to memory past the caches, where a vector is a
                    * cache line. It takes a sequentially consistent fence until other threads see them */
} za_kernel_block;

/* Bars of one series of which none waits for another. */
typedef struct za_along_block {
    const double *in[ZA_MAX_INPUTS]; /* may be read from `lag` bars before */
    double *out;
    int64_t bars, lag;
} za_along_block;

/* A state is an array of [vector][lane] doubles and holds no address and no count: it may be moved, and a lane may be
 * taken out of it. A bar that was run alone may enter again once the header of before it is put back: it finds all that
 * it reads beside the header as it was. */
typedef struct za_lane_set {
    int lanes;
    /* Bytes of the part of a state that changes with every bar, at its beginning. */
    size_t (*header_bytes)(za_indicator indicator);
    /* Bytes of a whole state, header included; a multiple of the vector's. */
    size_t (*state_bytes)(za_indicator indicator, const za_params *params);
    /* Ages that differ by a multiple of it use a state's memory in the same way. */
    int64_t (*period)(za_indicator indicator, const za_params *params);
    /* A state that has seen nothing; the first bar that enters it is number `age`. With a memory of REACH bars a start
     * that many bars before a value, at any age, gives the value of the whole history to the bit. */
    void (*start)(za_indicator indicator, const za_params *params, int64_t age, void *state);
    void (*run)(const za_kernel_block *block);
    /* Does what run does, for one state and a multiple of the lanes of bars, of which all outputs are wanted, but the
     * inputs of each lane lie in columns, and the outputs in results, NULL where one is not wanted: they are transposed
     * while other bars enter. `following` are the columns of what is read afterwards, from its first bar on: memory is
     * asked for these in time. False if an input is not finite: then the state is of no more use. NULL of one lane. */
    bool (*run_direct)(const za_kernel_block *block, const double *const *const *columns,
                       const double *const *const *following, double *const *const *results);
    /* Bars of one series side by side, rounded down to the lanes, of an indicator whose memory is `beside`. It is the
     * only output, no state is read or written, and the bits are run's. Of one whose memory is `total`, `*total` goes
     * on to the last of them. False if an input of these bars, or what is to be added, is
     * not finite. */
    bool (*along)(za_indicator indicator, const za_along_block *block, double *total);
    void (*operate)(const za_operation_block *block);
    /* Whether none of them is NaN or infinite. */
    bool (*all_finite)(const double *values, int64_t count);
    /* Values that are whole numbers as such, and 0 for NaN. */
    void (*to_integers)(const double *values, int64_t count, int32_t *to);
    /* `lanes` plain columns of `bars` doubles into one [bar][lane]; whether all of them are finite. And the way back,
     * past the caches if it is `streamed` and all columns are aligned to a cache line. */
    bool (*transpose)(const double *const *columns, int64_t bars, double *tile);
    void (*spread)(const double *tile, int64_t bars, double *const *columns, bool streamed);
    /* A multiple of the most lanes of doubles; past the caches where they are to be `streamed`, as headers are, and
     * `to` is aligned to a cache line. */
    void (*copy)(double *to, const double *from, int64_t count, bool streamed);
} za_lane_set;

#endif
