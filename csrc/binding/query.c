/* A plan over the tickers of a store, and how it is computed while the caller waits. */
#include "binding/query.h"

#include "binding/arguments.h"
#include "binding/arrays.h"
#include "binding/query_object.h"
#include "binding/tickers.h"
#include "binding/waiting.h"

#include "base/memory.h"
#include "binding/convert.h"
#include "plan/pin.h"
#include "pool/shared_pool.h"
#include "pool/wait.h"

void za_query_dealloc(PyObject *self)
{
    za_query *query = (za_query *)self;
    PyTypeObject *type = Py_TYPE(self);
    za_stages_free(query->stages);
    za_others_release(&query->others);
    za_run_release(&query->run);
    za_past_free(query->past);
    za_free(query->columns);
    za_delivery_clear(&query->delivery);
    Py_XDECREF((PyObject *)query->plan);
    Py_XDECREF((PyObject *)query->store);
    za_named_clear(&query->asked);
    Py_XDECREF(query->zone);
    Py_XDECREF(query->future);
    Py_XDECREF(query->values);
    Py_XDECREF(query->times);
    Py_XDECREF(query->bars);
    type->tp_free(self);
    Py_DECREF(type);
}

za_query *za_query_new(za_state *state, PyObject *const *arguments)
{
    if (!PyObject_TypeCheck(arguments[0], (PyTypeObject *)state->plan_type)) {
        PyErr_SetString(PyExc_TypeError, "plan must be a Plan");
        return NULL;
    }
    za_plan_object *plan = (za_plan_object *)arguments[0];
    za_store_object *store = za_store_argument(state, arguments[1]);
    PyTypeObject *type = (PyTypeObject *)state->query_type;
    za_query *query = store == NULL ? NULL : (za_query *)type->tp_alloc(type, 0);
    if (query == NULL) {
        return NULL;
    }
    query->plan = (za_plan_object *)Py_NewRef((PyObject *)plan);
    query->store = (za_store_object *)Py_NewRef((PyObject *)store);
    query->zone = Py_NewRef(arguments[3]);
    int taken = za_named_take(&query->asked, store, arguments[2]);
    query->columns = taken < 0 ? NULL : za_plan_columns_of(plan, store);
    if (query->columns == NULL || za_zone_of(query->zone, &query->run.zone) < 0) {
        Py_DECREF((PyObject *)query);
        return NULL;
    }
    query->run.plan = plan->plan;
    const za_symbol *symbols = query->asked.symbols;
    query->run.count = (size_t)PyTuple_GET_SIZE(query->asked.tickers);
    query->run.tickers = (za_tickers){.store = store->store, .symbols = symbols, .columns = query->columns};
    za_asked_tickers asked = {store->store, symbols, query->run.count};
    if (za_plan_has_sources(plan->plan) && za_others_of_store(plan, asked, &query->others) < 0) {
        Py_DECREF((PyObject *)query);
        return NULL;
    }
    return query;
}

bool za_query_is_pinned(const za_query *query)
{
    return !query->run.last || za_plan_has_sources(query->run.plan);
}

int za_query_make_arrays(za_query *query)
{
    za_run *run = &query->run;
    run->rows = run->last ? (int64_t)run->count : run->rows;
    int width = query->past != NULL ? ZA_SIGNAL_COLUMN_COUNT : za_plan_output_count(run->plan);
    npy_intp rows = (npy_intp)run->rows, shape[] = {rows, width};
    query->values = PyArray_EMPTY(2, shape, NPY_DOUBLE, 1);
    query->times = PyArray_EMPTY(1, &rows, NPY_INT64, 0);
    npy_intp count = (npy_intp)run->count;
    query->bars = PyArray_ZEROS(1, &count, NPY_INT64, 0);
    if (query->values == NULL || query->times == NULL || query->bars == NULL) {
        return -1;
    }
    run->values = PyArray_DATA((PyArrayObject *)query->values);
    run->times = PyArray_DATA((PyArrayObject *)query->times);
    run->bars = PyArray_DATA((PyArrayObject *)query->bars);
    return 0;
}

za_code za_query_pin(za_query *query, za_error *error)
{
    za_code code = za_run_pin(&query->run, query->first, query->last, error);
    return code == ZA_OK && query->past != NULL ? za_signal_history_pin(&query->past->history, error) : code;
}

za_job *za_query_breadth_job(za_query *query)
{
    za_job *job = query->past == NULL ? NULL : &query->past->history.breadth.job;
    return job != NULL && job->count > 0 && query->run.rows > 0 ? job : NULL;
}

za_code za_query_prepare(za_query *query, za_error *error)
{
    if (query->past != NULL) {
        return za_signal_history_prepare(&query->past->history, error);
    }
    return za_plan_has_sources(query->run.plan)
               ? za_stages_new(&query->run, &query->others.others, &query->stages, error)
               : ZA_OK;
}

/* All of that while the caller waits. */
static za_code pin_and_wait(za_query *query, za_error *error)
{
    za_code code = za_query_pin(query, error);
    if (code == ZA_OK && za_query_breadth_job(query) != NULL) {
        za_pool_wait(za_pool_shared(), za_query_breadth_job(query));
    }
    return code == ZA_OK ? za_query_prepare(query, error) : code;
}

PyObject *za_query_result(const za_query *query)
{
    return PyTuple_Pack(3, query->times, query->bars, query->values);
}

static PyObject *wait_for(za_query *query)
{
    za_error error;
    za_code code = ZA_OK;
    za_waiting waiting;
    if (za_query_is_pinned(query)) {
        za_waiting_begin(&waiting, &query->run, NULL);
        code = pin_and_wait(query, &error);
        if (za_waiting_end(&waiting) < 0) {
            return NULL;
        }
    }
    if (code == ZA_OK && za_query_make_arrays(query) < 0) {
        return NULL;
    }
    code = code == ZA_OK ? za_run_init(&query->run, &error) : code;
    if (code == ZA_OK) {
        za_waiting_begin(&waiting, &query->run, NULL);
        code = query->stages != NULL ? za_stages_wait(query->stages, za_pool_shared(), &error)
                                     : za_run_wait(&query->run, za_pool_shared(), &error);
        if (za_waiting_end(&waiting) < 0) {
            return NULL;
        }
    }
    return code == ZA_OK ? za_query_result(query) : za_raise(&error);
}

PyObject *za_plan_latest(PyObject *self, PyObject *const *arguments, Py_ssize_t count)
{
    if (za_check_count("latest", count, 3) < 0) {
        return NULL;
    }
    PyObject *const all[] = {self, arguments[0], arguments[1], arguments[2]};
    za_query *query = za_query_new(za_state_of_type(Py_TYPE(self)), all);
    if (query == NULL) {
        return NULL;
    }
    query->run.last = true;
    PyObject *result = wait_for(query);
    Py_DECREF((PyObject *)query);
    return result;
}

int za_query_take_past(za_query *query, PyObject *rules, PyObject *market)
{
    za_state *state = za_state_of_type(Py_TYPE((PyObject *)query));
    if (za_plan_output_count(query->run.plan) != za_signal_history_width()) {
        PyErr_SetString(PyExc_ValueError, "the plan must make the features that the rules read, and no others");
        return -1;
    }
    query->past = za_past_new(state, query->store, rules, market);
    if (query->past == NULL) {
        return -1;
    }
    query->past->owner = query;
    query->run.least = ZA_FEATURE_BARS;
    query->run.visit = za_signal_history_visit;
    query->run.visitor = &query->past->history;
    return 0;
}

int za_query_take_times(za_query *query, PyObject *first, PyObject *last)
{
    query->first = PyLong_AsLongLong(first);
    query->last = PyErr_Occurred() ? 0 : PyLong_AsLongLong(last);
    return PyErr_Occurred() ? -1 : 0;
}

/* (store, tickers, zone, first, last[, rules, market]) */
static PyObject *wait_for_history(PyObject *self, PyObject *const *arguments, bool of_signals)
{
    PyObject *const all[] = {self, arguments[0], arguments[1], arguments[2]};
    za_query *query = za_query_new(za_state_of_type(Py_TYPE(self)), all);
    if (query == NULL) {
        return NULL;
    }
    bool is_taken = za_query_take_times(query, arguments[3], arguments[4]) == 0 &&
                    (!of_signals || za_query_take_past(query, arguments[5], arguments[6]) == 0);
    PyObject *result = is_taken ? wait_for(query) : NULL;
    Py_DECREF((PyObject *)query);
    return result;
}

PyObject *za_plan_history(PyObject *self, PyObject *const *arguments, Py_ssize_t count)
{
    return za_check_count("history", count, 5) < 0 ? NULL : wait_for_history(self, arguments, false);
}

PyObject *za_plan_signal_history(PyObject *self, PyObject *const *arguments, Py_ssize_t count)
{
    return za_check_count("signal_history", count, 7) < 0 ? NULL : wait_for_history(self, arguments, true);
}
