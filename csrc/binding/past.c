#include "binding/past.h"

#include "base/memory.h"
#include "binding/arguments.h"
#include "binding/convert.h"
#include "binding/plan_object.h"
#include "binding/requests.h"

static int take_plan(za_state *state, PyObject *object, za_signal_history *history)
{
    if (!PyObject_TypeCheck(object, (PyTypeObject *)state->plan_type)) {
        PyErr_SetString(PyExc_TypeError, "the market's plan must be a Plan");
        return -1;
    }
    const za_plan_object *plan = (const za_plan_object *)object;
    if (za_plan_output_count(plan->plan) != ZA_MARKET_WIDTH) {
        PyErr_Format(PyExc_ValueError, "the market's plan must make %d figures", ZA_MARKET_WIDTH);
        return -1;
    }
    history->market_plan = plan->plan;
    history->market_figures = plan->figures;
    return za_plan_check_figures(plan);
}

static int take_volatility(PyObject *names, za_signal_history *history)
{
    Py_ssize_t count = PyTuple_GET_SIZE(names);
    if (count > ZA_VOLATILITY_NAMES) {
        PyErr_Format(PyExc_ValueError, "a volatility index has at most %d names", ZA_VOLATILITY_NAMES);
        return -1;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        if (za_asked_symbol_of(PyTuple_GET_ITEM(names, i), &history->volatility[i]) < 0) {
            return -1;
        }
    }
    return 0;
}

static int take_market(za_state *state, PyObject *market, za_signal_history *history)
{
    PyObject *plan, *ticker, *volatility, *thresholds;
    if (!PyArg_ParseTuple(market, "OUO!dO:market", &plan, &ticker, &PyTuple_Type, &volatility,
                          &history->assumed_volatility, &thresholds)) {
        return -1;
    }
    return take_plan(state, plan, history) < 0 || za_asked_symbol_of(ticker, &history->market) < 0 ||
                   take_volatility(volatility, history) < 0 ||
                   za_doubles_of(thresholds, ZA_THRESHOLD_COUNT, "thresholds", history->thresholds) < 0
               ? -1
               : 0;
}

za_past *za_past_new(za_state *state, za_store_object *store, PyObject *rules, PyObject *market)
{
    if (!PyTuple_Check(rules) || PyTuple_GET_SIZE(rules) != ZA_RULE_ARGUMENTS || !PyTuple_Check(market)) {
        PyErr_Format(PyExc_TypeError, "rules must be a tuple of %d, and market a tuple", ZA_RULE_ARGUMENTS);
        return NULL;
    }
    za_past *past = za_alloc_zeroed(1, sizeof *past);
    if (past == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    past->history.store = store->store;
    past->arguments = PyTuple_Pack(2, rules, market);
    if (past->arguments == NULL || za_rules_of(&PyTuple_GET_ITEM(rules, 0), &past->history.rules) < 0 ||
        take_market(state, market, &past->history) < 0) {
        za_past_free(past);
        return NULL;
    }
    return past;
}

void za_past_free(za_past *past)
{
    if (past != NULL) {
        za_signal_history_release(&past->history);
        Py_XDECREF(past->arguments);
        za_free(past);
    }
}
