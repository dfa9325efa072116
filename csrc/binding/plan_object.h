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
    za_figure *figures; /* what of a store each column is; ZA_FIGURE_COUNT: no store has it */
} za_plan_object;

<<<<<<< HEAD
=======
/* plan_tables.c: over(columns, offsets, times, zone, *, lanes=0, block=0, pieces=True) and tails(...) -> values. */
PyObject *za_plan_over(PyObject *self, PyObject *arguments, PyObject *keywords);
PyObject *za_plan_tails(PyObject *self, PyObject *arguments, PyObject *keywords);
/* The arrays as the groups of a table, each row of a matrix one. */
PyObject *za_plan_arrays_as_table(za_plan_object *self, PyObject *const *arguments, Py_ssize_t count);

/* plan_arrays.c: arrays(*columns) -> an array, or a tuple of arrays, of the columns' shape. */
PyObject *za_plan_arrays(PyObject *self, PyObject *const *arguments, Py_ssize_t count);
/* The only result of an array [result][...], or all of them in a tuple; each keeps the whole alive. */
PyObject *za_results_of(PyObject *whole);

/* query.c: latest(store, tickers, zone) and history(store, tickers, zone, first, last) -> (times, bars, values): of
 * each ticker's last bar, or of all their bars from time `first` to `last`, ticker by ticker. */
PyObject *za_plan_latest(PyObject *self, PyObject *const *arguments, Py_ssize_t count);
PyObject *za_plan_history(PyObject *self, PyObject *const *arguments, Py_ssize_t count);

/* What the caller says of a job; a negative urgency leaves that to how much there is to do. */
typedef struct za_terms {
    long urgency;
    int64_t deadline_ns; /* on za_clock_ns; 0: none */
} za_terms;

/* requests.c: of two arguments (urgency, deadline_ns); 0, or -1 with an exception raised. */
int za_terms_of(PyObject *const *arguments, za_terms *terms);
void za_terms_apply(const za_terms *terms, za_job *job);

>>>>>>> main
/* 0, or -1 with a ValueError when it reads a column that no store has. */
int za_plan_check_store(const za_plan_object *plan);

#endif
