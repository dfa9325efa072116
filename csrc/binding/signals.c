/* Signals: what a decision looks like in Python, and the sentence that explains it. */
#include "binding/signals.h"

#include <math.h>

#include "base/text.h"
#include "binding/convert.h"
#include "binding/objects.h"

enum { REASON_TEXT = 400 };

/* The features that each rule decides by, and that a signal quotes. ZA_FEATURE_COUNT ends a list. */
static const za_feature figures_quoted[ZA_RULE_COUNT][8] = {
    [ZA_MEAN_REVERSION] = {ZA_FEATURE_rsi_14, ZA_FEATURE_z_score_20, ZA_FEATURE_close, ZA_FEATURE_atr_14,
                           ZA_FEATURE_COUNT},
    [ZA_MOMENTUM] = {ZA_FEATURE_close, ZA_FEATURE_sma_20, ZA_FEATURE_sma_50, ZA_FEATURE_slope_20d,
                     ZA_FEATURE_new_high_20d, ZA_FEATURE_atr_14, ZA_FEATURE_COUNT},
};

static bool has_fired(const za_decision *decision, za_rule rule)
{
    return (decision->agreeing & 1u << rule) != 0;
}

static size_t say_mean_reversion(char *text, size_t room, const za_answer *answer, const za_rules *rules)
{
    bool is_long = answer->decision.direction > 0;
    const double *limit = rules->parameter;
    const char *side = is_long ? "below" : "above";
    return za_print(text, room, "RSI %.1f %s %g and z-score %.2f %s %g", answer->row[ZA_FEATURE_rsi_14], side,
                    limit[is_long ? ZA_RULE_mr_rsi_oversold : ZA_RULE_mr_rsi_overbought],
                    answer->row[ZA_FEATURE_z_score_20], side,
                    limit[is_long ? ZA_RULE_mr_z_score_long : ZA_RULE_mr_z_score_short]);
}

static size_t say_momentum(char *text, size_t room, const za_answer *answer, const za_rules *rules)
{
    const double *row = answer->row;
    return za_print(text, room,
                    "close %.6g is a 20-bar high above its averages of 20 (%.6g) and 50 bars (%.6g) with slope "
                    "%.2f %% a bar above %g",
                    row[ZA_FEATURE_close], row[ZA_FEATURE_sma_20], row[ZA_FEATURE_sma_50], row[ZA_FEATURE_slope_20d],
                    rules->parameter[ZA_RULE_mom_trend_strength]);
}

/* One sentence with the figures that decided and the thresholds that they passed. */
static PyObject *reason_of(const za_answer *answer, const za_rules *rules)
{
    static size_t (*const say[ZA_RULE_COUNT])(char *, size_t, const za_answer *,
                                              const za_rules *) = {say_mean_reversion, say_momentum};
    static const char *const titles[] = {[1u << ZA_MEAN_REVERSION] = "Mean reversion",
                                         [1u << ZA_MOMENTUM] = "Momentum",
                                         [1u << ZA_MEAN_REVERSION | 1u << ZA_MOMENTUM] = "Combined"};
    char text[REASON_TEXT];
    const char *before = ": ";
    size_t used = za_print(text, sizeof text, "%s", titles[answer->decision.agreeing]);
    for (int rule = 0; rule < ZA_RULE_COUNT; rule++) {
        if (has_fired(&answer->decision, (za_rule)rule)) {
            used += za_print(text + used, sizeof text - used, "%s", before);
            used += say[rule](text + used, sizeof text - used, answer, rules);
            before = ", and ";
        }
    }
    (void)za_print(text + used, sizeof text - used, ".");
    return PyUnicode_FromString(text);
}

static PyObject *snapshot_of(za_state *state, const za_answer *answer)
{
    PyObject *dict = PyDict_New();
    for (int rule = 0; dict != NULL && rule < ZA_RULE_COUNT; rule++) {
        const za_feature *feature = figures_quoted[rule];
        for (; has_fired(&answer->decision, (za_rule)rule) && *feature != ZA_FEATURE_COUNT; feature++) {
            int failed = za_put(dict, PyTuple_GET_ITEM(state->feature_names, *feature),
                                za_feature_value(*feature, answer->row[*feature]));
            if (failed < 0) {
                Py_DECREF(dict);
                return NULL;
            }
        }
    }
    return dict;
}

/* Percent of the entry to be won, times the confidence, less percent to be lost, times what is left of it. */
static double expected_return(const za_answer *answer, double risk, double reward)
{
    double confidence = answer->decision.confidence;
    return 100.0 * (confidence * reward - (1.0 - confidence) * risk) / answer->row[ZA_FEATURE_close];
}

static int set_fields(za_state *state, PyObject *signal, PyObject *ticker, const za_answer *answer,
                      const za_request *request)
{
    const za_decision *decision = &answer->decision;
    double entry = answer->row[ZA_FEATURE_close];
    double risk = fabs(entry - decision->stop_loss), reward = fabs(decision->take_profit - entry);
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
           SET(expected_return, PyFloat_FromDouble(expected_return(answer, risk, reward))) ||
           SET(risk_reward_ratio, risk > 0.0 ? PyFloat_FromDouble(reward / risk) : Py_NewRef(Py_None)) ||
           SET(raw_confidence, PyFloat_FromDouble(decision->confidence)) ||
           SET(confidence_adjustment, PyFloat_FromDouble(0.0)) || SET(decision_quality, PyDict_New()) ||
           SET(similar_outcomes, PyDict_New()) || SET(lessons_learned, za_untracked(PyList_New(0))) ||
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
    return za_untracked(signal);
}
