/* Why a decision is what it is: the figures that decided, one sentence with them, and what may be expected. */
#ifndef ZA_MARKET_EXPLAIN_H
#define ZA_MARKET_EXPLAIN_H

#include <stddef.h>

#include "market/features.h"
#include "market/rules.h"

enum { ZA_SENTENCE_TEXT = 400, ZA_MOST_QUOTED = ZA_RULE_COUNT * 8 };

/* The features by which the rules decided that fired, into `quoted`; returns how many. One may appear twice. */
int za_decision_figures(const za_decision *decision, za_feature quoted[ZA_MOST_QUOTED]);

/* One sentence with the figures that decided and the thresholds that they passed. */
void za_decision_reason(const za_decision *decision, const za_rules *rules, const double *row,
                        char text[ZA_SENTENCE_TEXT]);

/* Percent of the entry to be won, times the confidence, less percent to be lost, times what is left of it. */
double za_decision_expected_return(const za_decision *decision, double entry);
/* Possible gain over possible loss; NaN where nothing may be lost. */
double za_decision_risk_reward(const za_decision *decision, double entry);

#endif
