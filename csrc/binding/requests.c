/* The synchronous functions: the request is run while the calling thread waits with the GIL released. */
#include "binding/requests.h"

#include "base/memory.h"
#include "binding/convert.h"
#include "binding/results.h"
#include "binding/types.h"

/* A tuple of `count` floats. */
static int numbers_of(PyObject *tuple, Py_ssize_t count, const char *name, double *numbers)
{
    if (!PyTuple_Check(tuple) || PyTuple_GET_SIZE(tuple) != count) {
        PyErr_Format(PyExc_TypeError, "%s must be a tuple of %zd floats", name, count);
        return -1;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        numbers[i] = PyFloat_AsDouble(PyTuple_GET_ITEM(tuple, i));
        if (numbers[i] == -1.0 && PyErr_Occurred()) {
            return -1;
        }
    }
    return 0;
}

/* (regime, parameters, win_rates, rules) */
static int rules_of(PyObject *const *arguments, za_rules *rules)
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
    return numbers_of(arguments[1], ZA_RULE_PARAMETER_COUNT, "parameters", rules->parameter) < 0 ||
                   numbers_of(arguments[2], (Py_ssize_t)ZA_RULE_COUNT * (Py_ssize_t)ZA_REGIME_COUNT, "win_rates",
                              &rules->win_rate[0][0]) < 0
               ? -1
               : 0;
}

int za_request_arguments(za_request *request, PyObject *const *arguments, Py_ssize_t count, Py_ssize_t at)
{
    static const char *const names[] = {"features", "paper_features", "signals"};
    bool with_rules = request->kind == ZA_REQUEST_SIGNALS;
    if (za_check_count(names[request->kind], count, at + (with_rules ? 6 : 2)) < 0) {
        return -1;
    }
    return with_rules ? rules_of(arguments + at + 2, &request->rules) : 0;
}

/* Runs the request with answers from za_alloc, which are the caller's to free. -1 with an exception raised. */
static int run_request(za_request *request)
{
    request->answers = za_alloc(request->count, sizeof *request->answers);
    if (request->answers == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    za_request_init(request);
    za_error error;
    za_code code;
    Py_BEGIN_ALLOW_THREADS
    code = za_request_run(request, za_pool_shared(), &error);
    Py_END_ALLOW_THREADS
    if (code != ZA_OK) {
        (void)za_raise(&error);
        return -1;
    }
    return 0;
}

/* (store, symbol) -> the result */
static PyObject *answer_single(PyObject *module, PyObject *const *arguments, Py_ssize_t count, za_request_kind kind)
{
    za_state *state = za_state_of_module(module);
    za_symbol symbol;
    za_request request = {.kind = kind, .symbols = &symbol, .count = 1};
    za_store_object *store =
        za_request_arguments(&request, arguments, count, 0) < 0 ? NULL : za_store_argument(state, arguments[0]);
    if (store == NULL || za_asked_symbol_of(arguments[1], &symbol) < 0) {
        return NULL;
    }
    request.store = store->store;
    PyObject *result = run_request(&request) < 0 ? NULL : za_result_of(state, &request, arguments[1], request.answers);
    za_free(request.answers);
    return result;
}

/* {symbol: result} in the order of the tuple. */
static PyObject *results_of(za_state *state, const za_request *request, PyObject *tuple)
{
    PyObject *results = PyDict_New();
    for (Py_ssize_t i = 0; results != NULL && i < PyTuple_GET_SIZE(tuple); i++) {
        PyObject *ticker = PyTuple_GET_ITEM(tuple, i);
        PyObject *result = za_result_of(state, request, ticker, &request->answers[i]);
        if (result == NULL || PyDict_SetItem(results, ticker, result) < 0) {
            Py_CLEAR(results);
        }
        Py_XDECREF(result);
    }
    return results;
}

/* (store, symbols, ...) -> {symbol: result} */
static PyObject *answer_list(PyObject *module, PyObject *const *arguments, Py_ssize_t count, za_request_kind kind)
{
    za_state *state = za_state_of_module(module);
    za_request request = {.kind = kind};
    za_store_object *store =
        za_request_arguments(&request, arguments, count, 0) < 0 ? NULL : za_store_argument(state, arguments[0]);
    PyObject *tuple = store == NULL ? NULL : za_symbol_tuple(arguments[1]), *results = NULL;
    za_symbol *symbols = tuple == NULL ? NULL : za_asked_symbols_of(tuple);
    if (symbols != NULL) {
        request.store = store->store;
        request.symbols = symbols;
        request.count = (size_t)PyTuple_GET_SIZE(tuple);
        results = run_request(&request) < 0 ? NULL : results_of(state, &request, tuple);
        za_free(request.answers);
    }
    za_free(symbols);
    Py_XDECREF(tuple);
    return results;
}

PyObject *za_features(PyObject *module, PyObject *const *arguments, Py_ssize_t count)
{
    return answer_single(module, arguments, count, ZA_REQUEST_FEATURES);
}

PyObject *za_paper_features(PyObject *module, PyObject *const *arguments, Py_ssize_t count)
{
    return answer_single(module, arguments, count, ZA_REQUEST_PAPER);
}

PyObject *za_features_many(PyObject *module, PyObject *const *arguments, Py_ssize_t count)
{
    return answer_list(module, arguments, count, ZA_REQUEST_FEATURES);
}

PyObject *za_signals(PyObject *module, PyObject *const *arguments, Py_ssize_t count)
{
    return answer_list(module, arguments, count, ZA_REQUEST_SIGNALS);
}
