/* Where the tickers of live states stand in the cross-sections of universes. */
#ifndef ZA_LIVE_ROSTERS_H
#define ZA_LIVE_ROSTERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/section.h"

/* Rosters: as many as the sections of one piece of news can have. */
enum { ZA_LIVE_ROSTERS = ZA_TAIL, ZA_NO_PLACE = -1 };

/* The places in one roster. */
typedef struct za_live_roster {
    uint64_t id;      /* of the roster; 0: none */
    int64_t rows;     /* for which places are known */
    int32_t *place;   /* of each row; ZA_NO_PLACE */
    int32_t *row;     /* of each place; -1: none has it */
    size_t count;     /* places */
    size_t strangers; /* of them: those that no row has */
} za_live_roster;

/* Finds the places of the names, whose codes are rows. False without memory: then the roster is empty. */
bool za_live_roster_fill(za_live_roster *roster, const za_roster *of, const za_text_set *names);
void za_live_roster_clear(za_live_roster *roster);

#endif
