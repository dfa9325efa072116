/* The last `size` values of a series, summed up without ever subtracting what leaves.
 *
 * The series is cut into blocks of `size` values. A window is the end of the finished block and the beginning of the
 * running one: the finished block is kept as suffix sums, made once when it ends, and the running one as prefix sums.
 * Since the running block needs its own values until it ends, and a suffix is read only before its slot is reached, one
 * array serves both: slots below `running` hold values of the running block, slots from `running` on hold suffix sums
 * of the finished one.
 *
 * Sums are of distances from an anchor, the last value of the finished block. It is a member of every window that is
 * read before the next block ends, so an equal series has distances of exactly 0, and a calm one at a high level loses
 * nothing. */
#ifndef ZA_KERNELS_WINDOW_H
#define ZA_KERNELS_WINDOW_H

#include "kernels/lane.h"

typedef enum window_kind {
    WINDOW_HIGHEST,  /* greatest value */
    WINDOW_LOWEST,   /* least value */
    WINDOW_MEAN,     /* sum of distances */
    WINDOW_MOMENTS,  /* and of their squares */
    WINDOW_TREND,    /* sum of distances, and of distances times bars since the anchor */
    WINDOW_PRODUCTS, /* two series: sums of distances, of their squares, of their products */
} window_kind;

/* Arrays of `size` slots that a window of each kind needs. */
enum {
    WINDOW_HIGHEST_ROWS = 1,
    WINDOW_LOWEST_ROWS = 1,
    WINDOW_MEAN_ROWS = 1,
    WINDOW_MOMENTS_ROWS = 2,
    WINDOW_TREND_ROWS = 2,
    WINDOW_PRODUCTS_ROWS = 5,
};

/* Sums (or extremes) over some values of a window; a kind uses the first of them. */
typedef struct window_sums {
    vec first, second, third, fourth, fifth;
} window_sums;

typedef struct window {
    vec *slots; /* rows one behind the other; the first holds the values, and the second those of the other series */
    int64_t size, running;
    vec anchor, other_anchor;
    window_sums prefix;
} window;

INLINE window_sums window_nothing(window_kind kind)
{
    vec first = vec_fill(kind == WINDOW_HIGHEST  ? -INFINITY
                         : kind == WINDOW_LOWEST ? INFINITY
                                                 : 0.0),
        zero = vec_fill(0.0);
    return (window_sums){first, zero, zero, zero, zero};
}

INLINE window window_start(window_kind kind, double size, vec *slots)
{
    return (window){slots, (int64_t)size, 0, vec_fill(0.0), vec_fill(0.0), window_nothing(kind)};
}

/* What one value (of each series) adds, `age` bars after the anchor. */
INLINE window_sums window_terms(const window *w, window_kind kind, vec x, vec other, double age)
{
    if (kind == WINDOW_HIGHEST || kind == WINDOW_LOWEST) {
        return (window_sums){.first = x};
    }
    vec d = x - w->anchor, e = other - w->other_anchor;
    switch (kind) {
    case WINDOW_MOMENTS:
        return (window_sums){.first = d, .second = d * d};
    case WINDOW_TREND:
        return (window_sums){.first = d, .second = d * age};
    case WINDOW_PRODUCTS:
        return (window_sums){d, e, d * d, e * e, d * e};
    default:
        return (window_sums){.first = d};
    }
}

INLINE window_sums window_join(window_kind kind, window_sums a, window_sums b)
{
    switch (kind) {
    case WINDOW_HIGHEST:
        return (window_sums){.first = vec_max(a.first, b.first)};
    case WINDOW_LOWEST:
        return (window_sums){.first = vec_min(a.first, b.first)};
    default:
        return (window_sums){a.first + b.first, a.second + b.second, a.third + b.third, a.fourth + b.fourth,
                             a.fifth + b.fifth};
    }
}

INLINE window_sums window_load(const window *w, window_kind kind, int64_t slot)
{
    const vec *at = w->slots + slot;
    window_sums sums = {.first = at[0]};
    if (kind >= WINDOW_MOMENTS) {
        sums.second = at[w->size];
    }
    if (kind == WINDOW_PRODUCTS) {
        sums.third = at[2 * w->size];
        sums.fourth = at[3 * w->size];
        sums.fifth = at[4 * w->size];
    }
    return sums;
}

INLINE void window_store(const window *w, window_kind kind, int64_t slot, window_sums sums)
{
    vec *at = w->slots + slot;
    at[0] = sums.first;
    if (kind >= WINDOW_MOMENTS) {
        at[w->size] = sums.second;
    }
    if (kind == WINDOW_PRODUCTS) {
        at[2 * w->size] = sums.third;
        at[3 * w->size] = sums.fourth;
        at[4 * w->size] = sums.fifth;
    }
}

/* The running block is full: its values turn into suffix sums about its last one. */
INLINE void window_finish_block(window *w, window_kind kind)
{
    int64_t last = w->size - 1;
    bool two = kind == WINDOW_PRODUCTS;
    w->anchor = w->slots[last];
    w->other_anchor = two ? w->slots[last + w->size] : vec_fill(0.0);
    window_sums suffix = window_nothing(kind);
    for (int64_t slot = last; slot >= 0; --slot) {
        vec x = w->slots[slot], other = two ? w->slots[slot + w->size] : vec_fill(0.0);
        suffix = window_join(kind, suffix, window_terms(w, kind, x, other, (double)(slot - last)));
        window_store(w, kind, slot, suffix);
    }
    w->prefix = window_nothing(kind);
    w->running = 0;
}

INLINE void window_enter_pair(window *w, window_kind kind, vec x, vec other)
{
    w->slots[w->running] = x;
    if (kind == WINDOW_PRODUCTS) {
        w->slots[w->running + w->size] = other;
    }
    ++w->running;
    w->prefix = window_join(kind, w->prefix, window_terms(w, kind, x, other, (double)w->running));
    if (w->running == w->size) {
        window_finish_block(w, kind);
    }
}

INLINE void window_enter(window *w, window_kind kind, vec x)
{
    window_enter_pair(w, kind, x, vec_fill(0.0));
}

/* Sums over the last `size` values; meaningless before so many have entered. */
INLINE window_sums window_total(const window *w, window_kind kind)
{
    return window_join(kind, window_load(w, kind, w->running), w->prefix);
}

INLINE vec window_mean(const window *w, window_sums total)
{
    return w->anchor + total.first * (1.0 / (double)w->size);
}

/* Sum of squares about the mean, from a sum and a sum of squares about the anchor. Rounding can bring it below 0. */
INLINE vec window_scatter(const window *w, vec sum, vec squares)
{
    return vec_positive(squares - sum * sum * (1.0 / (double)w->size));
}

/* Population standard deviation, of WINDOW_MOMENTS. */
INLINE vec window_deviation(const window *w, window_sums total)
{
    return vec_sqrt(window_scatter(w, total.first, total.second) * (1.0 / (double)w->size));
}

#endif
