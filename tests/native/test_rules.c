/* The signal rules over hand-made rows: each rule in each regime, at its bounds, together and against each other. */
#include <string.h>

#include "check.h"
#include "market/rules.h"

enum { MEAN_REVERSION = 1u << ZA_MEAN_REVERSION, MOMENTUM = 1u << ZA_MOMENTUM, BOTH = MEAN_REVERSION | MOMENTUM };

static za_rules rules_of(za_regime regime, unsigned allowed)
{
    static const double initial[] = {
#define PARAMETER(name, value) value,
#define READS(name)
#include "market/rules.def"
#undef READS
#undef PARAMETER
    };
    za_rules rules = {
        .win_rate = {[ZA_MEAN_REVERSION] = {[ZA_CHOP] = .65, [ZA_RISK_ON] = .60, [ZA_RISK_OFF] = .55, [ZA_PANIC] = .45},
                     [ZA_MOMENTUM] = {[ZA_RISK_ON] = .70, [ZA_CHOP] = .55, [ZA_RISK_OFF] = .45, [ZA_PANIC] = .30}},
        .regime = regime,
        .allowed = allowed};
    memcpy(rules.parameter, initial, sizeof initial);
    return rules;
}

typedef struct row {
    double value[ZA_FEATURE_COUNT];
} row;

/* A ticker that no rule wants. */
static row quiet_row(void)
{
    row r = {{0}};
    r.value[ZA_FEATURE_close] = r.value[ZA_FEATURE_sma_20] = r.value[ZA_FEATURE_sma_50] = 100;
    r.value[ZA_FEATURE_rsi_14] = 50;
    r.value[ZA_FEATURE_atr_14] = 2;
    return r;
}

static row oversold_row(void)
{
    row r = quiet_row();
    r.value[ZA_FEATURE_rsi_14] = 24;
    r.value[ZA_FEATURE_z_score_20] = -2;
    return r;
}

static row overbought_row(void)
{
    row r = quiet_row();
    r.value[ZA_FEATURE_rsi_14] = 76;
    r.value[ZA_FEATURE_z_score_20] = 2;
    return r;
}

static row breakout_row(void)
{
    row r = quiet_row();
    r.value[ZA_FEATURE_close] = 110;
    r.value[ZA_FEATURE_sma_20] = 105;
    r.value[ZA_FEATURE_slope_20d] = 1;
    r.value[ZA_FEATURE_new_high_20d] = 1;
    return r;
}

static za_decision decide(za_regime regime, unsigned allowed, row r)
{
    za_rules rules = rules_of(regime, allowed);
    return za_rules_decide(&rules, r.value);
}

static void check_decision(za_decision got, int direction, unsigned agreeing, za_rule leading, double confidence)
{
    CHECK(got.direction == direction);
    if (direction == 0) {
        CHECK(got.agreeing == 0 && got.confidence == 0 && got.stop_loss == 0 && got.take_profit == 0);
    } else {
        CHECK(got.agreeing == agreeing && got.leading == leading);
        CHECK_NEAR(got.confidence, confidence, 1e-14);
    }
}

static void check_levels(za_decision got, double stop_loss, double take_profit)
{
    CHECK_NEAR(got.stop_loss, stop_loss, 1e-14);
    CHECK_NEAR(got.take_profit, take_profit, 1e-14);
}

static void test_nothing_fires(void)
{
    for (int regime = 0; regime < ZA_REGIME_COUNT; regime++) {
        check_decision(decide((za_regime)regime, BOTH, quiet_row()), 0, 0, 0, 0);
        check_decision(decide((za_regime)regime, 0, oversold_row()), 0, 0, 0, 0);
        check_decision(decide((za_regime)regime, MOMENTUM, oversold_row()), 0, 0, 0, 0);
        check_decision(decide((za_regime)regime, MEAN_REVERSION, breakout_row()), 0, 0, 0, 0);
    }
}

static void test_oversold(void)
{
    const double strength = 0.5 + 0.25 * 6 / 30 + 0.25 * 2 / 2;
    check_decision(decide(ZA_PANIC, BOTH, oversold_row()), 0, 0, 0, 0);
    check_decision(decide(ZA_RISK_OFF, BOTH, oversold_row()), 1, MEAN_REVERSION, ZA_MEAN_REVERSION, .55 * strength);
    check_decision(decide(ZA_CHOP, BOTH, oversold_row()), 1, MEAN_REVERSION, ZA_MEAN_REVERSION, .65 * strength);
    check_decision(decide(ZA_RISK_ON, BOTH, oversold_row()), 1, MEAN_REVERSION, ZA_MEAN_REVERSION, .60 * strength);
    check_levels(decide(ZA_CHOP, BOTH, oversold_row()), 96, 106);
    row extreme = oversold_row();
    extreme.value[ZA_FEATURE_z_score_20] = -40;
    check_decision(decide(ZA_CHOP, BOTH, extreme), 1, MEAN_REVERSION, ZA_MEAN_REVERSION, .95);
    row at_bound = oversold_row();
    at_bound.value[ZA_FEATURE_rsi_14] = 30;
    check_decision(decide(ZA_CHOP, BOTH, at_bound), 0, 0, 0, 0);
    at_bound = oversold_row();
    at_bound.value[ZA_FEATURE_z_score_20] = -1.5;
    check_decision(decide(ZA_CHOP, BOTH, at_bound), 0, 0, 0, 0);
}

static void test_overbought(void)
{
    check_decision(decide(ZA_PANIC, BOTH, overbought_row()), 0, 0, 0, 0);
    check_decision(decide(ZA_RISK_OFF, BOTH, overbought_row()), 0, 0, 0, 0);
    check_decision(decide(ZA_CHOP, BOTH, overbought_row()), -1, MEAN_REVERSION, ZA_MEAN_REVERSION, .8 * .65);
    check_decision(decide(ZA_RISK_ON, BOTH, overbought_row()), -1, MEAN_REVERSION, ZA_MEAN_REVERSION, .8 * .60);
    check_levels(decide(ZA_CHOP, BOTH, overbought_row()), 104, 94);
    row at_bound = overbought_row();
    at_bound.value[ZA_FEATURE_rsi_14] = 70;
    check_decision(decide(ZA_CHOP, BOTH, at_bound), 0, 0, 0, 0);
    at_bound = overbought_row();
    at_bound.value[ZA_FEATURE_z_score_20] = 1.5;
    check_decision(decide(ZA_CHOP, BOTH, at_bound), 0, 0, 0, 0);
}

static void check_no_breakout(za_feature feature, double value)
{
    row r = breakout_row();
    r.value[feature] = value;
    check_decision(decide(ZA_RISK_ON, BOTH, r), 0, 0, 0, 0);
}

static void test_breakout(void)
{
    check_decision(decide(ZA_PANIC, BOTH, breakout_row()), 0, 0, 0, 0);
    check_decision(decide(ZA_RISK_OFF, BOTH, breakout_row()), 0, 0, 0, 0);
    check_decision(decide(ZA_CHOP, BOTH, breakout_row()), 1, MOMENTUM, ZA_MOMENTUM, .55 * (.7 + .3 * .5));
    check_decision(decide(ZA_RISK_ON, BOTH, breakout_row()), 1, MOMENTUM, ZA_MOMENTUM, .70 * (.7 + .3 * .5));
    check_levels(decide(ZA_CHOP, BOTH, breakout_row()), 106, 116);
    row steep = breakout_row();
    steep.value[ZA_FEATURE_slope_20d] = 30;
    check_decision(decide(ZA_RISK_ON, BOTH, steep), 1, MOMENTUM, ZA_MOMENTUM, .70);
    check_no_breakout(ZA_FEATURE_new_high_20d, 0);
    check_no_breakout(ZA_FEATURE_close, 105);
    check_no_breakout(ZA_FEATURE_sma_20, 100);
    check_no_breakout(ZA_FEATURE_slope_20d, 0.5);
}

/* A row on which both fire: the breakout, with the oscillators of another. */
static row breakout_and(row other)
{
    row r = breakout_row();
    r.value[ZA_FEATURE_rsi_14] = other.value[ZA_FEATURE_rsi_14];
    r.value[ZA_FEATURE_z_score_20] = other.value[ZA_FEATURE_z_score_20];
    return r;
}

static void test_both_agree(void)
{
    row r = breakout_and(oversold_row());
    check_decision(decide(ZA_RISK_ON, BOTH, r), 1, BOTH, ZA_MOMENTUM, .70 * .85 + .1); /* 0.595 against 0.48 */
    check_decision(decide(ZA_CHOP, BOTH, r), 1, BOTH, ZA_MEAN_REVERSION, .65 * .8 + .1);
    r.value[ZA_FEATURE_z_score_20] = -40;
    check_decision(decide(ZA_CHOP, BOTH, r), 1, BOTH, ZA_MEAN_REVERSION, .95);
}

static void test_both_disagree(void)
{
    row r = breakout_and(overbought_row());
    za_decision got = decide(ZA_RISK_ON, BOTH, r); /* short 0.48 against long 0.595 */
    check_decision(got, 1, MOMENTUM, ZA_MOMENTUM, .70 * .85);
    check_levels(got, 106, 116);
    got = decide(ZA_CHOP, BOTH, r); /* short 0.52 against long 0.4675 */
    check_decision(got, -1, MEAN_REVERSION, ZA_MEAN_REVERSION, .8 * .65);
    check_levels(got, 114, 104);
}

/* Of two that are equally confident the first rule stands. */
static void test_tie(void)
{
    za_rules rules = rules_of(ZA_CHOP, BOTH);
    row r = breakout_and(overbought_row());
    r.value[ZA_FEATURE_slope_20d] = 2;
    rules.win_rate[ZA_MEAN_REVERSION][ZA_CHOP] = 0.5;
    rules.win_rate[ZA_MOMENTUM][ZA_CHOP] = 0.8 * 0.5;
    check_decision(za_rules_decide(&rules, r.value), -1, MEAN_REVERSION, ZA_MEAN_REVERSION, 0.4);
}

static void test_parameters(void)
{
    za_rules rules = rules_of(ZA_CHOP, BOTH);
    rules.parameter[ZA_RULE_mr_rsi_oversold] = 60;
    rules.parameter[ZA_RULE_mr_z_score_long] = 1;
    rules.parameter[ZA_RULE_stop_loss_atr_multiple] = 5;
    rules.parameter[ZA_RULE_take_profit_atr_multiple] = 0.5;
    za_decision got = za_rules_decide(&rules, quiet_row().value);
    check_decision(got, 1, MEAN_REVERSION, ZA_MEAN_REVERSION, .65 * (.5 + .25 * 10 / 60));
    check_levels(got, 90, 101);
    rules.parameter[ZA_RULE_mom_trend_strength] = 3;
    check_decision(za_rules_decide(&rules, overbought_row().value), -1, MEAN_REVERSION, ZA_MEAN_REVERSION, .52);
    rules.allowed = MOMENTUM;
    check_decision(za_rules_decide(&rules, breakout_row().value), 0, 0, 0, 0);
}

int main(void)
{
    test_nothing_fires();
    test_oversold();
    test_overbought();
    test_breakout();
    test_both_agree();
    test_both_disagree();
    test_tie();
    test_parameters();
    return check_report("rules");
}
