/* The inside of a plan, for the files of this layer. */
#ifndef ZA_PLAN_GRAPH_H
#define ZA_PLAN_GRAPH_H

#include <stdbool.h>
#include <stdint.h>

#include "plan/node.h"

/* Longer than any table: the node needs all the bars since its first. */
#define ZA_FOR_EVER INT64_MAX

enum { ZA_NO_BUFFER = -1 };

/* Vectors behind a kernel's state: the last bar that was not finite, and the last finite value of each input. */
enum { ZA_HOLE_VECTORS = 1 + ZA_MAX_INPUTS };

typedef struct za_node {
    za_node_spec spec;
    int64_t first;   /* bars before its first value, if every value of the columns is a number */
    int64_t entry;   /* the first bar that enters it: where its inputs all have values */
    int64_t memory;  /* bars that have to enter before a value is right; ZA_FOR_EVER for what remembers all */
    int64_t depth;   /* bars of the columns that a value depends on, its own not counted; ZA_FOR_EVER */
    int64_t reach;   /* the same in bars of the ticker, where a column is made by another plan */
    int64_t warm;    /* bars after which its state is that of the whole past, most likely; ZA_FOR_EVER: never */
    int64_t back;    /* bars before the oldest one asked for at which its value is read; ZA_FOR_EVER: from the first */
    int64_t lag;     /* of a kernel of two bars: how far apart they are; else 0 */
    bool beside;     /* a kernel of which no bar waits for another */
    bool total;      /* a kernel of the running total of what each bar gives by itself */
    int64_t vectors; /* of its state, nothing but vectors; the same for any number of lanes */
    bool clean;      /* from its first value on a number whenever the columns hold finite numbers only */
    bool windowed;   /* a kernel that forgets: a value that is not finite counts until it has left */
    bool read;       /* some result depends on it */
    bool rows;       /* a result, or read by what is no operation: a constant has no rows for operations alone */
    unsigned wanted; /* bit k: somebody reads its k-th output */
    int buffer[ZA_MAX_OUTPUTS]; /* where a block of each wanted output lives; ZA_NO_BUFFER */
    int emits, emit_count;      /* the results that it makes: from plan->emits[emits] on */
} za_node;

/* A result, and the output of its node that it is. */
typedef struct za_emit {
    int result, output;
} za_emit;

struct za_plan {
    za_node *nodes;
    int *outputs;
    za_emit *emits;     /* of the nodes in their order */
    za_source *sources; /* of the columns from column_count on */
    int node_count, output_count, column_count, source_count;
    const za_node *direct; /* the kernel that alone reads the columns, and makes all results, each once; NULL: none */
    int buffer_count, constant_count; /* buffers are reused, those of constants are not */
    bool reads_times;
    bool joins;     /* a value depends on the bars of its lookback alone, and is missing while these are not complete */
    bool remembers; /* a value depends on other bars than its own, or on how many are before it */
    bool beside;    /* bars of one series may be computed side by side as they lie: nothing remembers more than a lag */
    bool along;     /* so they may but for what goes along: a number a lane */
    int64_t depth, warm, entry; /* the longest of its nodes */
    int64_t vectors;            /* of the states of all that are read */
    int64_t weight;             /* what a bar of all that are read costs, about, in operations */
    int64_t period; /* the least common multiple of the sizes by which states cut their bars; 0: above 2^20 */
};

/* Returns the source of a column, NULL for the bars. */
static inline const za_source *za_plan_source(const za_plan *plan, int column)
{
    return column < plan->column_count ? NULL : &plan->sources[column - plan->column_count];
}

/* The node that computes what `node` reads, and which of its outputs. */
static inline const za_node *za_node_source(const za_plan *plan, int node, int *output)
{
    const za_node *at = &plan->nodes[node];
    *output = 0;
    if (at->spec.kind == ZA_NODE_OUTPUT) {
        *output = at->spec.which;
        at = &plan->nodes[at->spec.inputs[0]];
    }
    return at;
}

#endif
