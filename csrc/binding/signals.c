/* Signals: what a decision looks like in Python. */
#include "binding/signals.h"

#include <math.h>

#include "binding/convert.h"
#include "binding/objects.h"
#include "market/explain.h"

static PyObject *reason_of(const za_answer *answer, const za_rules *rules)
{
    char text[ZA_SENTENCE_TEXT];
    za_decision_reason(&answer->decision, rules, answer->row, text);
    return PyUnicode_FromString(text);
}

static PyObject *snapshot_of(za_state *state, const za_answer *answer)
{
    za_feature quoted[ZA_MOST_QUOTED];
    int count = za_decision_figures(&answer->decision, quoted);
    PyObject *dict = PyDict_New();
    for (int i = 0; dict != NULL && i < count; i++) {
        if (za_put(dict, PyTuple_GET_ITEM(state->feature_names, quoted[i]),
                   za_feature_value(quoted[i], answer->row[quoted[i]])) < 0) {
            Py_CLEAR(dict);
        }
    }
    return dict;
}

static PyObject *ratio_or_none(double ratio)
{
    return isnan(ratio) ? Py_NewRef(Py_None) : PyFloat_FromDouble(ratio);
}

static int set_fields(za_state *state, PyObject *signal, PyObject *ticker, const za_answer *answer,
                      const za_request *request)
{
    const za_decision *decision = &answer->decision;
    double entry = answer->row[ZA_FEATURE_close];
    PyObject *direction = PyTuple_GET_ITEM(state->directions, decision->direction > 0);
    PyObject *kind = PyTuple_GET_ITEM(state->signal_types, (Py_ssize_t)decision->agreeing - 1);
    PyObject *regime = PyTuple_GET_ITEM(state->regime_names, (Py_ssize_t)request->rules.regime);
    PyObject *horizon = PyTuple_GET_ITEM(state->horizons, (Py_ssize_t)decision->leading);
#define SET(name, value) za_set_attribute(signal, state->str_##name, value) < 0
    return SET(ticker, Py_NewRef(ticker)) || SET(direction, Py_NewRef(direction)) ||
           SET(confidence, PyFloat_FromDouble(decision->confidence)) || SET(signal_type, Py_NewRef(kind)) ||
           SET(reason, reason_of(answer, &request->rules)) || SET(entry_price, PyFloat_FromDouble(entry)) ||
           SET(stop_loss, PyFloat_FromDouble(decision->stop_loss)) ||
           SET(take_profit, PyFloat_FromDouble(decision->take_profit)) ||
           SET(timestamp, za_datetime_of(request->asked_ns, 0)) || SET(time_horizon, Py_NewRef(horizon)) ||
           SET(regime_context, Py_NewRef(regime)) || SET(features_snapshot, snapshot_of(state, answer)) ||
           SET(expected_return, PyFloat_FromDouble(za_decision_expected_return(decision, entry))) ||
           SET(risk_reward_ratio, ratio_or_none(za_decision_risk_reward(decision, entry))) ||
           SET(raw_confidence, PyFloat_FromDouble(decision->confidence)) ||
           SET(confidence_adjustment, PyFloat_FromDouble(0.0)) || SET(decision_quality, PyDict_New()) ||
           SET(similar_outcomes, PyDict_New()) || SET(lessons_learned, PyList_New(0)) ||
           SET(bar_time, za_datetime_of(answer->last.time, 0));
#undef SET
}

PyObject *za_signal_object(za_state *state, PyObject *ticker, const za_answer *answer, const za_request *request)
{
    bool registered = state->directions != NULL && state->signal_types != NULL && state->horizons != NULL &&
                      state->regime_names != NULL;
    PyObject *signal = za_new_instance(state, registered ? state->Signal : NULL);
    if (signal != NULL && set_fields(state, signal, ticker, answer, request)) {
        Py_CLEAR(signal);
    }
    return signal;
}
