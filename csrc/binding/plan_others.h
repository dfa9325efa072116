/* Other tickers and labels, which a plan reads beside the series it is run over. */
#ifndef ZA_BINDING_PLAN_OTHERS_H
#define ZA_BINDING_PLAN_OTHERS_H

#include "binding/plan_object.h"
#include "plan/stages.h"
#include "store/store.h"

/* `others` points into the rest, which this owns. All zero: nothing. */
typedef struct za_plan_others {
    za_others others;
    za_symbol *symbols; /* of the plan's `tickers` */
    int64_t *groups;
    za_label_codes *labels;
    int32_t *codes;   /* of tickers: of all sets of labels */
    PyObject *arrays; /* of a table: the rows' codes */
} za_plan_others;

/* Tickers whose labels are looked up. */
typedef struct za_asked_tickers {
    za_store *store;
    const za_symbol *symbols;
    size_t count;
} za_asked_tickers;

/* Takes them from a store. 0, or -1 with a ValueError for labels that it has not. */
int za_others_of_store(const za_plan_object *plan, za_asked_tickers asked, za_plan_others *others);
/* The same of a table of `rows` rows and `count` groups: `groups` are the groups of the plan's tickers, `labels` arrays
 * of int32 codes. */
typedef struct za_table_others {
    PyObject *groups, *labels; /* tuples */
    Py_ssize_t rows, count;
} za_table_others;

int za_others_of_table(const za_plan_object *plan, const za_table_others *given, za_plan_others *others);
void za_others_release(za_plan_others *others);

#endif
