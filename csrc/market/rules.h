/* The signal rules over a row of market-brain features. */
#ifndef ZA_MARKET_RULES_H
#define ZA_MARKET_RULES_H

#include <stdbool.h>

#include "market/features.h"

/* The order of the win rates. */
typedef enum za_regime { ZA_PANIC, ZA_RISK_OFF, ZA_CHOP, ZA_RISK_ON, ZA_REGIME_COUNT } za_regime;

typedef enum za_rule { ZA_MEAN_REVERSION, ZA_MOMENTUM, ZA_RULE_COUNT } za_rule;

typedef enum za_rule_parameter {
#define PARAMETER(name, initial) ZA_RULE_##name,
#define READS(name)
#include "market/rules.def"
#undef READS
#undef PARAMETER
    ZA_RULE_PARAMETER_COUNT
} za_rule_parameter;

typedef struct za_rules {
    double parameter[ZA_RULE_PARAMETER_COUNT];
    double win_rate[ZA_RULE_COUNT][ZA_REGIME_COUNT];
    za_regime regime;
    unsigned allowed; /* bit 1u << za_rule for each rule to look at */
} za_rules;

typedef struct za_decision {
    int direction;     /* 1 long, -1 short, 0 no trade: then nothing else is set */
    unsigned agreeing; /* bits of the rules that fired that way */
    za_rule leading;   /* whose confidence stands */
    double confidence, stop_loss, take_profit;
} za_decision;

/* Days that a trade by each rule is meant to be held. */
extern const int za_rule_days[ZA_RULE_COUNT];

za_decision za_rules_decide(const za_rules *rules, const double *row);

#endif
