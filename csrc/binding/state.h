/* What the module holds: declared once, in the lists below; module.c makes the struct, its traverse and its clear of
 * them. */
#ifndef ZA_BINDING_STATE_H
#define ZA_BINDING_STATE_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

/* Types of this module, and what the Python package registers. */
#define ZA_STATE_OBJECTS(X)                                                                                            \
    X(store_type)                                                                                                      \
    X(port_type)                                                                                                       \
    X(flight_type)                                                                                                     \
    X(Features)       /* class of a market-brain result */                                                             \
    X(MarketFeatures) /* class of a paper result */                                                                    \
    X(Signal)         /* class of a signal */                                                                          \
    X(directions)     /* (short, long) as a Signal has them */                                                         \
    X(signal_types)   /* (mean reversion, momentum, combined) */                                                       \
    X(horizons)       /* of mean reversion, of momentum */                                                             \
    X(regime_names)   /* panic, risk off, chop, risk on */                                                             \
    X(to_ns)          /* function that reads the rarer timestamps */                                                   \
    X(no_arguments)   /* () */                                                                                         \
    X(feature_names)  /* tuple of interned names, in row order */                                                      \
    X(level_names)    /* ((low, normal, high), (down, sideways, up)) */

/* Interned strings. */
#define ZA_STATE_NAMES(X)                                                                                              \
    X(ticker)                                                                                                          \
    X(status)                                                                                                          \
    X(bars)                                                                                                            \
    X(as_of)                                                                                                           \
    X(stale)                                                                                                           \
    X(ok)                                                                                                              \
    X(insufficient_data)                                                                                               \
    X(required)                                                                                                        \
    X(signal) X(reason) X(no_trade_edge) X(insufficient_features) X(symbol) X(timestamp) X(price) X(open_price)        \
        X(open) X(high) X(low) X(close) X(volume) X(sma_5) X(sma_20) X(sma_50) X(rsi) X(bollinger_upper)               \
            X(bollinger_lower) X(atr) X(vol_regime) X(trend_regime) X(bid_ask_spread) X(order_flow_imbalance)          \
                X(news_sentiment) X(news_urgency) X(spy_correlation) X(sector_momentum) X(done) X(set_result)          \
                    X(set_exception) X(cancelled) X(create_future) X(call_soon) X(call_soon_threadsafe)                \
                        X(add_done_callback) X(add_reader) X(is_closed) X(drain) X(flush) X(resume) X(direction)       \
                            X(confidence) X(signal_type) X(entry_price) X(stop_loss) X(take_profit) X(time_horizon)    \
                                X(regime_context) X(features_snapshot) X(expected_return) X(risk_reward_ratio)         \
                                    X(raw_confidence) X(confidence_adjustment) X(decision_quality) X(similar_outcomes) \
                                        X(lessons_learned)

typedef struct za_state {
#define MEMBER(name) PyObject *name;
    ZA_STATE_OBJECTS(MEMBER)
#undef MEMBER
#define MEMBER(name) PyObject *str_##name;
    ZA_STATE_NAMES(MEMBER)
#undef MEMBER
} za_state;

extern struct PyModuleDef za_module;

/* The state of the module that made `type` or a base of it. */
static inline za_state *za_state_of_type(PyTypeObject *type)
{
    return PyModule_GetState(PyType_GetModuleByDef(type, &za_module));
}

static inline za_state *za_state_of_module(PyObject *module)
{
    return PyModule_GetState(module);
}

#endif
