/* The Python objects of answers. All need the GIL; all return a new reference, or NULL with an exception raised. */
#ifndef ZA_BINDING_RESULTS_H
#define ZA_BINDING_RESULTS_H

#include "binding/state.h"
#include "engine/request.h"

/* A Features dict, or the one that says "insufficient_data". */
PyObject *za_features_result(za_state *state, PyObject *ticker, const za_answer *answer);

/* A MarketFeatures, or None for a symbol without bars. */
PyObject *za_paper_result(za_state *state, PyObject *ticker, const za_answer *answer);

/* The value of a feature: float, bool or None, as features.def says. */
PyObject *za_feature_value(za_feature feature, double value);
/* An instance of a dataclass whose fields are all set next: its __init__ would have nothing to add. By object.__new__
 * and not by tp_alloc, which leaves the instance to make itself a dict, one more object for each collection of garbage
 * to visit. */
PyObject *za_new_instance(za_state *state, PyObject *type);
/* The same object, no longer looked at by collections of garbage: for what is made here by the ten thousand and holds
 * nothing that leads back to it. Such results would otherwise bring about full collections, which stop the loop for
 * milliseconds. What the application adds to a dict makes it tracked again; a cycle that it ties through a Signal or a
 * MarketFeatures is not collected. NULL is let pass. */
PyObject *za_untracked(PyObject *object);
/* Sets an attribute past any __setattr__ of the class; takes over the reference to `value`, which may be NULL with an
 * exception raised. 0 or -1. */
int za_set_attribute(PyObject *object, PyObject *name, PyObject *value);

/* {"ticker", "signal", "reason"}. An exception while the signal is built becomes its reason, unless it is one that ends
 * programs (no subclass of Exception). */
PyObject *za_signal_result(za_state *state, PyObject *ticker, const za_answer *answer, const za_request *request);

/* The result of a request of that kind. */
PyObject *za_result_of(za_state *state, const za_request *request, PyObject *ticker, const za_answer *answer);

#endif
