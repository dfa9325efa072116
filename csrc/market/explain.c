#include "market/explain.h"

#include <math.h>

#include "base/text.h"

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

/* A row that a rule explains. */
typedef struct za_case {
    const za_decision *decision;
    const za_rules *rules;
    const double *row;
} za_case;

static size_t say_mean_reversion(char *text, size_t room, const za_case *made)
{
    bool is_long = made->decision->direction > 0;
    const double *limit = made->rules->parameter, *row = made->row;
    const char *side = is_long ? "below" : "above";
    return za_print(text, room, "RSI %.1f %s %g and z-score %.2f %s %g", row[ZA_FEATURE_rsi_14], side,
                    limit[is_long ? ZA_RULE_mr_rsi_oversold : ZA_RULE_mr_rsi_overbought], row[ZA_FEATURE_z_score_20],
                    side, limit[is_long ? ZA_RULE_mr_z_score_long : ZA_RULE_mr_z_score_short]);
}

static size_t say_momentum(char *text, size_t room, const za_case *made)
{
    const double *row = made->row;
    return za_print(text, room,
                    "close %.6g is a 20-bar high above its averages of 20 (%.6g) and 50 bars (%.6g) with slope "
                    "%.2f %% a bar above %g",
                    row[ZA_FEATURE_close], row[ZA_FEATURE_sma_20], row[ZA_FEATURE_sma_50], row[ZA_FEATURE_slope_20d],
                    made->rules->parameter[ZA_RULE_mom_trend_strength]);
}

void za_decision_reason(const za_decision *decision, const za_rules *rules, const double *row,
                        char text[ZA_SENTENCE_TEXT])
{
    static size_t (*const say[ZA_RULE_COUNT])(char *, size_t, const za_case *) = {say_mean_reversion, say_momentum};
    static const char *const titles[] = {[1u << ZA_MEAN_REVERSION] = "Mean reversion",
                                         [1u << ZA_MOMENTUM] = "Momentum",
                                         [1u << ZA_MEAN_REVERSION | 1u << ZA_MOMENTUM] = "Combined"};
    const za_case made = {decision, rules, row};
    const char *before = ": ";
    size_t used = za_print(text, ZA_SENTENCE_TEXT, "%s", titles[decision->agreeing]);
    for (int rule = 0; rule < ZA_RULE_COUNT; rule++) {
        if (has_fired(decision, (za_rule)rule)) {
            used += za_print(text + used, ZA_SENTENCE_TEXT - used, "%s", before);
            used += say[rule](text + used, ZA_SENTENCE_TEXT - used, &made);
            before = ", and ";
        }
    }
    (void)za_print(text + used, ZA_SENTENCE_TEXT - used, ".");
}

int za_decision_figures(const za_decision *decision, za_feature quoted[ZA_MOST_QUOTED])
{
    int count = 0;
    for (int rule = 0; rule < ZA_RULE_COUNT; rule++) {
        const za_feature *feature = figures_quoted[rule];
        for (; has_fired(decision, (za_rule)rule) && *feature != ZA_FEATURE_COUNT; feature++) {
            quoted[count++] = *feature;
        }
    }
    return count;
}

static double reward_of(const za_decision *decision, double entry)
{
    return fabs(decision->take_profit - entry);
}

static double risk_of(const za_decision *decision, double entry)
{
    return fabs(entry - decision->stop_loss);
}

double za_decision_expected_return(const za_decision *decision, double entry)
{
    double confidence = decision->confidence;
    return 100.0 * (confidence * reward_of(decision, entry) - (1.0 - confidence) * risk_of(decision, entry)) / entry;
}

double za_decision_risk_reward(const za_decision *decision, double entry)
{
    double risk = risk_of(decision, entry);
    return risk > 0.0 ? reward_of(decision, entry) / risk : NAN;
}
