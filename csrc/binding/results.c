#include "binding/results.h"

#include "base/clock.h"
#include "binding/convert.h"
#include "binding/objects.h"
#include "binding/signals.h"

/* A dict with all keys of a result, in their order, and the values that are the same in each. */
static PyObject *new_pattern(za_state *state, PyObject *names)
{
    PyObject *dict = PyDict_New();
    int failed = dict == NULL || PyDict_SetItem(dict, state->str_ticker, Py_None) < 0 ||
                 PyDict_SetItem(dict, state->str_status, state->str_ok) < 0 ||
                 PyDict_SetItem(dict, state->str_bars, Py_None) < 0 ||
                 PyDict_SetItem(dict, state->str_as_of, Py_None) < 0 ||
                 PyDict_SetItem(dict, state->str_stale, Py_False) < 0;
    for (Py_ssize_t i = 0; !failed && i < PyTuple_GET_SIZE(names); i++) {
        failed = PyDict_SetItem(dict, PyTuple_GET_ITEM(names, i), Py_None) < 0;
    }
    if (failed) {
        Py_CLEAR(dict);
    }
    return dict;
}

/* The text of a time. The last one is kept, here and below: most tickers have their last bar at the same time. */
static PyObject *text_of_time(za_state *state, int64_t ns)
{
    if (state->as_of == NULL || state->as_of_ns != ns) {
        char text[ZA_TIME_TEXT];
        za_time_text(ns, text);
        Py_XSETREF(state->as_of, PyUnicode_FromString(text));
        state->as_of_ns = ns;
    }
    return Py_XNewRef(state->as_of);
}

/* The figures of the set; those that an application has added are a float, or None where they are NaN. All keys come at
 * once, as a copy: a dict that takes them one by one grows three times. */
static int put_features(za_state *state, PyObject *dict, za_plan_object *plan, PyObject *ticker,
                        const za_answer *answer)
{
    if (plan->pattern == NULL && (plan->pattern = new_pattern(state, plan->names)) == NULL) {
        return -1;
    }
    if (PyDict_Update(dict, plan->pattern) < 0 || PyDict_SetItem(dict, state->str_ticker, ticker) < 0 ||
        za_put(dict, state->str_bars, PyLong_FromLongLong(answer->bars)) < 0 ||
        za_put(dict, state->str_as_of, text_of_time(state, answer->last.time)) < 0) {
        return -1;
    }
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(plan->names); i++) {
        if (za_put(dict, PyTuple_GET_ITEM(plan->names, i), za_feature_value((za_feature)i, answer->row[i])) < 0) {
            return -1;
        }
    }
    return 0;
}

static int put_too_few(za_state *state, PyObject *dict, PyObject *ticker, const za_answer *answer)
{
    return PyDict_SetItem(dict, state->str_ticker, ticker) < 0 ||
                   PyDict_SetItem(dict, state->str_status, state->str_insufficient_data) < 0 ||
                   za_put(dict, state->str_bars, PyLong_FromLongLong(answer->bars)) < 0 ||
                   za_put(dict, state->str_required, PyLong_FromLong(ZA_FEATURE_BARS)) < 0
               ? -1
               : 0;
}

PyObject *za_features_result(za_state *state, za_plan_object *plan, PyObject *ticker, const za_answer *answer)
{
    PyObject *dict = za_new_features(state);
    if (dict == NULL) {
        return NULL;
    }
    int failed = answer->bars >= ZA_FEATURE_BARS ? put_features(state, dict, plan, ticker, answer)
                                                 : put_too_few(state, dict, ticker, answer);
    if (failed < 0) {
        Py_CLEAR(dict);
    }
    return za_untracked(dict);
}

/* Returns a figure of a paper row as an object, by the kinds of paper.def. */
static PyObject *number_of(za_state *state, double value)
{
    (void)state;
    return PyFloat_FromDouble(value);
}

static PyObject *volatility_of(za_state *state, double level)
{
    return Py_NewRef(PyTuple_GET_ITEM(PyTuple_GET_ITEM(state->level_names, 0), (Py_ssize_t)level));
}

static PyObject *trend_of(za_state *state, double level)
{
    return Py_NewRef(PyTuple_GET_ITEM(PyTuple_GET_ITEM(state->level_names, 1), (Py_ssize_t)level));
}

#define NUMBER     number_of
#define VOLATILITY volatility_of
#define TREND      trend_of
static int set_paper_figures(za_state *state, PyObject *object, const double *row)
{
    int failed = 0;
#define PAPER(name, kind, formula)                                                                                     \
    failed = failed || za_set_attribute(object, state->str_##name, kind(state, row[ZA_PAPER_##name])) < 0;
#include "market/paper.def"
#undef PAPER
    return failed;
}
#undef TREND
#undef VOLATILITY
#undef NUMBER

static PyObject *timestamp_of(za_state *state, const za_bar *bar)
{
    if (state->timestamp == NULL || state->timestamp_ns != bar->time || state->timestamp_naive != bar->naive) {
        Py_XSETREF(state->timestamp, za_datetime_of(bar->time, bar->naive));
        state->timestamp_ns = bar->time;
        state->timestamp_naive = bar->naive;
    }
    return Py_XNewRef(state->timestamp);
}

static int set_paper_fields(za_state *state, PyObject *object, PyObject *ticker, const za_answer *answer)
{
    const double *figure = answer->last.figure;
#define NUMBER_FIELD(name, value) za_set_attribute(object, state->str_##name, PyFloat_FromDouble(value)) < 0
    return za_set_attribute(object, state->str_symbol, Py_NewRef(ticker)) < 0 ||
           za_set_attribute(object, state->str_timestamp, timestamp_of(state, &answer->last)) < 0 ||
           NUMBER_FIELD(price, figure[ZA_FIGURE_CLOSE]) || NUMBER_FIELD(open_price, figure[ZA_FIGURE_OPEN]) ||
           NUMBER_FIELD(high, figure[ZA_FIGURE_HIGH]) || NUMBER_FIELD(low, figure[ZA_FIGURE_LOW]) ||
           NUMBER_FIELD(volume, figure[ZA_FIGURE_VOLUME]) ||
           za_set_attribute(object, state->str_news_sentiment, Py_NewRef(state->zero)) < 0 ||
           za_set_attribute(object, state->str_news_urgency, Py_NewRef(state->zero)) < 0 ||
           set_paper_figures(state, object, answer->row);
#undef NUMBER_FIELD
}

PyObject *za_paper_result(za_state *state, PyObject *ticker, const za_answer *answer)
{
    if (answer->bars == 0) {
        Py_RETURN_NONE;
    }
    PyObject *object = za_new_instance(state, state->MarketFeatures);
    if (object != NULL && set_paper_fields(state, object, ticker, answer)) {
        Py_CLEAR(object);
    }
    return object;
}

/* "error: ..." of the exception that is raised now, which is dropped; NULL if it is to go on. */
static PyObject *reason_of_exception(void)
{
    if (!PyErr_ExceptionMatches(PyExc_Exception)) {
        return NULL;
    }
    PyObject *exception = za_take_exception();
    PyObject *reason = PyUnicode_FromFormat("error: %S", exception);
    Py_DECREF(exception);
    return reason;
}

PyObject *za_signal_result(za_state *state, PyObject *ticker, const za_answer *answer, const za_request *request)
{
    PyObject *signal = Py_NewRef(Py_None), *reason = NULL, *result = NULL;
    if (answer->bars < ZA_FEATURE_BARS) {
        reason = Py_NewRef(state->str_insufficient_features);
    } else if (answer->decision.direction == 0) {
        reason = Py_NewRef(state->str_no_trade_edge);
    } else {
        Py_SETREF(signal, za_signal_object(state, ticker, answer, request));
        if (signal == NULL) {
            signal = Py_NewRef(Py_None);
            reason = reason_of_exception();
        } else {
            reason = Py_NewRef(state->str_ok);
        }
    }
    if (reason != NULL && (result = PyDict_New()) != NULL &&
        (PyDict_SetItem(result, state->str_ticker, ticker) < 0 ||
         PyDict_SetItem(result, state->str_signal, signal) < 0 ||
         PyDict_SetItem(result, state->str_reason, reason) < 0)) {
        Py_CLEAR(result);
    }
    Py_DECREF(signal);
    Py_XDECREF(reason);
    return za_untracked(result);
}

PyObject *za_result_of(za_state *state, const za_request *request, za_plan_object *plan, PyObject *ticker,
                       const za_answer *answer)
{
    switch (request->kind) {
    case ZA_REQUEST_PAPER:
        return za_paper_result(state, ticker, answer);
    case ZA_REQUEST_SIGNALS:
        return za_signal_result(state, ticker, answer, request);
    default:
        return za_features_result(state, plan, ticker, answer);
    }
}
