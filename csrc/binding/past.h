/* The arguments of a history of signals. */
#ifndef ZA_BINDING_PAST_H
#define ZA_BINDING_PAST_H

#include "binding/types.h"
#include "market/signal_history.h"

/* It belongs to its query. The arguments behind the history are kept as long as it is there. */
typedef struct za_past {
    za_signal_history history;
    struct za_query *owner; /* whoever made it sets it */
    PyObject *arguments;
} za_past;

/* `rules`: a tuple of what `signals` takes, whose regime does not count. `market`: (plan, ticker, names of its
 * volatility index, level of that where it is unknown, thresholds). NULL with an exception raised. */
za_past *za_past_new(za_state *state, za_store_object *store, PyObject *rules, PyObject *market);
/* NULL is let pass. */
void za_past_free(za_past *past);

#endif
