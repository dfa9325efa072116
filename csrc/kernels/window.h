/* The last `size` values of a series, summed up without ever subtracting what leaves.
 *
 * The series is cut into blocks of `size` values. A window is the end of the finished block and the beginning of the
 * running one: the finished block is kept as suffix sums, and the running one as prefix sums. Its values take the
 * places of the suffix sums that are not read any more: after a value has entered, the suffix behind it counts.
 *
 * In a run of several bars a full block becomes suffix sums at once. A bar that enters alone may enter again from the
 * state before it: it keeps the values of a block that it fills, puts the sums over all of them and a mark beside them,
 * and so defers the suffix sums to the next bar, which clears the mark. Lanes may differ in that: where a recursive
 * kernel leaves bars out, one may have filled its block in a run of several bars, and another one with its last bar
 * alone.
 *
 * Sums are of distances from an anchor, the last value of the finished block. It is a member of every window that is
 * read before the next block ends, so an equal series has distances of exactly 0, and a calm one at a high level loses
 * nothing. */
#ifndef ZA_KERNELS_WINDOW_H
#define ZA_KERNELS_WINDOW_H

#include "kernels/slots.h"

/* KIND(name, series, sums, anchors): how many series enter, what is summed up, and of what the distances are taken.
 *
 * HIGHEST and LOWEST are the extreme, BOUNDS the highest of one series and the lowest of another. The FIRST and LAST
 * ones have its bar too, counted from the end of the finished block; equal ones leave the oldest or the newest. SUM (of
 * two series SUMS) and PRODUCT are of the values, MEAN of the distances, MOMENTS of their squares too, SHAPE up to
 * their fourth powers, TREND of distances times bars since the anchor. PAIRS has the distances of two series, their
 * squares and their product. */
#define WINDOW_KINDS(KIND)                                                                                             \
    KIND(HIGHEST, 1, 1, 0)                                                                                             \
    KIND(LOWEST, 1, 1, 0)                                                                                              \
    KIND(BOUNDS, 2, 2, 0)                                                                                              \
    KIND(FIRST_HIGHEST, 1, 2, 0)                                                                                       \
    KIND(FIRST_LOWEST, 1, 2, 0)                                                                                        \
    KIND(LAST_HIGHEST, 1, 2, 0)                                                                                        \
    KIND(LAST_LOWEST, 1, 2, 0)                                                                                         \
    KIND(SUM, 1, 1, 0)                                                                                                 \
    KIND(SUMS, 2, 2, 0)                                                                                                \
    KIND(PRODUCT, 1, 1, 0)                                                                                             \
    KIND(MEAN, 1, 1, 1)                                                                                                \
    KIND(MOMENTS, 1, 2, 1)                                                                                             \
    KIND(SHAPE, 1, 4, 1)                                                                                               \
    KIND(TREND, 1, 2, 1)                                                                                               \
    KIND(PAIRS, 2, 5, 2)

#define KIND(name, series, sums, anchors) WINDOW_##name,
typedef enum window_kind { WINDOW_KINDS(KIND) } window_kind;
#undef KIND

/* Vectors of state that a window of each kind has: its prefix sums, then its anchors. */
#define KIND(name, series, sums, anchors) WINDOW_##name##_VECS = (sums) + (anchors),
enum { WINDOW_KINDS(KIND) };
#undef KIND

typedef struct window_shape {
    int series, sums, anchors;
} window_shape;

INLINE window_shape window_shape_of(window_kind kind)
{
    switch (kind) {
#define KIND(name, series, sums, anchors)                                                                              \
    case WINDOW_##name:                                                                                                \
        return (window_shape){series, sums, anchors};
        WINDOW_KINDS(KIND)
#undef KIND
    }
    return (window_shape){0, 0, 0};
}

/* Sums (or extremes) over some values of a window; a kind uses the first of them. */
typedef struct window_sums {
    vec first, second, third, fourth, fifth;
} window_sums;

/* The place of a window; `running` values are in the running block, all of them where a full one is deferred. */
typedef struct window {
    vec *places; /* [size + 1][sums]: values of the running block (each series), then suffix sums; the sums of a full
                  * block whose suffix sums are deferred, and the mark */
    int64_t size, running;
    bool defers; /* the suffix sums of a block that becomes full */
} window;

/* Sums over a whole window and what they are about. */
typedef struct window_total {
    window_sums sums;
    vec anchor, other_anchor;
    double size, since; /* values; bars from the anchor to the last value */
} window_total;

INLINE window_sums window_nothing(window_kind kind)
{
    vec zero = vec_fill(0.0), first = zero, second = zero;
    if (kind == WINDOW_BOUNDS) {
        first = vec_fill(-INFINITY);
        second = vec_fill(INFINITY);
    } else if (kind == WINDOW_HIGHEST || kind == WINDOW_FIRST_HIGHEST || kind == WINDOW_LAST_HIGHEST) {
        first = vec_fill(-INFINITY);
    } else if (kind == WINDOW_LOWEST || kind == WINDOW_FIRST_LOWEST || kind == WINDOW_LAST_LOWEST) {
        first = vec_fill(INFINITY);
    } else if (kind == WINDOW_PRODUCT) {
        first = vec_fill(1.0);
    }
    return (window_sums){first, second, zero, zero, zero};
}

INLINE window_sums window_load(window_kind kind, const vec *from)
{
    int count = window_shape_of(kind).sums;
    window_sums sums = window_nothing(kind);
    sums.first = from[0];
    if (count > 1) {
        sums.second = from[1];
    }
    if (count > 2) {
        sums.third = from[2];
        sums.fourth = from[3];
    }
    if (count > 4) {
        sums.fifth = from[4];
    }
    return sums;
}

INLINE void window_store(window_kind kind, vec *to, window_sums sums)
{
    int count = window_shape_of(kind).sums;
    to[0] = sums.first;
    if (count > 1) {
        to[1] = sums.second;
    }
    if (count > 2) {
        to[2] = sums.third;
        to[3] = sums.fourth;
    }
    if (count > 4) {
        to[4] = sums.fifth;
    }
}

/* Returns the terms that one value (of each series) adds, by its distances from the anchors, `age` bars after them. */
INLINE window_sums window_terms(window_kind kind, vec d, vec e, double age)
{
    switch (kind) {
    case WINDOW_FIRST_HIGHEST:
    case WINDOW_FIRST_LOWEST:
    case WINDOW_LAST_HIGHEST:
    case WINDOW_LAST_LOWEST:
        return (window_sums){.first = d, .second = vec_fill(age)};
    case WINDOW_BOUNDS:
    case WINDOW_SUMS:
        return (window_sums){.first = d, .second = e};
    case WINDOW_MOMENTS:
        return (window_sums){.first = d, .second = d * d};
    case WINDOW_SHAPE:
        return (window_sums){.first = d, .second = d * d, .third = d * d * d, .fourth = d * d * (d * d)};
    case WINDOW_TREND:
        return (window_sums){.first = d, .second = d * age};
    case WINDOW_PAIRS:
        return (window_sums){d, e, d * d, e * e, d * e};
    default:
        return (window_sums){.first = d};
    }
}

INLINE window_sums window_choose(mask chosen, window_sums yes, window_sums no)
{
    return (window_sums){vec_select(chosen, yes.first, no.first), vec_select(chosen, yes.second, no.second),
                         vec_select(chosen, yes.third, no.third), vec_select(chosen, yes.fourth, no.fourth),
                         vec_select(chosen, yes.fifth, no.fifth)};
}

INLINE window_sums window_join(window_kind kind, window_sums older, window_sums newer)
{
    switch (kind) {
    case WINDOW_HIGHEST:
        return (window_sums){.first = vec_greater(older.first, newer.first)};
    case WINDOW_LOWEST:
        return (window_sums){.first = vec_smaller(older.first, newer.first)};
    case WINDOW_BOUNDS:
        return (window_sums){.first = vec_greater(older.first, newer.first),
                             .second = vec_smaller(older.second, newer.second)};
    case WINDOW_FIRST_HIGHEST:
        return window_choose((mask)(newer.first > older.first), newer, older);
    case WINDOW_FIRST_LOWEST:
        return window_choose((mask)(newer.first < older.first), newer, older);
    case WINDOW_LAST_HIGHEST:
        return window_choose((mask)(newer.first >= older.first), newer, older);
    case WINDOW_LAST_LOWEST:
        return window_choose((mask)(newer.first <= older.first), newer, older);
    case WINDOW_PRODUCT:
        return (window_sums){.first = older.first * newer.first};
    default:
        return (window_sums){older.first + newer.first, older.second + newer.second, older.third + newer.third,
                             older.fourth + newer.fourth, older.fifth + newer.fifth};
    }
}

/* The fate of the values of a full block: suffix sums about the last one, at once or in the lanes that have deferred
 * them; or they stay, and the sums are deferred. */
typedef enum window_end { WINDOW_FINISH, WINDOW_FINISH_DEFERRED, WINDOW_DEFER } window_end;

INLINE void window_sum_up(window_kind kind, vec *places, int64_t size, window_end end)
{
    window_shape shape = window_shape_of(kind);
    int64_t last = size - 1;
    vec zero = vec_fill(0.0), anchor = shape.anchors > 0 ? places[last * shape.sums] : zero;
    vec other = shape.anchors > 1 ? places[last * shape.sums + 1] : zero, *mark = places + (size + 1) * shape.sums;
    mask deferred = (mask)(*mark != zero);
    window_sums suffix = window_nothing(kind);
    for (int64_t place = last; place >= 0; --place) {
        vec *at = places + place * shape.sums;
        vec d = at[0] - anchor, e = (shape.series > 1 ? at[1] : zero) - other;
        suffix = window_join(kind, window_terms(kind, d, e, (double)(place - last)), suffix);
        if (end == WINDOW_FINISH_DEFERRED) {
            window_store(kind, at, window_choose(deferred, suffix, window_load(kind, at)));
        } else if (end == WINDOW_FINISH) {
            window_store(kind, at, suffix);
        }
    }
    if (end == WINDOW_DEFER) {
        window_store(kind, places + size * shape.sums, suffix);
    }
    *mark = vec_fill(end == WINDOW_DEFER ? 1.0 : 0.0);
}

/* Out of line, since they are run once in `size` bars. */
#define ENDING(name, end, kind)                                                                                        \
    __attribute__((noinline, unused)) static void name(vec *places, int64_t size)                                      \
    {                                                                                                                  \
        window_sum_up(kind, places, size, end);                                                                        \
    }
#define KIND(name, series, sums, anchors)                                                                              \
    ENDING(window_finish_##name, WINDOW_FINISH, WINDOW_##name)                                                         \
    ENDING(window_finish_deferred_##name, WINDOW_FINISH_DEFERRED, WINDOW_##name)                                       \
    ENDING(window_defer_##name, WINDOW_DEFER, WINDOW_##name)
WINDOW_KINDS(KIND)
#undef KIND
#undef ENDING

INLINE void window_end_block(const window *w, window_kind kind, window_end end)
{
    switch (kind) {
#define KIND(name, series, sums, anchors)                                                                              \
    case WINDOW_##name:                                                                                                \
        (end == WINDOW_DEFER    ? window_defer_##name                                                                  \
         : end == WINDOW_FINISH ? window_finish_##name                                                                 \
                                : window_finish_deferred_##name)(w->places, w->size);                                  \
        break;
        WINDOW_KINDS(KIND)
#undef KIND
    }
}

/* Returns whether any lane has deferred the suffix sums. */
INLINE bool window_is_deferred(const window *w, window_kind kind)
{
    const double *marks = (const double *)(const void *)(w->places + (w->size + 1) * window_shape_of(kind).sums);
    bool deferred = false;
    for (int lane = 0; lane < ZA_LANES; ++lane) {
        deferred |= marks[lane] != 0.0;
    }
    return deferred;
}

/* A window of which `entered` values have been before. `state` becomes that of one that has seen nothing. */
INLINE window window_at(window_kind kind, double values, int64_t entered, slots *all, vec *state)
{
    window_shape shape = window_shape_of(kind);
    int64_t size = (int64_t)values;
    window w = {.size = size, .running = entered % size, .defers = all->entering == 1};
    slots_turn(all, size);
    w.places = slots_take(all, (size + 1) * shape.sums + 1);
    for (int sum = 0; sum < 2 * shape.sums; ++sum) {
        slots_announce(all, w.places, w.running * shape.sums + sum);
    }
    if (all->entering > 0 && w.running == 0 && window_is_deferred(&w, kind)) {
        window_end_block(&w, kind, WINDOW_FINISH_DEFERRED);
    }
    window_store(kind, state, window_nothing(kind));
    for (int anchor = 0; anchor < shape.anchors; ++anchor) {
        state[shape.sums + anchor] = vec_fill(0.0);
    }
    return w;
}

/* One value of each series enters; `state` is the window's part of the kernel's state. */
INLINE void window_enter_pair(window *w, window_kind kind, vec *state, vec x, vec other)
{
    window_shape shape = window_shape_of(kind);
    vec zero = vec_fill(0.0), *anchors = state + shape.sums;
    vec d = x - (shape.anchors > 0 ? anchors[0] : zero), e = other - (shape.anchors > 1 ? anchors[1] : zero);
    w->places[w->running * shape.sums] = x;
    if (shape.series > 1) {
        w->places[w->running * shape.sums + 1] = other;
    }
    ++w->running;
    window_sums entered = window_terms(kind, d, e, (double)w->running);
    window_store(kind, state, window_join(kind, window_load(kind, state), entered));
    if (w->running == w->size) {
        window_end_block(w, kind, w->defers ? WINDOW_DEFER : WINDOW_FINISH);
        window_store(kind, state, window_nothing(kind));
        if (shape.anchors > 0) {
            anchors[0] = x;
        }
        if (shape.anchors > 1) {
            anchors[1] = other;
        }
        w->running = w->defers ? w->size : 0;
    }
}

INLINE void window_enter(window *w, window_kind kind, vec *state, vec x)
{
    window_enter_pair(w, kind, state, x, vec_fill(0.0));
}

/* Sums over the last `size` values; meaningless before so many have entered. */
INLINE window_total window_total_of(const window *w, window_kind kind, const vec *state)
{
    window_shape shape = window_shape_of(kind);
    vec zero = vec_fill(0.0);
    window_sums suffix = window_load(kind, w->places + w->running * shape.sums);
    return (window_total){window_join(kind, suffix, window_load(kind, state)),
                          shape.anchors > 0 ? state[shape.sums] : zero,
                          shape.anchors > 1 ? state[shape.sums + 1] : zero, (double)w->size,
                          w->running == w->size ? 0.0 : (double)w->running};
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

/* A kernel that is one window of `period` values of its input, or of both, and one expression of their sums. */
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
        window_enter_pair(&k->window, kind, k->s.window, in[0], in[window_shape_of(kind).series - 1]);                 \
    }                                                                                                                  \
    INLINE void name##_value(const name##_kernel *k, vec *out)                                                         \
    {                                                                                                                  \
        window_total total = window_total_of(&k->window, kind, k->s.window);                                           \
        out[0] = (expression);                                                                                         \
    }

#endif
