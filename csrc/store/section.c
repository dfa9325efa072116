#include "store/section.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"

/* Bars that are turned from rows into columns, and then checked, while they are in the first-level cache. */
enum { AT_ONCE = 64 };

void za_roster_release(za_roster *roster)
{
    if (roster != NULL && atomic_fetch_sub_explicit(&roster->references, 1, memory_order_acq_rel) == 1) {
        za_text_set_free(&roster->names);
        za_free(roster);
    }
}

za_section *za_section_new(za_roster *roster, int columns)
{
    size_t count = (size_t)roster->names.count;
    size_t header = za_whole_lines(sizeof(za_section));
    size_t bar_bytes = (size_t)columns * sizeof(double);
    if (count > (SIZE_MAX / 2 - header) / bar_bytes - ZA_SECTION_PADDING) {
        return NULL;
    }
    size_t stride = (count + ZA_SECTION_PADDING - 1) / ZA_SECTION_PADDING * ZA_SECTION_PADDING;
    za_section *section = za_alloc_aligned(header + stride * bar_bytes, 1);
    if (section == NULL) {
        return NULL;
    }
    *section = (za_section){
        .count = count, .stride = stride, .columns = columns, .values = (double *)(void *)((char *)section + header)};
    atomic_init(&section->references, 1);
    (void)atomic_fetch_add_explicit(&roster->references, 1, memory_order_relaxed);
    section->roster = roster;
    for (int column = 0; column < columns; column++) {
        for (size_t place = count; place < stride; place++) {
            section->values[(size_t)column * stride + place] = NAN;
        }
    }
    return section;
}

void za_section_retain(za_section *section)
{
    (void)atomic_fetch_add_explicit(&section->references, 1, memory_order_relaxed);
}

void za_section_release(za_section *section)
{
    if (section != NULL && atomic_fetch_sub_explicit(&section->references, 1, memory_order_acq_rel) == 1) {
        za_roster_release(section->roster);
        za_free(section);
    }
}

/* Two bars at once, as every processor has it. A comparison gives -1 or 0 for each. */
enum { LANES = 2 };
typedef double pack __attribute__((vector_size(LANES * sizeof(double))));
typedef int64_t truth __attribute__((vector_size(LANES * sizeof(int64_t))));

static inline pack load(const double *values)
{
    pack loaded;
    memcpy(&loaded, values, sizeof loaded);
    return loaded;
}

#define IS_PRICE(price)        (((price) >= ZA_LEAST_PRICE) & ((price) <= ZA_MOST_FIGURE))
#define IS_ABOVE(price, other) ((price) - (other) > ZA_PRICE_TOLERANCE * (price))

/* LANES bars. */
typedef struct bars {
    pack open, high, low, close, volume;
} bars;

static inline bars bars_at(const za_section *section, size_t at)
{
    return (bars){
        load(za_section_column(section, ZA_FIGURE_OPEN) + at), load(za_section_column(section, ZA_FIGURE_HIGH) + at),
        load(za_section_column(section, ZA_FIGURE_LOW) + at), load(za_section_column(section, ZA_FIGURE_CLOSE) + at),
        load(za_section_column(section, ZA_FIGURE_VOLUME) + at)};
}

static inline truth are_missing(bars b)
{
    return (b.open != b.open) & (b.high != b.high) & (b.low != b.low) & (b.close != b.close) & (b.volume != b.volume);
}

/* Whether they are bars whose prices lie between low and high to the last digit, which takes fewest comparisons. */
static inline truth are_plain(bars b)
{
    return (b.low >= ZA_LEAST_PRICE) & (b.low <= b.open) & (b.open <= b.high) & (b.low <= b.close) &
           (b.close <= b.high) & (b.high <= ZA_MOST_FIGURE) & (b.volume >= 0.0) & (b.volume <= ZA_MOST_FIGURE);
}

/* Whether they are bars as za_bar_fault says it. */
static inline truth are_bars(bars b, bool ordered)
{
    truth whole = IS_PRICE(b.open) & IS_PRICE(b.high) & IS_PRICE(b.low) & IS_PRICE(b.close) & (b.volume >= 0.0) &
                  (b.volume <= ZA_MOST_FIGURE);
    truth outside = IS_ABOVE(b.low, b.high) | IS_ABOVE(b.low, b.open) | IS_ABOVE(b.open, b.high) |
                    IS_ABOVE(b.low, b.close) | IS_ABOVE(b.close, b.high);
    return ordered ? whole & ~outside : whole;
}

static bool holds_in_all(truth truth_of)
{
    bool all = true;
    for (int lane = 0; lane < LANES; lane++) {
        all = all && truth_of[lane] != 0;
    }
    return all;
}

/* Returns whether the bars [from, end) have no fault, nor those after them that fill the last vector. */
static bool are_good(const za_section *section, size_t from, size_t end, bool ordered)
{
    truth plain = ~(truth){0}, good = plain;
    for (size_t at = from; at < end; at += LANES) {
        bars b = bars_at(section, at);
        plain &= are_plain(b) | are_missing(b);
    }
    for (size_t at = from; !holds_in_all(plain) && at < end; at += LANES) {
        bars b = bars_at(section, at);
        good &= are_bars(b, ordered) | are_missing(b);
    }
    return holds_in_all(good);
}

za_bar za_section_bar(const za_section *section, size_t place)
{
    za_bar bar = {.time = section->time, .naive = section->naive};
    for (int column = 0; column < ZA_FIGURE_COUNT; column++) {
        bar.figure[column] = za_section_column(section, column)[place];
    }
    return bar;
}

static bool is_missing(const za_bar *bar)
{
    bool missing = true;
    for (int i = 0; i < ZA_FIGURE_COUNT; i++) {
        missing = missing && isnan(bar->figure[i]);
    }
    return missing;
}

/* The first of the bars from `from` on that has a fault; there is one. */
static size_t find_fault(const za_section *section, size_t from, bool ordered)
{
    for (size_t at = from;; at++) {
        za_bar bar = za_section_bar(section, at);
        if (!is_missing(&bar) && za_bar_fault(&bar, ordered).kind != ZA_FAULT_NONE) {
            return at;
        }
    }
}

size_t za_section_fill(za_section *section, const za_matrix *matrix, bool ordered)
{
    size_t columns = (size_t)section->columns, faulty = matrix->time == ZA_TIME_MISSING ? 0 : section->count;
    section->time = matrix->time;
    section->naive = matrix->naive;
    for (size_t from = 0; from < section->count; from += AT_ONCE) {
        size_t end = section->count - from < AT_ONCE ? section->count : from + AT_ONCE;
        for (size_t column = 0; column < columns; column++) {
            double *values = section->values + column * section->stride;
            for (size_t i = from; i < end; i++) {
                values[i] = matrix->values[i * columns + column];
            }
        }
        if (faulty == section->count && !are_good(section, from, end, ordered)) {
            faulty = find_fault(section, from, ordered);
        }
    }
    return faulty;
}
