/* A plan over the tickers of a store, shared by query.c (while the caller waits) and port_queries.c (for a future). A
 * history is prepared before it is computed, since its arrays can be made only when the bars are pinned and counted; so
 * is a plan with sources, whose stages are all to see the same bars. */
#ifndef ZA_BINDING_QUERY_OBJECT_H
#define ZA_BINDING_QUERY_OBJECT_H

#include "binding/arguments.h"
#include "binding/delivery.h"
#include "binding/past.h"
#include "binding/plan_object.h"
#include "binding/plan_others.h"
#include "plan/run.h"
#include "plan/stages.h"

/* The stage under way. A latest row for each ticker has the last one alone, if the plan has no sources; only signals
 * have the second. */
typedef enum za_stage { ZA_STAGE_PIN, ZA_STAGE_BREADTH, ZA_STAGE_ROWS } za_stage;

/* `run`, `code` and `error` belong to the pool between submission and the port's take; all else is touched with the GIL
 * held only. */
typedef struct za_query {
    za_delivery delivery; /* first */
    za_run run;
    za_stages *stages; /* of a plan with sources */
    za_plan_others others;
    za_job pin;          /* of a history or of stages: the first job */
    za_pool *pool;       /* that has a job of it */
    int64_t first, last; /* times of a history's rows, both included */
    za_code code;
    za_error error;
    za_stage stage;
    za_past *past; /* of signals; NULL for formulas */
    za_terms terms;
    za_plan_object *plan;
    za_store_object *store;
    za_named asked;
    PyObject *zone, *future;
    int *columns; /* of the store, for the plan's */
    PyObject *values, *times, *bars;
} za_query;

void za_query_dealloc(PyObject *self);
/* Made of (plan, store, tickers, zone) as they come; the query owns what it needs of them. NULL with an exception
 * raised. */
za_query *za_query_new(za_state *state, PyObject *const *arguments);
/* The times of a history's rows; 0, or -1 with an exception raised. */
int za_query_take_times(za_query *query, PyObject *first, PyObject *last);
/* Takes what signals are made from beside the bars of their tickers. 0, or -1 with an exception raised. */
int za_query_take_past(za_query *query, PyObject *rules, PyObject *market);

/* Returns whether its bars are pinned before it computes. */
bool za_query_is_pinned(const za_query *query);
/* Bars and counts of rows, of one moment. Any thread. */
za_code za_query_pin(za_query *query, za_error *error);
/* The job behind it: of signals, and only if there is a symbol whose breadth it could be. */
za_job *za_query_breadth_job(za_query *query);
/* After that, or in its place. Any thread. */
za_code za_query_prepare(za_query *query, za_error *error);

/* The arrays that the run fills: a row for each ticker, or for each bar of a history. 0, or -1 with an exception. */
int za_query_make_arrays(za_query *query);
/* (times, bars, values) */
PyObject *za_query_result(const za_query *query);

#endif
