#ifndef ZA_BINDING_REQUESTS_H
#define ZA_BINDING_REQUESTS_H

#include "binding/state.h"
#include "market/request.h"

/* What a call asks for by request->kind: (store, symbols) from arguments[at] on, which are left to the caller, and for
 * signals (regime, parameters, win_rates, rules), which become request->rules. 0, or -1 with an exception raised. */
int za_request_arguments(za_request *request, PyObject *const *arguments, Py_ssize_t count, Py_ssize_t at);

#endif
