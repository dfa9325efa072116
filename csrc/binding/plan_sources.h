/* The sources of a plan's columns that other plans make, as Python says them. */
#ifndef ZA_BINDING_PLAN_SOURCES_H
#define ZA_BINDING_PLAN_SOURCES_H

#include "binding/state.h"
#include "plan/source.h"

/* One for each item of a tuple, from za_alloc; they borrow the plans from it. NULL with an exception raised. */
za_source *za_sources_of(za_state *state, PyObject *tuple);

#endif
