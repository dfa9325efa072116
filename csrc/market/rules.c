#include "market/rules.h"

#include <math.h>

const int za_rule_days[ZA_RULE_COUNT] = {[ZA_MEAN_REVERSION] = 3, [ZA_MOMENTUM] = 5};

static const double most_confident = 0.95, agreement_bonus = 0.1;

typedef struct za_vote {
    int direction;
    double confidence;
} za_vote;

static za_vote vote_mean_reversion(const za_rules *rules, const double *row)
{
    const double *parameter = rules->parameter;
    double rsi = row[ZA_FEATURE_rsi_14], z = row[ZA_FEATURE_z_score_20];
    double win_rate = rules->win_rate[ZA_MEAN_REVERSION][rules->regime];
    double oversold = parameter[ZA_RULE_mr_rsi_oversold];
    if (rules->regime == ZA_PANIC) {
        return (za_vote){0};
    }
    if (rsi < oversold && z < parameter[ZA_RULE_mr_z_score_long]) {
        double strength = 0.5 + 0.25 * (oversold - rsi) / oversold + 0.25 * fabs(z) / 2.0;
        return (za_vote){.direction = 1, .confidence = fmin(most_confident, win_rate * strength)};
    }
    bool may_short = rules->regime == ZA_RISK_ON || rules->regime == ZA_CHOP;
    if (may_short && rsi > parameter[ZA_RULE_mr_rsi_overbought] && z > parameter[ZA_RULE_mr_z_score_short]) {
        return (za_vote){.direction = -1, .confidence = 0.8 * win_rate};
    }
    return (za_vote){0};
}

static za_vote vote_momentum(const za_rules *rules, const double *row)
{
    double slope = row[ZA_FEATURE_slope_20d];
    bool in_season = rules->regime == ZA_RISK_ON || rules->regime == ZA_CHOP;
    bool aligned = row[ZA_FEATURE_close] > row[ZA_FEATURE_sma_20] && row[ZA_FEATURE_sma_20] > row[ZA_FEATURE_sma_50];
    if (!in_season || !aligned || row[ZA_FEATURE_new_high_20d] == 0.0 ||
        slope <= rules->parameter[ZA_RULE_mom_trend_strength]) {
        return (za_vote){0};
    }
    double win_rate = rules->win_rate[ZA_MOMENTUM][rules->regime];
    return (za_vote){.direction = 1, .confidence = win_rate * (0.7 + 0.3 * fmin(slope / 2.0, 1.0))};
}

za_decision za_rules_decide(const za_rules *rules, const double *row)
{
    static za_vote (*const votes[ZA_RULE_COUNT])(const za_rules *, const double *) = {vote_mean_reversion,
                                                                                      vote_momentum};
    za_decision decision = {0};
    za_vote vote[ZA_RULE_COUNT] = {0};
    for (int rule = 0; rule < ZA_RULE_COUNT; rule++) {
        if ((rules->allowed & 1u << rule) != 0) {
            vote[rule] = votes[rule](rules, row);
        }
        if (vote[rule].direction != 0 && (decision.direction == 0 || vote[rule].confidence > decision.confidence)) {
            decision.direction = vote[rule].direction;
            decision.confidence = vote[rule].confidence;
            decision.leading = (za_rule)rule;
        }
    }
    if (decision.direction == 0) {
        return decision;
    }
    for (int rule = 0; rule < ZA_RULE_COUNT; rule++) {
        decision.agreeing |= vote[rule].direction == decision.direction ? 1u << rule : 0u;
    }
    if ((decision.agreeing & (decision.agreeing - 1)) != 0) { /* more than one */
        decision.confidence = fmin(most_confident, decision.confidence + agreement_bonus);
    }
    double entry = row[ZA_FEATURE_close], atr = decision.direction * row[ZA_FEATURE_atr_14];
    decision.stop_loss = entry - rules->parameter[ZA_RULE_stop_loss_atr_multiple] * atr;
    decision.take_profit = entry + rules->parameter[ZA_RULE_take_profit_atr_multiple] * atr;
    return decision;
}
