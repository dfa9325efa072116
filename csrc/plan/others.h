/* Tickers and labels that plans read beside the series that are asked for. */
#ifndef ZA_PLAN_OTHERS_H
#define ZA_PLAN_OTHERS_H

#include "plan/sections.h"

/* Data that plans read beside the series that are asked for; as the sources of the plans number it. */
typedef struct za_others {
    const za_symbol *symbols; /* tickers of a store; */
    const int64_t *groups;    /* or groups of a table */
    size_t count;
    const za_label_codes *labels;
} za_others;

#endif
