/* Nodes as the caller of a plan says them. */
#ifndef ZA_PLAN_NODE_H
#define ZA_PLAN_NODE_H

#include "kernels/catalog.h"
#include "kernels/operation.h"
#include "plan/calendar.h"
#include "plan/source.h"

typedef enum za_node_kind {
    ZA_NODE_COLUMN,    /* which: column of the bars, or behind them a derived one */
    ZA_NODE_CONSTANT,  /* params.value[0] */
    ZA_NODE_KERNEL,    /* which: indicator; params as in its row; whoever reads the node reads the first output */
    ZA_NODE_OUTPUT,    /* which: output of the kernel that is the only input */
    ZA_NODE_OPERATION, /* which: operation */
    ZA_NODE_LAG,       /* params.value[0] bars earlier */
    ZA_NODE_SKIP,      /* without the first params.value[0] values */
    ZA_NODE_CALENDAR,  /* which: za_calendar_field of the bar's time */
    ZA_NODE_KIND_COUNT
} za_node_kind;

/* A node as the caller says it. Inputs are numbers of earlier nodes. */
typedef struct za_node_spec {
    za_node_kind kind;
    int which, input_count;
    int inputs[ZA_MAX_INPUTS];
    za_params params;
} za_node_spec;

typedef struct za_plan_spec {
    const za_node_spec *nodes;
    const int *outputs; /* numbers of the nodes whose values are the results; one may appear twice */
    int node_count, output_count, column_count; /* columns of the bars alone */
    int source_count;
    const za_source *sources; /* of the columns behind those of the bars */
} za_plan_spec;

#endif
