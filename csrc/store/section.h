/* Cross-sections: one bar of the same time for each symbol of a universe. */
#ifndef ZA_STORE_SECTION_H
#define ZA_STORE_SECTION_H

#include <stdatomic.h>

#include "store/bars.h"
#include "store/text_set.h"

/* The symbols of a universe, place by place, which its cross-sections share. It never changes. */
typedef struct za_roster {
    atomic_int references;
    uint64_t id; /* unlike that of any other of the process */
    za_text_set names;
} za_roster;

/* Any thread; NULL is let pass. */
void za_roster_release(za_roster *roster);

static inline za_symbol za_roster_symbol(const za_roster *roster, size_t place)
{
    return (za_symbol){.text = roster->names.texts[place], .length = roster->names.lengths[place]};
}

/* Sections of a universe that are kept as they came. */
enum { ZA_TAIL = 16 };

/* Columns are padded with NaN to so many places, and are aligned to a cache line. */
enum { ZA_SECTION_PADDING = 8 };

/* One allocation: this header, then columns of `stride` values, the figures and the further columns of the store. It
 * never changes once it is in a tail. */
typedef struct za_section {
    atomic_int references;
    za_roster *roster; /* a reference */
    int64_t time;
    bool naive;        /* it was told without a time zone */
    uint64_t sequence; /* of the store, when it was appended */
    size_t count;      /* symbols */
    size_t stride;     /* the same, padded */
    int columns;
    double *values; /* [column][place]; a close that is NaN: there is no bar of that symbol */
} za_section;

/* A cross-section as its caller has it: values[place][column], five NaN where there is no bar. */
typedef struct za_matrix {
    int64_t time;
    bool naive;
    const double *values;
} za_matrix;

/* A new section with one reference, for the symbols of the roster; NULL without memory. */
za_section *za_section_new(za_roster *roster, int columns);
void za_section_retain(za_section *section);
/* Any thread; NULL is let pass. */
void za_section_release(za_section *section);

static inline const double *za_section_column(const za_section *section, int column)
{
    return section->values + (size_t)column * section->stride;
}

/* Returns whether there is a bar of the symbol at that place. */
static inline bool za_section_has(const za_section *section, size_t place)
{
    double close = za_section_column(section, ZA_FIGURE_CLOSE)[place];
    return close == close;
}

/* Takes in the matrix, which somebody may go on writing meanwhile. The place of the first bar that is none, or `count`;
 * without a time none is. */
size_t za_section_fill(za_section *section, const za_matrix *matrix, bool ordered);
/* The bar at that place, without its further columns. */
za_bar za_section_bar(const za_section *section, size_t place);

#endif
