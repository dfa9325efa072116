#ifndef ZA_BINDING_SIGNALS_H
#define ZA_BINDING_SIGNALS_H

#include "binding/state.h"
#include "market/request.h"

/* The Signal of an answer with a decision, by the rules that made it; NULL with an exception raised. */
PyObject *za_signal_object(za_state *state, PyObject *ticker, const za_answer *answer, const za_request *request);

#endif
