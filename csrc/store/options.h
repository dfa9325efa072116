/* A store as its users name it: its options and its counters. */
#ifndef ZA_STORE_OPTIONS_H
#define ZA_STORE_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

typedef struct za_store za_store;

typedef struct za_store_stats {
    int64_t symbols, bars,
        bytes; /* now; bytes of bar columns, with the sections of universes that are kept as they came */
    int64_t appended, replaced, loaded, rejected; /* rows, ever; rejected: refused or skipped as invalid */
    int64_t dropped;  /* valid rows of loaded tables that the capacity had no room for, ever */
    int64_t labelled; /* times that a set of labels was set */
} za_store_stats;

/* The columns that append and append_cross_section take, whether times are a calendar, and how many bars a year has.
 * Each bar has `further` columns of float64 beside its figures, NaN allowed. */
typedef struct za_store_options {
    int64_t capacity; /* bars kept a symbol, at least 1 */
    bool ordered;     /* false: equal and older times are appended as they come, and highs and lows are not compared */
    int further;
    double bars_per_year; /* what volatilities are scaled by */
} za_store_options;

#endif
