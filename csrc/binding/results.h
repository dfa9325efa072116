/* The Python objects of answers. All need the GIL; all return a new reference, or NULL with an exception raised. */
#ifndef ZA_BINDING_RESULTS_H
#define ZA_BINDING_RESULTS_H

#include "binding/plan_object.h"
#include "market/request.h"

/* A Features dict with the results of the plan, or the one that says "insufficient_data". */
PyObject *za_features_result(za_state *state, za_plan_object *plan, PyObject *ticker, const za_answer *answer);

/* A MarketFeatures, or None for a symbol without bars. */
PyObject *za_paper_result(za_state *state, PyObject *ticker, const za_answer *answer);

/* {"ticker", "signal", "reason"}. An exception while the signal is built becomes its reason, unless it is one that ends
 * programs (no subclass of Exception). */
PyObject *za_signal_result(za_state *state, PyObject *ticker, const za_answer *answer, const za_request *request);

/* The result of a request of that plan. */
PyObject *za_result_of(za_state *state, const za_request *request, za_plan_object *plan, PyObject *ticker,
                       const za_answer *answer);

#endif
