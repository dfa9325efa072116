/* A plan over the tickers of a store: computed while the caller waits, or for a future. A history takes two jobs, since
 * its arrays can be made only when the bars are pinned and counted. */
#include "binding/query.h"

#include "binding/arguments.h"
#include "binding/arrays.h"
#include "binding/plan_object.h"
#include "binding/port_object.h"

#include "base/memory.h"
#include "binding/convert.h"
#include "binding/delivery.h"
#include "binding/past.h"
#include "plan/run.h"
#include "pool/wait.h"

/* What is under way: of a latest row for each ticker the last alone, and the second of signals alone. */
typedef enum za_stage { ZA_STAGE_PIN, ZA_STAGE_BREADTH, ZA_STAGE_ROWS } za_stage;

/* `run`, `code` and `error` belong to the pool between submission and the port's take; all else is touched with the GIL
 * held only. */
typedef struct za_query {
    za_delivery delivery; /* first */
    za_run run;
    za_job pin;          /* of a history: the first job */
    int64_t first, last; /* times of a history's rows, both included */
    za_code code;
    za_error error;
    za_stage stage;
    za_past *past; /* of signals; NULL for formulas */
    za_terms terms;
    za_plan_object *plan;
    za_store_object *store;
    PyObject *tickers, *zone, *future;
    za_symbol *symbols; /* which point into the tickers */
    int *columns;       /* of the store, for the plan's */
    PyObject *values, *times, *bars;
} za_query;

static const za_delivery_kind delivery_kind;

static void query_dealloc(PyObject *self)
{
    za_query *query = (za_query *)self;
    PyTypeObject *type = Py_TYPE(self);
    za_run_release(&query->run);
    za_past_free(query->past);
    za_free(query->symbols);
    za_free(query->columns);
    za_delivery_clear(&query->delivery);
    Py_XDECREF((PyObject *)query->plan);
    Py_XDECREF((PyObject *)query->store);
    Py_XDECREF(query->tickers);
    Py_XDECREF(query->zone);
    Py_XDECREF(query->future);
    Py_XDECREF(query->values);
    Py_XDECREF(query->times);
    Py_XDECREF(query->bars);
    type->tp_free(self);
    Py_DECREF(type);
}

/* (plan, store, tickers, zone) as they come; the query owns what it needs of them. */
static za_query *new_query(za_state *state, PyObject *const *arguments)
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
    query->delivery.kind = &delivery_kind;
    query->plan = (za_plan_object *)Py_NewRef((PyObject *)plan);
    query->store = (za_store_object *)Py_NewRef((PyObject *)store);
    query->zone = Py_NewRef(arguments[3]);
    query->tickers = za_symbol_tuple(arguments[2]);
    query->symbols = query->tickers == NULL ? NULL : za_asked_symbols_of(query->tickers);
    query->columns = query->symbols == NULL ? NULL : za_plan_columns_of(plan, store);
    if (query->columns == NULL || za_zone_of(query->zone, &query->run.zone) < 0) {
        Py_DECREF((PyObject *)query);
        return NULL;
    }
    query->run.plan = plan->plan;
    query->run.count = (size_t)PyTuple_GET_SIZE(query->tickers);
    query->run.tickers = (za_tickers){.store = store->store, .symbols = query->symbols, .columns = query->columns};
    return query;
}

/* The arrays that the run fills: a row for each ticker, or for each bar of a history. */
static int make_arrays(za_query *query)
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

/* Bars and counts of rows, of one moment. */
static za_code pin(za_query *query, za_error *error)
{
    za_code code = za_run_pin(&query->run, query->first, query->last, error);
    return code == ZA_OK && query->past != NULL ? za_signal_history_pin(&query->past->history, error) : code;
}

/* The job between both: of signals, and only if there is a symbol whose breadth it could be. */
static za_job *breadth_job(za_query *query)
{
    za_job *job = query->past == NULL ? NULL : &query->past->history.breadth.job;
    return job != NULL && job->count > 0 && query->run.rows > 0 ? job : NULL;
}

/* After it, or in its place. */
static za_code prepare(za_query *query, za_error *error)
{
    return query->past == NULL ? ZA_OK : za_signal_history_prepare(&query->past->history, error);
}

/* All of that while the caller waits. */
static za_code pin_and_wait(za_query *query, za_error *error)
{
    za_code code = pin(query, error);
    if (code == ZA_OK && breadth_job(query) != NULL) {
        za_pool_wait(za_pool_shared(), breadth_job(query));
    }
    return code == ZA_OK ? prepare(query, error) : code;
}

/* (times, bars, values) */
static PyObject *result_of(const za_query *query)
{
    return PyTuple_Pack(3, query->times, query->bars, query->values);
}

static PyObject *wait_for(za_query *query)
{
    za_error error;
    za_code code = ZA_OK;
    if (!query->run.last) {
        Py_BEGIN_ALLOW_THREADS
        code = pin_and_wait(query, &error);
        Py_END_ALLOW_THREADS
    }
    if (code == ZA_OK && make_arrays(query) < 0) {
        return NULL;
    }
    code = code == ZA_OK ? za_run_init(&query->run, &error) : code;
    if (code == ZA_OK) {
        Py_BEGIN_ALLOW_THREADS
        code = za_run_wait(&query->run, za_pool_shared(), &error);
        Py_END_ALLOW_THREADS
    }
    return code == ZA_OK ? result_of(query) : za_raise(&error);
}

PyObject *za_plan_latest(PyObject *self, PyObject *const *arguments, Py_ssize_t count)
{
    if (za_check_count("latest", count, 3) < 0) {
        return NULL;
    }
    PyObject *const all[] = {self, arguments[0], arguments[1], arguments[2]};
    za_query *query = new_query(za_state_of_type(Py_TYPE(self)), all);
    if (query == NULL) {
        return NULL;
    }
    query->run.last = true;
    PyObject *result = wait_for(query);
    Py_DECREF((PyObject *)query);
    return result;
}

/* What signals are made from beside the bars of their tickers: (rules, market). */
static int take_past(za_query *query, PyObject *rules, PyObject *market)
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

/* The times of a history's rows. */
static int take_times(za_query *query, PyObject *first, PyObject *last)
{
    query->first = PyLong_AsLongLong(first);
    query->last = PyErr_Occurred() ? 0 : PyLong_AsLongLong(last);
    return PyErr_Occurred() ? -1 : 0;
}

/* (store, tickers, zone, first, last[, rules, market]) */
static PyObject *wait_for_history(PyObject *self, PyObject *const *arguments, bool of_signals)
{
    PyObject *const all[] = {self, arguments[0], arguments[1], arguments[2]};
    za_query *query = new_query(za_state_of_type(Py_TYPE(self)), all);
    if (query == NULL) {
        return NULL;
    }
    bool is_taken = take_times(query, arguments[3], arguments[4]) == 0 &&
                    (!of_signals || take_past(query, arguments[5], arguments[6]) == 0);
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

static void post(za_query *query)
{
    za_port_post(query->delivery.port, &query->delivery.completion);
}

/* The last worker's part: no Python here. */
static void run_done(za_job *job)
{
    za_query *query = (za_query *)(void *)((char *)job - offsetof(za_query, run.job));
    query->code = za_run_finish(&query->run, &query->error);
    post(query);
}

static za_query *query_of_pin(za_job *job)
{
    return (za_query *)(void *)((char *)job - offsetof(za_query, pin));
}

static void run_pin(za_job *job, size_t begin, size_t end, za_scratch *scratch)
{
    za_query *query = query_of_pin(job);
    (void)begin, (void)end, (void)scratch;
    query->code = pin(query, &query->error);
    if (query->code == ZA_OK && breadth_job(query) == NULL) {
        query->code = prepare(query, &query->error);
    }
}

static void pin_done(za_job *job)
{
    za_query *query = query_of_pin(job);
    if (job->code == ZA_EXPIRED) {
        query->code = za_fail(&query->error, ZA_EXPIRED, "the deadline passed before the features were done");
    } else if (job->code != ZA_OK) {
        query->code = za_fail(&query->error, job->code, "the computation of features was cancelled");
    }
    post(query);
}

static void breadth_done(za_job *job)
{
    za_past *past = (za_past *)(void *)((char *)job - offsetof(za_past, history.breadth.job));
    za_query *query = past->owner;
    query->code = prepare(query, &query->error);
    post(query);
}

/* Into the pool, which holds a reference from then on; 0, or -1 with an exception raised. */
static int send(za_query *query, za_job *job)
{
    za_pool *pool = za_pool_shared();
    za_error error;
    Py_INCREF((PyObject *)query);
    za_code code =
        pool == NULL ? za_fail(&error, ZA_SYSTEM, "there is no native pool") : za_pool_submit(pool, job, &error);
    if (code != ZA_OK) {
        Py_DECREF((PyObject *)query);
        (void)za_raise(&error);
        return -1;
    }
    return 0;
}

static int send_run(za_query *query)
{
    za_error error;
    query->stage = ZA_STAGE_ROWS;
    if (make_arrays(query) < 0) {
        return -1;
    }
    if (za_run_init(&query->run, &error) != ZA_OK) {
        (void)za_raise(&error);
        return -1;
    }
    za_job *job = &query->run.job;
    job->done = run_done;
    za_terms_apply(&query->terms, job);
    return send(query, job);
}

static int send_pin(za_query *query)
{
    query->stage = ZA_STAGE_PIN;
    query->pin = (za_job){.run = run_pin, .done = pin_done, .count = 1, .grain = 1, .urgency = ZA_NORMAL};
    za_terms_apply(&query->terms, &query->pin);
    return send(query, &query->pin);
}

static int send_breadth(za_query *query)
{
    za_job *job = breadth_job(query);
    query->stage = ZA_STAGE_BREADTH;
    job->done = breadth_done;
    za_terms_apply(&query->terms, job);
    return send(query, job);
}

/* What follows the pin and the breadth: the next job, or nothing where there are no rows. 1 or -1 as `deliver`. */
static int go_on(za_state *state, za_query *query)
{
    bool has_breadth = query->stage == ZA_STAGE_PIN && breadth_job(query) != NULL;
    if (has_breadth || (query->run.rows > 0 && query->run.count > 0)) {
        int sent = has_breadth ? send_breadth(query) : send_run(query);
        return sent == 0 ? 1 : za_future_resolve(state, query->future, NULL) < 0 ? -1 : 1;
    }
    return za_future_resolve(state, query->future, make_arrays(query) < 0 ? NULL : result_of(query)) < 0 ? -1 : 1;
}

/* The next job of a history, or what came out. */
static int deliver(za_state *state, za_delivery *delivery, za_budget *budget)
{
    za_query *query = (za_query *)delivery;
    budget->results--;
    int done = za_future_is_done(state, query->future);
    if (done < 0) {
        PyErr_WriteUnraisable(query->future);
    }
    if (done != 0) {
        return 1;
    }
    if (query->code == ZA_OK && query->stage != ZA_STAGE_ROWS) {
        return go_on(state, query);
    }
    PyObject *result = query->code == ZA_OK ? result_of(query) : za_raise(&query->error);
    return za_future_resolve(state, query->future, result) < 0 ? -1 : 1;
}

static void abandon(za_delivery *delivery)
{
    Py_CLEAR(((za_query *)delivery)->future);
}

static const za_delivery_kind delivery_kind = {deliver, abandon};

/* The future's own callback: if it was cancelled, what has not begun is given up. */
static PyObject *query_call(PyObject *self, PyObject *arguments, PyObject *keywords)
{
    (void)keywords;
    za_query *query = (za_query *)self;
    int cancelled = za_future_was_cancelled(za_state_of_type(Py_TYPE(self)), arguments);
    if (cancelled < 0) {
        return NULL;
    }
    /* Not in a forked child: the job is the parent's, and this process's pool knows nothing of it. */
    za_job *job = query->stage == ZA_STAGE_PIN       ? &query->pin
                  : query->stage == ZA_STAGE_BREADTH ? breadth_job(query)
                                                     : &query->run.job;
    za_pool *pool = cancelled ? za_pool_shared() : NULL;
    if (pool != NULL && pool == job->pool) {
        za_run_cancel(&query->run);
        if (query->stage == ZA_STAGE_BREADTH) {
            za_breadth_history_cancel(&query->past->history.breadth);
        }
        za_pool_cancel(pool, job);
    }
    Py_RETURN_NONE;
}

/* Sends the query for a new future, which is returned. */
static PyObject *ask(za_port_object *port, PyObject *loop, za_query *query)
{
    za_state *state = za_port_state(port);
    PyObject *future = za_port_new_future(port, loop);
    if (future == NULL || za_future_call_back(state, future, &query->delivery) < 0 || za_port_check_open(port) < 0) {
        Py_XDECREF(future);
        return NULL;
    }
    query->future = Py_NewRef(future);
    za_delivery_attach(&query->delivery, port->port, (PyObject *)port);
    port->requests++;
    port->batches++;
    int failed;
    if (query->run.last && query->run.count == 0) {
        failed = za_future_resolve(state, future, make_arrays(query) < 0 ? NULL : result_of(query));
    } else {
        failed = query->run.last ? send_run(query) : send_pin(query);
    }
    if (failed < 0) { /* nobody will resolve the future, which calls back the query that holds it */
        Py_CLEAR(query->future);
        Py_CLEAR(future);
    }
    return future;
}

typedef enum za_question { ZA_LATEST, ZA_HISTORY, ZA_SIGNAL_HISTORY } za_question;

/* (loop, plan, store, tickers, zone, [first, last, [rules, market,]] urgency, deadline_ns) -> future of (times, bars,
 * values) */
static PyObject *ask_for(PyObject *self, PyObject *const *arguments, Py_ssize_t count, za_question question)
{
    static const char *const names[] = {"latest", "history", "signal_history"};
    static const Py_ssize_t counts[] = {7, 9, 11};
    if (za_check_count(names[question], count, counts[question]) < 0) {
        return NULL;
    }
    za_port_object *port = (za_port_object *)self;
    za_terms terms;
    if (za_port_check_open(port) < 0 || za_terms_of(arguments + count - 2, &terms) < 0) {
        return NULL;
    }
    za_query *query = new_query(za_port_state(port), arguments + 1);
    if (query == NULL) {
        return NULL;
    }
    query->run.last = question == ZA_LATEST;
    query->terms = terms;
    bool is_taken = (question == ZA_LATEST || take_times(query, arguments[5], arguments[6]) == 0) &&
                    (question != ZA_SIGNAL_HISTORY || take_past(query, arguments[7], arguments[8]) == 0);
    PyObject *future = is_taken ? ask(port, arguments[0], query) : NULL;
    Py_DECREF((PyObject *)query);
    return future;
}

static PyObject *ask_locked(PyObject *self, PyObject *const *arguments, Py_ssize_t count, za_question question)
{
    PyObject *future;
    Py_BEGIN_CRITICAL_SECTION(self);
    future = ask_for(self, arguments, count, question);
    Py_END_CRITICAL_SECTION();
    return future;
}

PyObject *za_port_latest(PyObject *self, PyObject *const *arguments, Py_ssize_t count)
{
    return ask_locked(self, arguments, count, ZA_LATEST);
}

PyObject *za_port_history(PyObject *self, PyObject *const *arguments, Py_ssize_t count)
{
    return ask_locked(self, arguments, count, ZA_HISTORY);
}

PyObject *za_port_signal_history(PyObject *self, PyObject *const *arguments, Py_ssize_t count)
{
    return ask_locked(self, arguments, count, ZA_SIGNAL_HISTORY);
}

static PyType_Slot slots[] = {
    {Py_tp_doc, "A plan under way over the tickers of a store; called back by its future."},
    {Py_tp_dealloc, query_dealloc},
    {Py_tp_call, query_call},
    {0, NULL},
};

PyType_Spec za_query_spec = {
    .name = "ziggy_async._core.Query",
    .basicsize = sizeof(za_query),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = slots,
};
