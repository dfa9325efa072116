#ifndef ZA_BINDING_REQUESTS_H
#define ZA_BINDING_REQUESTS_H

#include "binding/state.h"
#include "engine/rules.h"

/* Rules from (regime, parameters, win_rates, rules) as signals() takes them; 0, or -1 with an exception raised. */
int za_rules_of(PyObject *const *arguments, za_rules *rules);

#endif
