/* Nodes by the names that texts of plans and Python give them. */
#ifndef ZA_PLAN_NODE_NAMES_H
#define ZA_PLAN_NODE_NAMES_H

#include "plan/node.h"

/* ZA_NODE_KIND_COUNT if no kind has that name. */
za_node_kind za_node_kind_find(const char *name);

/* The number of a node among its kind: the indicator, operation or calendar field of that name, or the column or output
 * that params.value[0] counts. A name that does not exist gives a number that does not; a kind of which there is one
 * gives 0. */
int za_node_which(za_node_kind kind, const char *name, const za_params *params);

#endif
