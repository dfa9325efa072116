#include "binding/regime.h"

#include "binding/arguments.h"
#include "market/regime.h"

PyObject *za_regime_of(PyObject *module, PyObject *const *arguments, Py_ssize_t count)
{
    (void)module;
    double reading[ZA_READING_COUNT], thresholds[ZA_THRESHOLD_COUNT];
    if (za_check_count("regime", count, 2) < 0 ||
        za_doubles_of(arguments[0], ZA_READING_COUNT, "reading", reading) < 0 ||
        za_doubles_of(arguments[1], ZA_THRESHOLD_COUNT, "thresholds", thresholds) < 0) {
        return NULL;
    }
    unsigned holding;
    za_regime regime = za_regime_read(reading, thresholds, &holding);
    return Py_BuildValue("(iI)", (int)regime, holding);
}
