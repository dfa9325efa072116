/* The synchronous functions: the request is run while the calling thread waits with the GIL released. */
#include "binding/requests.h"

#include "binding/arguments.h"

#include "base/clock.h"
#include "base/memory.h"
#include "binding/convert.h"
#include "binding/results.h"
#include "binding/types.h"
#include "binding/waiting.h"
#include "pool/shared_pool.h"

int za_rules_of(PyObject *const *arguments, za_rules *rules)
{
    long regime = PyLong_AsLong(arguments[0]), allowed = PyLong_AsLong(arguments[3]);
    if (PyErr_Occurred()) {
        return -1;
    }
    if (regime < 0 || regime >= ZA_REGIME_COUNT) {
        PyErr_Format(PyExc_ValueError, "regime must be from 0 to %d, not %ld", ZA_REGIME_COUNT - 1, regime);
        return -1;
    }
    rules->regime = (za_regime)regime;
    rules->allowed = (unsigned)allowed;
    return za_doubles_of(arguments[1], ZA_RULE_PARAMETER_COUNT, "parameters", rules->parameter) < 0 ||
                   za_doubles_of(arguments[2], (Py_ssize_t)ZA_RULE_COUNT * (Py_ssize_t)ZA_REGIME_COUNT, "win_rates",
                                 &rules->win_rate[0][0]) < 0
               ? -1
               : 0;
}

/* A plan that makes what such requests read. */
static int take_plan(za_state *state, PyObject *object, za_asked *asked)
{
    if (!PyObject_TypeCheck(object, (PyTypeObject *)state->plan_type)) {
        PyErr_SetString(PyExc_TypeError, "plan must be a Plan");
        return -1;
    }
    asked->plan = (za_plan_object *)object;
    if (za_plan_has_sources(asked->plan->plan)) {
        PyErr_SetString(PyExc_ValueError, "the figures of a set read the bars of one ticker, as they are");
        return -1;
    }
    int width = za_request_width(asked->kind);
    if (za_plan_output_count(asked->plan->plan) < width || PyTuple_GET_SIZE(asked->plan->names) < width) {
        PyErr_Format(PyExc_ValueError, "the plan must make the %d figures of the set, with their names", width);
        return -1;
    }
    return za_plan_check_figures(asked->plan);
}

int za_request_arguments(za_state *state, PyObject *const *arguments, Py_ssize_t count, za_asked *asked)
{
    static const char *const names[] = {"features", "paper_features", "signals"};
    bool with_rules = asked->kind == ZA_REQUEST_SIGNALS;
    Py_ssize_t needed = with_rules ? 7 : 3, with_tally = needed + asked->single, all = with_tally + 1;
    if (count != with_tally && count != all && za_check_count(names[asked->kind], count, needed) < 0) {
        return -1;
    }
    asked->terms = (za_terms){.urgency = -1};
    asked->store = za_store_argument(state, arguments[0]);
    asked->symbols = arguments[2];
    if (asked->store == NULL || take_plan(state, arguments[1], asked) < 0 ||
        (asked->single && za_asked_symbol_of(asked->symbols, &asked->symbol) < 0) ||
        (asked->single && count > needed && za_tally_argument(state, arguments[needed], &asked->tally) < 0) ||
        (count == all && za_terms_of(arguments[with_tally], &asked->terms) < 0)) {
        return -1;
    }
    return with_rules ? za_rules_of(arguments + 3, &asked->rules) : 0;
}

void za_request_tickers(za_request *request, const za_asked *asked, const za_symbol *symbols, size_t count)
{
    request->run.plan = asked->plan->plan;
    request->run.count = count;
    request->run.tickers =
        (za_tickers){.store = asked->store->store, .symbols = symbols, .columns = asked->plan->figures};
}

/* Runs the request while the calling thread waits without the GIL. -1 with an exception raised. */
static int run_request(za_request *request)
{
    za_error error;
    za_code code = za_request_init(request, &error);
    if (code == ZA_OK) {
        za_waiting waiting;
        za_waiting_begin(&waiting, &request->run, NULL);
        code = za_request_wait(request, za_pool_shared(), &error);
        if (za_waiting_end(&waiting) < 0) {
            return -1;
        }
    }
    if (code != ZA_OK) {
        (void)za_raise(&error);
        return -1;
    }
    return 0;
}

/* {symbol: result} in the order of the tuple. */
static PyObject *results_of(za_state *state, const za_asked *asked, const za_request *request, PyObject *tuple)
{
    PyObject *results = PyDict_New();
    for (Py_ssize_t i = 0; results != NULL && i < PyTuple_GET_SIZE(tuple); i++) {
        PyObject *ticker = PyTuple_GET_ITEM(tuple, i);
        PyObject *result = za_result_of(state, request, asked->plan, ticker, &request->answers[i]);
        if (result == NULL || PyDict_SetItem(results, ticker, result) < 0) {
            Py_CLEAR(results);
        }
        Py_XDECREF(result);
    }
    return results;
}

/* (store, plan, symbols, ...) -> {symbol: result}; of a single symbol its result. */
static PyObject *answer(PyObject *module, PyObject *const *arguments, Py_ssize_t count, za_asked asked)
{
    za_state *state = za_state_of_module(module);
    if (za_request_arguments(state, arguments, count, &asked) < 0) {
        return NULL;
    }
    PyObject *tuple = asked.single ? PyTuple_Pack(1, asked.symbols) : za_symbol_tuple(asked.symbols);
    za_symbol *symbols = tuple == NULL ? NULL : za_asked_symbols_of(tuple);
    PyObject *result = NULL;
    if (symbols != NULL) {
        za_request request = {.kind = asked.kind, .rules = asked.rules};
        za_request_tickers(&request, &asked, symbols, (size_t)PyTuple_GET_SIZE(tuple));
        if (run_request(&request) == 0) {
            result = asked.single ? za_result_of(state, &request, asked.plan, asked.symbols, request.answers)
                                  : results_of(state, &asked, &request, tuple);
        }
        za_request_release(&request);
    }
    za_free(symbols);
    Py_XDECREF(tuple);
    return result;
}

PyObject *za_features(PyObject *module, PyObject *const *arguments, Py_ssize_t count)
{
    return answer(module, arguments, count, (za_asked){.kind = ZA_REQUEST_FEATURES, .single = true});
}

PyObject *za_paper_features(PyObject *module, PyObject *const *arguments, Py_ssize_t count)
{
    return answer(module, arguments, count, (za_asked){.kind = ZA_REQUEST_PAPER, .single = true});
}

PyObject *za_features_many(PyObject *module, PyObject *const *arguments, Py_ssize_t count)
{
    return answer(module, arguments, count, (za_asked){.kind = ZA_REQUEST_FEATURES});
}

PyObject *za_signals(PyObject *module, PyObject *const *arguments, Py_ssize_t count)
{
    return answer(module, arguments, count, (za_asked){.kind = ZA_REQUEST_SIGNALS});
}
