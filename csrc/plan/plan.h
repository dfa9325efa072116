/* A plan: formulas as a graph of nodes, in order of evaluation, with what follows from the graph alone. It never
 * changes once it is made, so any number of threads run it at once. */
#ifndef ZA_PLAN_PLAN_H
#define ZA_PLAN_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "plan/node.h"

/* A node that has no such inputs or parameters is ZA_BAD_VALUE, as is a plan that would need more than 1 GiB for one
 * tile; the plan is then NULL. */
za_plan *za_plan_new(const za_plan_spec *spec, za_error *error);
/* NULL is let pass. */
void za_plan_free(za_plan *plan);

int za_plan_output_count(const za_plan *plan);
/* The number of columns that are the bars' own, without those that other plans make. */
int za_plan_column_count(const za_plan *plan);
/* Returns whether it reads the bars' times, or some plan that makes its columns does. */
bool za_plan_reads_times(const za_plan *plan);
/* Returns whether some node reads what the bars hold, their times included. */
bool za_plan_reads_bars(const za_plan *plan);
/* Returns whether some node's value depends on more than the bar's own values, or on how many bars are before it. */
bool za_plan_remembers(const za_plan *plan);
/* Returns whether other plans have to run before it (plan/stages.h). */
bool za_plan_has_sources(const za_plan *plan);

enum { ZA_ALL_BARS = -1 };

/* Bars before the output's first value, if every value of the columns is a number. */
int64_t za_plan_lookback(const za_plan *plan, int output);
/* Bars that a value of the output depends on, its own included; ZA_ALL_BARS: all of the past. */
int64_t za_plan_reach(const za_plan *plan, int output);

#endif
