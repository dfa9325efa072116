/* Results as Python's objects: dicts, instances of the registered classes, their values. All need the GIL; NULL and -1
 * come with an exception raised. */
#ifndef ZA_BINDING_OBJECTS_H
#define ZA_BINDING_OBJECTS_H

#include "binding/state.h"
#include "market/features.h"

/* An empty Features. */
PyObject *za_new_features(za_state *state);
/* dict[key] = value; takes over the reference to `value`, which may be NULL with an exception raised. 0 or -1. */
int za_put(PyObject *dict, PyObject *key, PyObject *value);
/* The value of a feature: float, bool or None, as features.def says; of one behind those, float or None. */
PyObject *za_feature_value(za_feature feature, double value);
/* An instance of a dataclass whose fields are all set next: its __init__ would have nothing to add. By object.__new__
 * and not by tp_alloc, which leaves the instance to make itself a dict, one more object for each collection of garbage
 * to visit. */
PyObject *za_new_instance(za_state *state, PyObject *type);
/* The same dict, no longer looked at by collections of garbage: for what is made here by the ten thousand and holds
 * nothing that leads back to it. Such results would otherwise bring about full collections, which stop the loop for
 * milliseconds. A dict to which the application adds something that could lead back is tracked again. From CPython 3.14
 * on a dict stays as it is then, and a cycle through it would never be collected: there it is left tracked. NULL is let
 * pass. */
PyObject *za_untracked(PyObject *dict);
/* Sets an attribute past any __setattr__ of the class; takes over the reference to `value`, which may be NULL with an
 * exception raised. 0 or -1. */
int za_set_attribute(PyObject *object, PyObject *name, PyObject *value);

#endif
