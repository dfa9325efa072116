#include "binding/objects.h"

#include <math.h>

typedef enum za_feature_kind { NUMBER, FLAG, MAYBE } za_feature_kind;

static const za_feature_kind feature_kinds[ZA_FEATURE_COUNT] = {
#define FEATURE(name, kind, formula) kind,
#include "market/features.def"
#undef FEATURE
};

static int check_registered(PyObject *object, const char *what)
{
    if (object == NULL) {
        PyErr_Format(PyExc_RuntimeError, "%s is not registered: import ziggy_async, not ziggy_async._core", what);
        return -1;
    }
    return 0;
}

PyObject *za_feature_value(za_feature feature, double value)
{
    za_feature_kind kind = feature < ZA_FEATURE_COUNT ? feature_kinds[feature] : MAYBE;
    if (kind == FLAG) {
        return PyBool_FromLong(value != 0.0);
    }
    return kind == MAYBE && isnan(value) ? Py_NewRef(Py_None) : PyFloat_FromDouble(value);
}

PyObject *za_new_features(za_state *state)
{
    return check_registered(state->Features, "Features") < 0 ? NULL : PyObject_CallNoArgs(state->Features);
}

int za_put(PyObject *dict, PyObject *key, PyObject *value)
{
    int failed = value == NULL ? -1 : PyDict_SetItem(dict, key, value);
    Py_XDECREF(value);
    return failed;
}

PyObject *za_new_instance(za_state *state, PyObject *type)
{
    if (check_registered(type, "the dataclass of this result") < 0) {
        return NULL;
    }
    return PyBaseObject_Type.tp_new((PyTypeObject *)type, state->no_arguments, NULL);
}

PyObject *za_untracked(PyObject *dict)
{
#if PY_VERSION_HEX < 0x030E0000
    if (dict != NULL && PyObject_GC_IsTracked(dict)) {
        PyObject_GC_UnTrack(dict);
    }
#endif
    return dict;
}

int za_set_attribute(PyObject *object, PyObject *name, PyObject *value)
{
    int failed = value == NULL ? -1 : PyObject_GenericSetAttr(object, name, value);
    Py_XDECREF(value);
    return failed;
}
