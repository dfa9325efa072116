#define ZA_IMPORTS_NUMPY
#include "binding/arguments.h"
#include "binding/arrow_columns.h"
#include "binding/arrow_stream.h"
#include "binding/numpy.h"

#include "base/cpu.h"
#include "binding/batch.h"
#include "binding/catalog.h"
#include "binding/convert.h"
#include "binding/histogram_type.h"
#include "binding/port_type.h"
#include "binding/regime.h"
#include "binding/requests.h"
#include "binding/tickers.h"
#include "binding/types.h"
#include "binding/waiting.h"
#include "kernels/lanes.h"
#include "market/regime.h"
#include "market/signal_history.h"
#include "pool/port.h"
#include "pool/shared_pool.h"

static int module_traverse(PyObject *module, visitproc visit, void *arg)
{
    za_state *state = za_state_of_module(module);
#define VISIT(name) Py_VISIT(state->name);
    ZA_STATE_OBJECTS(VISIT)
#undef VISIT
    return 0;
}

static int module_clear(PyObject *module)
{
    za_state *state = za_state_of_module(module);
#define CLEAR(name) Py_CLEAR(state->name);
    ZA_STATE_OBJECTS(CLEAR)
#undef CLEAR
#define NAME(name) Py_CLEAR(state->str_##name);
#include "binding/names.def"
#undef NAME
    return 0;
}

static void module_free(void *module)
{
    (void)module_clear(module);
    za_scratch_free(&za_state_of_module(module)->scratch);
}

/* Kinds of objects that may be registered; above these, a tuple of so many. */
enum { A_CLASS, A_DICT_CLASS, A_CALLABLE, A_TUPLE };

static int fits(PyObject *object, int wanted)
{
    switch (wanted) {
    case A_CLASS:
        return PyType_Check(object);
    case A_DICT_CLASS:
        return PyType_Check(object) && PyType_IsSubtype((PyTypeObject *)object, &PyDict_Type);
    case A_CALLABLE:
        return PyCallable_Check(object);
    default:
        return PyTuple_Check(object) && PyTuple_GET_SIZE(object) == wanted - A_TUPLE;
    }
}

static PyObject *refuse_to_register(const char *kind, int wanted, PyObject *object)
{
    static const char *const names[] = {"a class", "a class of dicts", "callable"};
    return wanted < A_TUPLE
               ? PyErr_Format(PyExc_TypeError, "%s must be %s, not %.200R", kind, names[wanted], object)
               : PyErr_Format(PyExc_TypeError, "%s must be a tuple of %d, not %.200R", kind, wanted - A_TUPLE, object);
}

static PyObject *core_register(PyObject *module, PyObject *const *arguments, Py_ssize_t count)
{
    za_state *state = za_state_of_module(module);
    const struct {
        const char *kind;
        PyObject **place;
        int wanted;
    } places[] = {{"Features", &state->Features, A_DICT_CLASS},
                  {"MarketFeatures", &state->MarketFeatures, A_CLASS},
                  {"Signal", &state->Signal, A_CLASS},
                  {"directions", &state->directions, A_TUPLE + 2},
                  {"signal_types", &state->signal_types, A_TUPLE + 3},
                  {"horizons", &state->horizons, A_TUPLE + ZA_RULE_COUNT},
                  {"regime_names", &state->regime_names, A_TUPLE + ZA_REGIME_COUNT},
                  {"to_ns", &state->to_ns, A_CALLABLE}};
    const char *kind = za_check_count("register", count, 2) < 0 ? NULL : PyUnicode_AsUTF8(arguments[0]);
    if (kind == NULL) {
        return NULL;
    }
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        if (strcmp(kind, places[i].kind) == 0) {
            if (!fits(arguments[1], places[i].wanted)) {
                return refuse_to_register(kind, places[i].wanted, arguments[1]);
            }
            Py_XSETREF(*places[i].place, Py_NewRef(arguments[1]));
            Py_RETURN_NONE;
        }
    }
    return PyErr_Format(PyExc_ValueError, "nothing of the kind %R is registered", arguments[0]);
}

static PyObject *core_ticker_tuple(PyObject *module, PyObject *iterable)
{
    (void)module;
    return za_symbol_tuple(iterable);
}

static PyObject *core_pool_stats(PyObject *module, PyObject *unused)
{
    (void)module;
    (void)unused;
    za_pool *pool = za_pool_shared();
    za_pool_stats stats = pool == NULL ? (za_pool_stats){0} : za_pool_stats_of(pool);
    return Py_BuildValue("{sLsLsLsLsLsLsL}", "threads", (long long)stats.threads, "submitted",
                         (long long)stats.submitted, "completed", (long long)stats.completed, "cancelled",
                         (long long)stats.cancelled, "expired", (long long)stats.expired, "unfinished",
                         (long long)stats.unfinished, "queued", (long long)stats.queued);
}

static PyObject *core_pool_resize(PyObject *module, PyObject *threads_object)
{
    (void)module;
    long threads = PyLong_AsLong(threads_object);
    if (threads == -1 && PyErr_Occurred()) {
        return NULL;
    }
    if (threads < 1 || threads > 256) {
        return PyErr_Format(PyExc_ValueError, "threads must be from 1 to 256, not %ld", threads);
    }
    za_pool *pool = za_pool_shared();
    if (pool != NULL) {
        za_pool_resize(pool, (int)threads);
    }
    Py_RETURN_NONE;
}

static PyObject *core_cpu(PyObject *module, PyObject *unused)
{
    (void)module;
    (void)unused;
    const za_lane_set *wide = za_lane_set_widest();
    za_isa isa = ZA_ISA_SCALAR;
    for (int i = 0; i < ZA_ISA_COUNT; i++) {
        isa = za_lane_set_of((za_isa)i) == wide ? (za_isa)i : isa;
    }
    return Py_BuildValue("{sssisi}", "isa", za_isa_name(isa), "lanes", wide->lanes, "cpus", za_cpu_count());
}

static PyObject *core_shutdown(PyObject *module, PyObject *const *arguments, Py_ssize_t count)
{
    (void)module;
    double timeout[2];
    if (za_check_count("shutdown", count, 2) < 0) {
        return NULL;
    }
    for (int i = 0; i < 2; i++) {
        timeout[i] = PyFloat_AsDouble(arguments[i]);
        if (timeout[i] == -1.0 && PyErr_Occurred()) {
            return NULL;
        }
        if (!(timeout[i] >= 0.0 && timeout[i] < 1e9)) {
            return PyErr_Format(PyExc_ValueError, "timeout must be from 0 to 1e9 seconds");
        }
    }
    bool ended;
    za_watch_end_all(true);
    Py_BEGIN_ALLOW_THREADS
    za_notifier_stop(true);
    ended = za_pool_shared_close((int64_t)(timeout[0] * 1e9));
    Py_END_ALLOW_THREADS
    za_waiting_let_end((int64_t)(timeout[1] * 1e9));
    za_watch_end_all(false);
    return PyBool_FromLong(ended);
}

static PyObject *core_after_fork(PyObject *module, PyObject *unused)
{
    (void)module;
    (void)unused;
    za_notifier_stop(false);
    za_waiting_after_fork();
    Py_RETURN_NONE;
}

static PyMethodDef functions[] = {
    {"register", _PyCFunction_CAST(core_register), METH_FASTCALL, NULL},
    {"ticker_tuple", core_ticker_tuple, METH_O, NULL},
    {"tickers_at", _PyCFunction_CAST(za_tickers_at), METH_FASTCALL, NULL},
    {"features", _PyCFunction_CAST(za_features), METH_FASTCALL, NULL},
    {"features_many", _PyCFunction_CAST(za_features_many), METH_FASTCALL, NULL},
    {"paper_features", _PyCFunction_CAST(za_paper_features), METH_FASTCALL, NULL},
    {"signals", _PyCFunction_CAST(za_signals), METH_FASTCALL, NULL},
    {"regime", _PyCFunction_CAST(za_regime_of), METH_FASTCALL, NULL},
    {"read_arrow", _PyCFunction_CAST(za_read_arrow), METH_FASTCALL, NULL},
    {"arrow_stream", za_arrow_stream, METH_VARARGS, NULL},
    {"catalog", za_catalog, METH_NOARGS, NULL},
    {"record_each", _PyCFunction_CAST(za_record_each), METH_FASTCALL, NULL},
    {"pool_stats", core_pool_stats, METH_NOARGS, NULL},
    {"pool_resize", core_pool_resize, METH_O, NULL},
    {"cpu", core_cpu, METH_NOARGS, NULL},
    {"notifier_run", za_notifier_run, METH_NOARGS, NULL},
    {"shutdown", _PyCFunction_CAST(core_shutdown), METH_FASTCALL, NULL},
    {"after_fork_in_child", core_after_fork, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

/* A tuple of interned names. */
static PyObject *names_tuple(const char *const *names, Py_ssize_t count)
{
    PyObject *tuple = PyTuple_New(count);
    for (Py_ssize_t i = 0; tuple != NULL && i < count; i++) {
        PyObject *name = PyUnicode_InternFromString(names[i]);
        if (name == NULL) {
            Py_CLEAR(tuple);
        } else {
            PyTuple_SET_ITEM(tuple, i, name);
        }
    }
    return tuple;
}

static int make_names(za_state *state)
{
    static const char *const features[] = {
#define FEATURE(name, ...) #name,
#include "market/features.def"
#undef FEATURE
    };
    static const char *const volatilities[] = {"low", "normal", "high"}, *const trends[] = {"down", "sideways", "up"};
#define NAME(name)                                                                                                     \
    if ((state->str_##name = PyUnicode_InternFromString(#name)) == NULL) {                                             \
        return -1;                                                                                                     \
    }
#include "binding/names.def"
#undef NAME
    PyObject *low_to_high = names_tuple(volatilities, 3), *down_to_up = names_tuple(trends, 3);
    state->no_arguments = PyTuple_New(0);
    state->zero = PyFloat_FromDouble(0.0);
    state->feature_names = names_tuple(features, ZA_FEATURE_COUNT);
    state->level_names = low_to_high == NULL || down_to_up == NULL ? NULL : PyTuple_Pack(2, low_to_high, down_to_up);
    Py_XDECREF(low_to_high);
    Py_XDECREF(down_to_up);
    return state->no_arguments == NULL || state->zero == NULL || state->feature_names == NULL ||
                   state->level_names == NULL
               ? -1
               : 0;
}

/* A number that an application may change, and as what its first value is written. */
typedef struct setting {
    const char *name, *written;
    double initial;
} setting;

/* ((name, default), ...), a default that is written as a whole number being an int. */
static PyObject *settings_of(const setting *rows, Py_ssize_t count)
{
    PyObject *tuple = PyTuple_New(count);
    for (Py_ssize_t i = 0; tuple != NULL && i < count; i++) {
        bool is_whole = strchr(rows[i].written, '.') == NULL;
        PyObject *value = is_whole ? PyLong_FromDouble(rows[i].initial) : PyFloat_FromDouble(rows[i].initial);
        PyObject *pair = Py_BuildValue("(sN)", rows[i].name, value);
        if (pair == NULL) {
            Py_CLEAR(tuple);
        } else {
            PyTuple_SET_ITEM(tuple, i, pair);
        }
    }
    return tuple;
}

static PyObject *rule_parameters(void)
{
    static const setting rows[] = {
#define PARAMETER(name, initial) {#name, #initial, initial},
#define READS(name)
#include "market/rules.def"
#undef READS
#undef PARAMETER
    };
    return settings_of(rows, ZA_RULE_PARAMETER_COUNT);
}

static PyObject *regime_thresholds(void)
{
    static const setting rows[] = {
#define THRESHOLD(name, initial) {#name, #initial, initial},
#include "market/regime.def"
#undef THRESHOLD
    };
    return settings_of(rows, ZA_THRESHOLD_COUNT);
}

static PyObject *signal_columns(void)
{
    static const char *const names[] = {
#define COLUMN(name) #name,
#include "market/signal_history.def"
#undef COLUMN
    };
    return names_tuple(names, ZA_SIGNAL_COLUMN_COUNT);
}

/* (name, ...) of the features that the rules read. */
static PyObject *rule_features(void)
{
    static const char *const names[] = {
#define PARAMETER(name, initial)
#define READS(name) #name,
#include "market/rules.def"
#undef READS
#undef PARAMETER
    };
    return names_tuple(names, (Py_ssize_t)(sizeof names / sizeof *names));
}

/* {name: formula}, which is empty where there is none. */
static PyObject *formulas_of(const char *const (*rows)[2], size_t count)
{
    PyObject *dict = PyDict_New();
    for (size_t i = 0; dict != NULL && i < count; i++) {
        PyObject *formula = PyUnicode_FromString(rows[i][1]);
        if (formula == NULL || PyDict_SetItemString(dict, rows[i][0], formula) < 0) {
            Py_CLEAR(dict);
        }
        Py_XDECREF(formula);
    }
    return dict;
}

static PyObject *feature_formulas(void)
{
    static const char *const rows[][2] = {
#define FEATURE(name, kind, formula) {#name, formula},
#include "market/features.def"
#undef FEATURE
    };
    return formulas_of(rows, sizeof rows / sizeof *rows);
}

static PyObject *paper_formulas(void)
{
    static const char *const rows[][2] = {
#define PAPER(name, kind, formula) {#name, formula},
#include "market/paper.def"
#undef PAPER
    };
    return formulas_of(rows, sizeof rows / sizeof *rows);
}

/* Adds a constant; takes over the reference. */
static int add(PyObject *module, const char *name, PyObject *value)
{
    int failed = value == NULL ? -1 : PyModule_AddObjectRef(module, name, value);
    Py_XDECREF(value);
    return failed;
}

/* Every type of the module; those with a name to import are added to it. */
static int add_types(PyObject *module, za_state *state)
{
    const struct {
        PyObject **place;
        PyType_Spec *spec;
        int is_public;
    } types[] = {{&state->store_type, &za_store_spec, 1},    {&state->port_type, &za_port_spec, 1},
                 {&state->plan_type, &za_plan_type_spec, 1}, {&state->histogram_type, &za_histogram_spec, 1},
                 {&state->tally_type, &za_tally_spec, 1},    {&state->batch_type, &za_batch_spec, 0},
                 {&state->query_type, &za_query_spec, 0},    {&state->universe_type, &za_universe_spec, 1},
                 {&state->live_type, &za_live_type_spec, 1}, {&state->callable_type, &za_callable_spec, 1}};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        *types[i].place = PyType_FromModuleAndSpec(module, types[i].spec, NULL);
        if (*types[i].place == NULL ||
            (types[i].is_public && PyModule_AddType(module, (PyTypeObject *)*types[i].place) < 0)) {
            return -1;
        }
    }
    return 0;
}

/* Takes the functions that make futures, where the loop is asyncio's own. */
static int take_asyncio(za_state *state)
{
    PyObject *asyncio = PyImport_ImportModule("asyncio"), *loop = NULL;
    if (asyncio != NULL && (loop = PyObject_GetAttrString(asyncio, "BaseEventLoop")) != NULL) {
        state->Future = PyObject_GetAttrString(asyncio, "Future");
        state->create_future = PyObject_GetAttr(loop, state->str_create_future);
        state->loop_keyword = Py_BuildValue("(s)", "loop");
    }
    Py_XDECREF(asyncio);
    Py_XDECREF(loop);
    return state->Future == NULL || state->create_future == NULL || state->loop_keyword == NULL ? -1 : 0;
}

/* The pool, the stores and NumPy are the process's: a second interpreter would share them unawares. */
static int refuse_subinterpreter(void)
{
    if (PyInterpreterState_Get() == PyInterpreterState_Main()) {
        return 0;
    }
    PyErr_SetString(PyExc_ImportError, "ziggy_async does not support sub-interpreters");
    return -1;
}

static int module_exec(PyObject *module)
{
    za_state *state = za_state_of_module(module);
    if (refuse_subinterpreter() < 0) {
        return -1;
    }
    if (za_convert_import() < 0 || za_waiting_import() < 0 ||
        _import_array() < 0 || /* import_array1() would make an ImportError of a KeyboardInterrupt */
        make_names(state) < 0 || take_asyncio(state) < 0 || add_types(module, state) < 0) {
        return -1;
    }
    return add(module, "FEATURE_FORMULAS", feature_formulas()) < 0 ||
                   add(module, "PAPER_FORMULAS", paper_formulas()) < 0 ||
                   add(module, "REQUIRED_BARS", PyLong_FromLong(ZA_FEATURE_BARS)) < 0 ||
                   add(module, "RULE_PARAMETERS", rule_parameters()) < 0 ||
                   add(module, "RULE_FEATURES", rule_features()) < 0 ||
                   add(module, "RULE_DAYS", Py_BuildValue("(ii)", za_rule_days[0], za_rule_days[1])) < 0 ||
                   add(module, "REGIME_THRESHOLDS", regime_thresholds()) < 0 ||
                   add(module, "SIGNAL_COLUMNS", signal_columns()) < 0
               ? -1
               : 0;
}

static PyModuleDef_Slot slots[] = {
    {Py_mod_exec, module_exec},
#if PY_VERSION_HEX >= 0x030C0000
    {Py_mod_multiple_interpreters, Py_MOD_MULTIPLE_INTERPRETERS_NOT_SUPPORTED},
#endif
    {0, NULL},
};

struct PyModuleDef za_module = {
    PyModuleDef_HEAD_INIT,
    .m_name = "ziggy_async._core",
    .m_doc = "Bars, indicators, the native pool and the way back to event loops.",
    .m_size = sizeof(za_state),
    .m_methods = functions,
    .m_slots = slots,
    .m_traverse = module_traverse,
    .m_clear = module_clear,
    .m_free = module_free,
};

PyMODINIT_FUNC PyInit__core(void);

PyMODINIT_FUNC PyInit__core(void)
{
    return PyModuleDef_Init(&za_module);
}
