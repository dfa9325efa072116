/* The Python side of a plan, shared by plan_type.c (how it is made) and those who run it. */
#ifndef ZA_BINDING_PLAN_OBJECT_H
#define ZA_BINDING_PLAN_OBJECT_H

#include "binding/state.h"
#include "binding/types.h"
#include "plan/plan.h"
#include "store/bars.h"

typedef struct za_plan_object {
    PyObject_HEAD
    za_plan *plan;
    PyObject *columns; /* tuple of names */
    PyObject *names;   /* of the results; an empty tuple if they have none */
    PyObject *sources; /* tuple that holds the plans which make further columns */
    PyObject *tickers; /* tuple: other tickers that these read, */
    PyObject *labels;  /* and names of sets of labels */
    PyObject *pattern; /* NULL, or the dict that results of a request begin as (results.c) */
    int *figures;      /* the za_figure that each column is; ZA_FIGURE_COUNT: it is a further column of a store */
} za_plan_object;

/* 0, or -1 with a ValueError when it reads a column that not every store has. */
int za_plan_check_figures(const za_plan_object *plan);
/* Returns the store's number of each column, from za_alloc; NULL with an exception raised, a ValueError when the store
 * has no such column. */
int *za_plan_columns_of(const za_plan_object *plan, const za_store_object *store);

#endif
