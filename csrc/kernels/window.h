/* The last `size` values of a series, summed up without ever subtracting what leaves.
 *
 * The series is cut into blocks of `size` values. A window is the end of the finished block and the beginning of the
 * running one: the finished block is kept as suffix sums, made when its last value enters, and the running one as
 * prefix sums. The values of the running block are kept beside the suffix sums, so that an update never reads what it
 * has written: the same bar may enter again from the state before it.
 *
 * Sums are of distances from an anchor, the last value of the finished block. It is a member of every window that is
 * read before the next block ends, so an equal series has distances of exactly 0, and a calm one at a high level loses
 * nothing. */
#ifndef ZA_KERNELS_WINDOW_H
#define ZA_KERNELS_WINDOW_H

#include "kernels/slots.h"

typedef enum window_kind {
    WINDOW_HIGHEST, /* greatest value */
    WINDOW_LOWEST,  /* least value */
    WINDOW_MEAN,    /* sum of distances */
    WINDOW_MOMENTS, /* and of their squares */
    WINDOW_TREND,   /* sum of distances, and of distances times bars since the anchor */
    WINDOW_PAIRS,   /* two series: sums of distances, of their squares, of their products */
} window_kind;

/* What a kind sums up: at most five sums. */
enum {
    WINDOW_HIGHEST_SUMS = 1,
    WINDOW_LOWEST_SUMS = 1,
    WINDOW_MEAN_SUMS = 1,
    WINDOW_MOMENTS_SUMS = 2,
    WINDOW_TREND_SUMS = 2,
    WINDOW_PAIRS_SUMS = 5,
};

/* Vectors of state that a window of each kind has: its prefix sums, then its anchors. */
enum {
    WINDOW_HIGHEST_VECS = WINDOW_HIGHEST_SUMS,
    WINDOW_LOWEST_VECS = WINDOW_LOWEST_SUMS,
    WINDOW_MEAN_VECS = WINDOW_MEAN_SUMS + 1,
    WINDOW_MOMENTS_VECS = WINDOW_MOMENTS_SUMS + 1,
    WINDOW_TREND_VECS = WINDOW_TREND_SUMS + 1,
    WINDOW_PAIRS_VECS = WINDOW_PAIRS_SUMS + 2,
};

/* Sums (or extremes) over some values of a window; a kind uses the first of them. */
typedef struct window_sums {
    vec first, second, third, fourth, fifth;
} window_sums;

/* Where the values of a window lie; `running` of them are in the running block. */
typedef struct window {
    vec *values;   /* of the running block, [size], and of the other series behind them */
    vec *suffixes; /* [size][sums of the kind] */
    int64_t size, running;
} window;

/* Sums over a whole window and what they are about. */
typedef struct window_total {
    window_sums sums;
    vec anchor, other_anchor;
    double size, since; /* values; bars from the anchor to the last value */
} window_total;

INLINE int window_sum_count(window_kind kind)
{
    switch (kind) {
    case WINDOW_MOMENTS:
    case WINDOW_TREND:
        return WINDOW_MOMENTS_SUMS;
    case WINDOW_PAIRS:
        return WINDOW_PAIRS_SUMS;
    default:
        return 1;
    }
}

INLINE bool window_is_anchored(window_kind kind)
{
    return kind != WINDOW_HIGHEST && kind != WINDOW_LOWEST;
}

INLINE window_sums window_nothing(window_kind kind)
{
    vec first = vec_fill(kind == WINDOW_HIGHEST  ? -INFINITY
                         : kind == WINDOW_LOWEST ? INFINITY
                                                 : 0.0),
        zero = vec_fill(0.0);
    return (window_sums){first, zero, zero, zero, zero};
}

INLINE window_sums window_load(window_kind kind, const vec *from)
{
    int count = window_sum_count(kind);
    window_sums sums = window_nothing(kind);
    sums.first = from[0];
    if (count > 1) {
        sums.second = from[1];
    }
    if (count > 2) {
        sums.third = from[2];
        sums.fourth = from[3];
        sums.fifth = from[4];
    }
    return sums;
}

INLINE void window_store(window_kind kind, vec *to, window_sums sums)
{
    int count = window_sum_count(kind);
    to[0] = sums.first;
    if (count > 1) {
        to[1] = sums.second;
    }
    if (count > 2) {
        to[2] = sums.third;
        to[3] = sums.fourth;
        to[4] = sums.fifth;
    }
}

/* What one value (of each series) adds, by its distances from the anchors, `age` bars after them. */
INLINE window_sums window_terms(window_kind kind, vec d, vec e, double age)
{
    switch (kind) {
    case WINDOW_MOMENTS:
        return (window_sums){.first = d, .second = d * d};
    case WINDOW_TREND:
        return (window_sums){.first = d, .second = d * age};
    case WINDOW_PAIRS:
        return (window_sums){d, e, d * d, e * e, d * e};
    default:
        return (window_sums){.first = d};
    }
}

INLINE window_sums window_join(window_kind kind, window_sums older, window_sums newer)
{
    switch (kind) {
    case WINDOW_HIGHEST:
        return (window_sums){.first = vec_max(older.first, newer.first)};
    case WINDOW_LOWEST:
        return (window_sums){.first = vec_min(older.first, newer.first)};
    default:
        return (window_sums){older.first + newer.first, older.second + newer.second, older.third + newer.third,
                             older.fourth + newer.fourth, older.fifth + newer.fifth};
    }
}

/* A window of which `entered` values have been before. `state` is that of one that has seen nothing. */
INLINE window window_at(window_kind kind, double values, int64_t entered, slots *all, vec *state)
{
    int64_t size = (int64_t)values;
    window w = {.size = size, .running = entered % size};
    slots_turn(all, size);
    w.values = slots_take(all, kind == WINDOW_PAIRS ? 2 * size : size);
    w.suffixes = slots_take(all, window_sum_count(kind) * size);
    window_store(kind, state, window_nothing(kind));
    if (window_is_anchored(kind)) {
        state[window_sum_count(kind)] = vec_fill(0.0);
    }
    if (kind == WINDOW_PAIRS) {
        state[window_sum_count(kind) + 1] = vec_fill(0.0);
    }
    return w;
}

/* The values of a full block become suffix sums about the last one. Out of line: it is run once in `size` bars. */
INLINE void window_sum_up(window_kind kind, const vec *values, vec *suffixes, int64_t size)
{
    int64_t last = size - 1;
    bool two = kind == WINDOW_PAIRS;
    vec zero = vec_fill(0.0), anchor = window_is_anchored(kind) ? values[last] : zero;
    vec other = two ? values[last + size] : zero;
    window_sums suffix = window_nothing(kind);
    for (int64_t slot = last; slot >= 0; --slot) {
        vec d = values[slot] - anchor, e = (two ? values[slot + size] : zero) - other;
        suffix = window_join(kind, window_terms(kind, d, e, (double)(slot - last)), suffix);
        window_store(kind, suffixes + slot * window_sum_count(kind), suffix);
    }
}

#define WINDOW_FINISH(kind)                                                                                            \
    __attribute__((noinline, unused)) static void window_finish_##kind(const vec *values, vec *suffixes, int64_t size) \
    {                                                                                                                  \
        window_sum_up(kind, values, suffixes, size);                                                                   \
    }
WINDOW_FINISH(WINDOW_HIGHEST)
WINDOW_FINISH(WINDOW_LOWEST)
WINDOW_FINISH(WINDOW_MEAN)
WINDOW_FINISH(WINDOW_MOMENTS)
WINDOW_FINISH(WINDOW_TREND)
WINDOW_FINISH(WINDOW_PAIRS)
#undef WINDOW_FINISH

INLINE void window_finish(const window *w, window_kind kind)
{
    switch (kind) {
    case WINDOW_HIGHEST:
        window_finish_WINDOW_HIGHEST(w->values, w->suffixes, w->size);
        break;
    case WINDOW_LOWEST:
        window_finish_WINDOW_LOWEST(w->values, w->suffixes, w->size);
        break;
    case WINDOW_MEAN:
        window_finish_WINDOW_MEAN(w->values, w->suffixes, w->size);
        break;
    case WINDOW_MOMENTS:
        window_finish_WINDOW_MOMENTS(w->values, w->suffixes, w->size);
        break;
    case WINDOW_TREND:
        window_finish_WINDOW_TREND(w->values, w->suffixes, w->size);
        break;
    case WINDOW_PAIRS:
        window_finish_WINDOW_PAIRS(w->values, w->suffixes, w->size);
        break;
    }
}

/* One value of each series enters; `state` is the window's part of the kernel's state. */
INLINE void window_enter_pair(window *w, window_kind kind, vec *state, vec x, vec other)
{
    int count = window_sum_count(kind);
    bool anchored = window_is_anchored(kind), two = kind == WINDOW_PAIRS;
    vec zero = vec_fill(0.0), d = x - (anchored ? state[count] : zero), e = other - (two ? state[count + 1] : zero);
    w->values[w->running] = x;
    if (two) {
        w->values[w->running + w->size] = other;
    }
    ++w->running;
    window_sums entered = window_terms(kind, d, e, (double)w->running);
    window_store(kind, state, window_join(kind, window_load(kind, state), entered));
    if (w->running == w->size) {
        window_finish(w, kind);
        window_store(kind, state, window_nothing(kind));
        if (anchored) {
            state[count] = x;
        }
        if (two) {
            state[count + 1] = other;
        }
        w->running = 0;
    }
}

INLINE void window_enter(window *w, window_kind kind, vec *state, vec x)
{
    window_enter_pair(w, kind, state, x, vec_fill(0.0));
}

/* Sums over the last `size` values; meaningless before so many have entered. */
INLINE window_total window_total_of(const window *w, window_kind kind, const vec *state)
{
    int count = window_sum_count(kind);
    vec zero = vec_fill(0.0);
    window_sums suffix = window_load(kind, w->suffixes + w->running * count);
    return (window_total){window_join(kind, suffix, window_load(kind, state)),
                          window_is_anchored(kind) ? state[count] : zero,
                          kind == WINDOW_PAIRS ? state[count + 1] : zero, (double)w->size, (double)w->running};
}

INLINE vec window_mean(window_total total)
{
    return total.anchor + total.sums.first * (1.0 / total.size);
}

/* Sum of squares about the mean, from a sum and a sum of squares about the anchor. Rounding can bring it below 0. */
INLINE vec window_scatter(window_total total, vec sum, vec squares)
{
    return vec_positive(squares - sum * sum * (1.0 / total.size));
}

/* Population standard deviation, of WINDOW_MOMENTS. */
INLINE vec window_deviation(window_total total)
{
    return vec_sqrt(window_scatter(total, total.sums.first, total.sums.second) * (1.0 / total.size));
}

/* A kernel that is one window of `period` values of its first input and one expression of their sums. */
#define WINDOWED(name, kind, expression)                                                                               \
    typedef struct name##_state {                                                                                      \
        vec window[kind##_VECS];                                                                                       \
    } name##_state;                                                                                                    \
    typedef struct name##_kernel {                                                                                     \
        name##_params p;                                                                                               \
        int64_t age;                                                                                                   \
        window window;                                                                                                 \
        name##_state s;                                                                                                \
    } name##_kernel;                                                                                                   \
    INLINE void name##_start(name##_kernel *k, slots *all)                                                             \
    {                                                                                                                  \
        k->window = window_at(kind, k->p.period, k->age, all, k->s.window);                                            \
    }                                                                                                                  \
    INLINE void name##_update(name##_kernel *k, const vec *in)                                                         \
    {                                                                                                                  \
        window_enter(&k->window, kind, k->s.window, in[0]);                                                            \
    }                                                                                                                  \
    INLINE void name##_value(const name##_kernel *k, vec *out)                                                         \
    {                                                                                                                  \
        window_total total = window_total_of(&k->window, kind, k->s.window);                                           \
        out[0] = (expression);                                                                                         \
    }

#endif
