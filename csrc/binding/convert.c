#include "binding/convert.h"

#include <datetime.h>

#include "base/memory.h"

static const int64_t ns_per_second = 1000000000, us_per_day = 86400000000;

/* A new reference to `Stopped`; to RuntimeError, its base, without the package. */
static PyObject *stopped_class(void)
{
    PyObject *errors = PyImport_ImportModule("ziggy_async.runtime.errors");
    PyObject *found = errors == NULL ? NULL : PyObject_GetAttrString(errors, "Stopped");
    Py_XDECREF(errors);
    if (found == NULL) {
        PyErr_Clear();
        return Py_NewRef(PyExc_RuntimeError);
    }
    return found;
}

/* A new reference. */
static PyObject *exception_class(za_code code)
{
    switch (code) {
    case ZA_NO_MEMORY:
        return Py_NewRef(PyExc_MemoryError);
    case ZA_BAD_VALUE:
        return Py_NewRef(PyExc_ValueError);
    case ZA_BAD_TYPE:
        return Py_NewRef(PyExc_TypeError);
    case ZA_EXPIRED:
        return Py_NewRef(PyExc_TimeoutError);
    case ZA_CANCELLED: /* a caller that gives up has an error of its own: the interpreter is exiting */
        return stopped_class();
    default:
        return Py_NewRef(PyExc_RuntimeError);
    }
}

PyObject *za_raise(const za_error *error)
{
    /* A sentence cut short in the middle of a character must not hide the rest. */
    PyObject *text = PyUnicode_DecodeUTF8(error->text, (Py_ssize_t)strlen(error->text), "replace");
    if (text != NULL) {
        PyObject *class = exception_class(error->code);
        PyErr_SetObject(class, text);
        Py_DECREF(class);
        Py_DECREF(text);
    }
    return NULL;
}

PyObject *za_exception_of(const za_error *error)
{
    (void)za_raise(error);
    return za_take_exception();
}

PyObject *za_take_exception(void)
{
#if PY_VERSION_HEX >= 0x030C0000
    return PyErr_GetRaisedException();
#else
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    PyErr_NormalizeException(&type, &value, &traceback);
    if (traceback != NULL) {
        (void)PyException_SetTraceback(value, traceback);
    }
    Py_XDECREF(type);
    Py_XDECREF(traceback);
    return value;
#endif
}

void za_put_back_exception(PyObject *exception)
{
    PyErr_SetObject((PyObject *)Py_TYPE(exception), exception);
    Py_DECREF(exception);
}

void za_keep_first_exception(PyObject **first)
{
    if (*first == NULL) {
        *first = za_take_exception();
    } else {
        PyErr_WriteUnraisable(NULL);
    }
}

/* `position` < 0: not of a list. */
static void raise_no_symbol(PyObject *object, Py_ssize_t position)
{
    if (position < 0) {
        PyErr_Format(PyExc_TypeError, "a ticker must be a str, not %.200s", Py_TYPE(object)->tp_name);
    } else {
        PyErr_Format(PyExc_TypeError, "the ticker at position %zd must be a str, not %.200s", position,
                     Py_TYPE(object)->tp_name);
    }
}

static int encoded_symbol_of(PyObject *object, za_symbol *symbol)
{
    if (!PyUnicode_Check(object)) {
        raise_no_symbol(object, -1);
        return -1;
    }
    Py_ssize_t length = 0; /* which stays as it is on failure */
    symbol->text = PyUnicode_AsUTF8AndSize(object, &length);
    symbol->length = (size_t)length;
    return symbol->text == NULL ? -1 : 0;
}

int za_symbol_of(PyObject *object, za_symbol *symbol)
{
    if (encoded_symbol_of(object, symbol) == 0) {
        return 0;
    }
    if (PyErr_ExceptionMatches(PyExc_UnicodeError)) {
        PyErr_Format(PyExc_ValueError, "%.200A cannot be written as UTF-8", object);
    }
    return -1;
}

int za_asked_symbol_of(PyObject *object, za_symbol *symbol)
{
    if (encoded_symbol_of(object, symbol) == 0) {
        return 0;
    }
    if (!PyErr_ExceptionMatches(PyExc_UnicodeError)) {
        return -1;
    }
    PyErr_Clear();
    *symbol = (za_symbol){.text = "", .length = 0};
    return 0;
}

/* The same strings without the classes that they are of: a hash or comparison of their own could fail anywhere. */
static PyObject *plain_tuple(PyObject *strings)
{
    PyObject *tuple = PyTuple_New(PyTuple_GET_SIZE(strings));
    for (Py_ssize_t i = 0; tuple != NULL && i < PyTuple_GET_SIZE(strings); i++) {
        PyObject *plain = PyUnicode_FromObject(PyTuple_GET_ITEM(strings, i));
        if (plain == NULL) {
            Py_CLEAR(tuple);
        } else {
            PyTuple_SET_ITEM(tuple, i, plain);
        }
    }
    return tuple;
}

PyObject *za_symbol_tuple(PyObject *iterable)
{
    if (PyUnicode_Check(iterable) || PyBytes_Check(iterable)) {
        PyErr_Format(PyExc_TypeError, "tickers must be a list of str, not one %.200s", Py_TYPE(iterable)->tp_name);
        return NULL;
    }
    PyObject *tuple = PySequence_Tuple(iterable);
    if (tuple == NULL && PyErr_ExceptionMatches(PyExc_TypeError) && Py_TYPE(iterable)->tp_iter == NULL) {
        PyErr_Format(PyExc_TypeError, "tickers must be a list of str, not %.200s", Py_TYPE(iterable)->tp_name);
    }
    int plain = 1;
    for (Py_ssize_t i = 0; tuple != NULL && i < PyTuple_GET_SIZE(tuple); i++) {
        PyObject *item = PyTuple_GET_ITEM(tuple, i);
        plain = plain && PyUnicode_CheckExact(item);
        if (!PyUnicode_Check(item)) {
            raise_no_symbol(item, i);
            Py_CLEAR(tuple);
        }
    }
    if (tuple != NULL && !plain) {
        Py_SETREF(tuple, plain_tuple(tuple));
    }
    return tuple;
}

static za_symbol *symbols_of(PyObject *tuple, int (*read)(PyObject *, za_symbol *))
{
    Py_ssize_t count = PyTuple_GET_SIZE(tuple);
    za_symbol *symbols = za_alloc((size_t)count, sizeof *symbols);
    if (symbols == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *object = PyTuple_GET_ITEM(tuple, i);
        if (read(object, &symbols[i]) == 0) {
            continue;
        }
        if (PyErr_ExceptionMatches(PyExc_ValueError)) {
            PyErr_Format(PyExc_ValueError, "the ticker at position %zd cannot be written as UTF-8: %.200A", i, object);
        }
        za_free(symbols);
        return NULL;
    }
    return symbols;
}

za_symbol *za_asked_symbols_of(PyObject *tuple)
{
    return symbols_of(tuple, za_asked_symbol_of);
}

za_symbol *za_symbols_of(PyObject *tuple)
{
    return symbols_of(tuple, za_symbol_of);
}

int za_convert_import(void)
{
    /* First: PyDateTime_IMPORT, here and in NumPy, makes an ImportError of whatever the import raises. */
    PyObject *datetime = PyImport_ImportModule("datetime");
    if (datetime == NULL) {
        return -1;
    }
    Py_DECREF(datetime);
    PyDateTime_IMPORT;
    return PyDateTimeAPI == NULL ? -1 : 0;
}

/* Days from 1970-01-01 to a date of the Gregorian calendar, counted in years that begin in March. */
static int64_t days_from_civil(int64_t year, int month, int day)
{
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400, year_of_era = year - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

static void civil_from_days(int64_t days, int *year, int *month, int *day)
{
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097, day_of_era = days - era * 146097;
    int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t shifted = (5 * day_of_year + 2) / 153;
    *day = (int)(day_of_year - (153 * shifted + 2) / 5 + 1);
    *month = (int)(shifted < 10 ? shifted + 3 : shifted - 9);
    *year = (int)(year_of_era + era * 400 + (*month <= 2));
}

/* Returns whether this is a datetime that needs no call into Python: none of a subclass, and without a zone or in UTC.
 */
static int is_plain(PyObject *object)
{
    if (!PyDateTime_CheckExact(object)) {
        return 0;
    }
    PyObject *zone = PyDateTime_DATE_GET_TZINFO(object);
    return zone == Py_None || zone == PyDateTime_TimeZone_UTC;
}

/* False when nanoseconds since 1970 do not reach there: 1677 to 2262. */
static int plain_ns(PyObject *object, int64_t *ns)
{
    int64_t days =
        days_from_civil(PyDateTime_GET_YEAR(object), PyDateTime_GET_MONTH(object), PyDateTime_GET_DAY(object));
    int64_t seconds = days * 86400 + PyDateTime_DATE_GET_HOUR(object) * 3600 + PyDateTime_DATE_GET_MINUTE(object) * 60 +
                      PyDateTime_DATE_GET_SECOND(object);
    int64_t fraction = (int64_t)PyDateTime_DATE_GET_MICROSECOND(object) * 1000;
    return !__builtin_mul_overflow(seconds, ns_per_second, ns) && !__builtin_add_overflow(*ns, fraction, ns) &&
           *ns != ZA_TIME_MISSING;
}

int za_time_of(za_state *state, PyObject *object, PyObject *unit, int64_t *ns, bool *naive)
{
    *naive = PyDateTime_Check(object) && PyDateTime_DATE_GET_TZINFO(object) == Py_None;
    if (is_plain(object) && plain_ns(object, ns)) {
        return 0;
    }
    if (state->to_ns == NULL) {
        PyErr_SetString(PyExc_RuntimeError, "to_ns is not registered: import ziggy_async, not ziggy_async._core");
        return -1;
    }
    PyObject *value = PyObject_CallFunctionObjArgs(state->to_ns, object, unit, NULL);
    if (value == NULL) {
        return -1;
    }
    *ns = PyLong_AsLongLong(value);
    Py_DECREF(value);
    return *ns == -1 && PyErr_Occurred() ? -1 : 0;
}

PyObject *za_datetime_of(int64_t ns, bool naive)
{
    int64_t us = ns / 1000 - (ns % 1000 < 0);
    int64_t days = us / us_per_day - (us % us_per_day < 0), rest = us - days * us_per_day;
    int year, month, day;
    civil_from_days(days, &year, &month, &day);
    int seconds = (int)(rest / 1000000);
    return PyDateTimeAPI->DateTime_FromDateAndTime(year, month, day, seconds / 3600, seconds / 60 % 60, seconds % 60,
                                                   (int)(rest % 1000000), naive ? Py_None : PyDateTime_TimeZone_UTC,
                                                   PyDateTimeAPI->DateTimeType);
}
