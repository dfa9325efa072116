/* A plan: formulas as a graph of nodes, in order of evaluation, with what follows from the graph alone. It never
 * changes once it is made, so any number of threads run it at once. */
#ifndef ZA_PLAN_PLAN_H
#define ZA_PLAN_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "kernels/catalog.h"
#include "kernels/operation.h"
#include "plan/calendar.h"

typedef enum za_node_kind {
    ZA_NODE_COLUMN,    /* which: column of the table */
    ZA_NODE_CONSTANT,  /* params.value[0] */
    ZA_NODE_KERNEL,    /* which: indicator; params as in its row; whoever reads the node reads the first output */
    ZA_NODE_OUTPUT,    /* which: output of the kernel that is the only input */
    ZA_NODE_OPERATION, /* which: operation */
    ZA_NODE_LAG,       /* params.value[0] bars earlier */
    ZA_NODE_SKIP,      /* without the first params.value[0] values */
    ZA_NODE_CALENDAR,  /* which: za_calendar_field of the bar's time */
    ZA_NODE_KIND_COUNT
} za_node_kind;

/* As the caller says it. Inputs are numbers of earlier nodes. */
typedef struct za_node_spec {
    za_node_kind kind;
    int which, input_count;
    int inputs[ZA_MAX_INPUTS];
    za_params params;
} za_node_spec;

typedef struct za_plan_spec {
    const za_node_spec *nodes;
    const int *outputs; /* numbers of the nodes whose values are the results; one may stand twice */
    int node_count, output_count, column_count;
} za_plan_spec;

typedef struct za_plan za_plan;

/* A node that has no such inputs or parameters is ZA_BAD_VALUE, as is a plan that would need more than 1 GiB for one
 * tile; the plan is then NULL. */
za_plan *za_plan_new(const za_plan_spec *spec, za_error *error);
/* NULL is let pass. */
void za_plan_free(za_plan *plan);

int za_plan_output_count(const za_plan *plan);
int za_plan_column_count(const za_plan *plan);
/* Whether some node reads the bars' times. */
bool za_plan_reads_times(const za_plan *plan);

enum { ZA_ALL_BARS = -1 };

/* Bars before the output's first value, if every value of the columns is a number. */
int64_t za_plan_lookback(const za_plan *plan, int output);
/* Bars that a value of the output depends on, its own included; ZA_ALL_BARS: all of the past. */
int64_t za_plan_reach(const za_plan *plan, int output);

#endif
