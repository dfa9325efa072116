#ifndef ZA_BINDING_REQUESTS_H
#define ZA_BINDING_REQUESTS_H

#include "binding/arguments.h"
#include "binding/plan_object.h"
#include "binding/tally.h"
#include "binding/types.h"
#include "market/request.h"

/* The arguments of a call; all of them are the caller's. */
typedef struct za_asked {
    za_request_kind kind;
    bool single; /* `symbols` is a str, and its own result is wanted */
    za_store_object *store;
    za_plan_object *plan;
    PyObject *symbols;
    za_symbol symbol; /* of a single one */
    za_tally *tally;  /* where a single request is counted; NULL for nowhere */
    za_terms terms;
    za_rules rules; /* of signals */
} za_asked;

/* Reads (store, plan, symbol or symbols) by what asked->kind and asked->single say; behind them come (regime,
 * parameters, win_rates, rules) of signals; then, if there are more arguments, the tally of a single request, and
 * terms. 0, or -1 with an exception raised. */
int za_request_arguments(za_state *state, PyObject *const *arguments, Py_ssize_t count, za_asked *asked);
enum { ZA_RULE_ARGUMENTS = 4 };
/* Reads (regime, parameters, win_rates, rules). 0, or -1 with an exception raised. */
int za_rules_of(PyObject *const *arguments, za_rules *rules);
/* The request is about these. */
void za_request_tickers(za_request *request, const za_asked *asked, const za_symbol *symbols, size_t count);

/* Functions of the module. */
PyObject *za_features(PyObject *module, PyObject *const *arguments, Py_ssize_t count);
PyObject *za_features_many(PyObject *module, PyObject *const *arguments, Py_ssize_t count);
PyObject *za_paper_features(PyObject *module, PyObject *const *arguments, Py_ssize_t count);
PyObject *za_signals(PyObject *module, PyObject *const *arguments, Py_ssize_t count);

#endif
