/* The Python side of a plan, shared by plan_type.c (how it is made) and those who run it. */
#ifndef ZA_BINDING_PLAN_OBJECT_H
#define ZA_BINDING_PLAN_OBJECT_H

#include "binding/state.h"
#include "plan/plan.h"
#include "store/bars.h"

typedef struct za_plan_object {
    PyObject_HEAD
    za_plan *plan;
    PyObject *columns;  /* tuple of names */
    PyObject *names;    /* of the results; an empty tuple if they have none */
    PyObject *sources;  /* tuple that holds the plans which make further columns */
    PyObject *tickers;  /* tuple: other tickers that these read, */
    PyObject *labels;   /* and names of sets of labels */
    za_figure *figures; /* what of a store each column is; ZA_FIGURE_COUNT: no store has it */
} za_plan_object;

/* 0, or -1 with a ValueError when it reads a column that no store has. */
int za_plan_check_store(const za_plan_object *plan);

#endif
