/* The fields of a universe, for the files of this layer. */
#ifndef ZA_STORE_UNIVERSE_INSIDE_H
#define ZA_STORE_UNIVERSE_INSIDE_H

#include "store/section.h"
#include "store/store_inside.h"

/* A symbol of a universe. */
typedef struct za_member {
    za_entry *entry; /* NULL: no bar of it had come when it was looked up */
    uint64_t id;     /* the entry's own then: another one says that the symbol was dropped */
} za_member;

/* The tail's last sections are in `sections`, number s at s % ZA_TAIL, and each member's entry has the bars of those
 * before folded[place]. All that depends on the bars is known here beside, in the order of the members, so that a
 * section is accepted without a look at the entries. */
struct za_universe {
    za_roster *roster; /* a reference */
    size_t count;
    /* All that follows is guarded by the mutex of the store. */
    za_member *members;
    uint64_t clears; /* of the store, when the members were looked up */
    bool is_broken;  /* the symbol at broken_at was dropped */
    size_t broken_at;
    bool is_attached;             /* the entries lead here */
    za_universe *next, *previous; /* of those of the store that are attached */
    uint64_t accepted;            /* sections, ever */
    size_t part_next, part_end;   /* the members that are to be folded before the next section comes */
    size_t swept;                 /* the members before this one have no bars in the tail */
    za_section *sections[ZA_TAIL], *spare;
    uint64_t *folded;
    int64_t *last_time; /* of each member's last bar; ZA_TIME_MISSING: it has none */
    int64_t *room;      /* bars that can be folded into its block */
    int64_t *bars;      /* that it has */
};

#endif
