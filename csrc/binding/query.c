/* A plan over the tickers of a store: computed while the caller waits, or for a future. A history takes two jobs, since
 * its arrays can be made only when the bars are pinned and counted; so does a plan with sources, whose stages are all
 * to see the same bars. */
#include "binding/query.h"

#include "binding/arguments.h"
#include "binding/arrays.h"
#include "binding/plan_object.h"
#include "binding/port_object.h"

#include "base/memory.h"
#include "binding/convert.h"
#include "binding/delivery.h"
#include "binding/plan_others.h"
#include "plan/run.h"
#include "plan/stages.h"
#include "pool/wait.h"

/* `run`, `code` and `error` belong to the pool between submission and the port's take; all else is touched with the GIL
 * held only. */
typedef struct za_query {
    za_delivery delivery; /* first */
    za_run run;
    za_stages *stages; /* of a plan with sources */
    za_plan_others others;
    za_job pin;          /* of a history or of stages: the first job */
    za_pool *pool;       /* that has a job of it */
    int64_t first, last; /* times of a history's rows, both included */
    za_code code;
    za_error error;
    int pinning; /* what is under way is the first job */
    za_terms terms;
    za_plan_object *plan;
    za_store_object *store;
    PyObject *tickers, *zone, *future;
    za_symbol *symbols; /* which point into the tickers */
    PyObject *values, *times, *bars;
} za_query;

static const za_delivery_kind delivery_kind;

static void query_dealloc(PyObject *self)
{
    za_query *query = (za_query *)self;
    PyTypeObject *type = Py_TYPE(self);
    za_stages_free(query->stages);
    za_others_release(&query->others);
    za_run_release(&query->run);
    za_free(query->symbols);
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
    za_query *query = store == NULL || za_plan_check_store(plan) < 0 ? NULL : (za_query *)type->tp_alloc(type, 0);
    if (query == NULL) {
        return NULL;
    }
    query->delivery.kind = &delivery_kind;
    query->plan = (za_plan_object *)Py_NewRef((PyObject *)plan);
    query->store = (za_store_object *)Py_NewRef((PyObject *)store);
    query->zone = Py_NewRef(arguments[3]);
    query->tickers = za_symbol_tuple(arguments[2]);
    query->symbols = query->tickers == NULL ? NULL : za_asked_symbols_of(query->tickers);
    if (query->symbols == NULL || za_zone_of(query->zone, &query->run.zone) < 0) {
        Py_DECREF((PyObject *)query);
        return NULL;
    }
    query->run.plan = plan->plan;
    query->run.count = (size_t)PyTuple_GET_SIZE(query->tickers);
    query->run.tickers = (za_tickers){.store = store->store, .symbols = query->symbols, .figures = plan->figures};
    za_asked_tickers asked = {store->store, query->symbols, query->run.count};
    if (za_plan_has_sources(plan->plan) && za_others_of_store(plan, asked, &query->others) < 0) {
        Py_DECREF((PyObject *)query);
        return NULL;
    }
    return query;
}

/* Whether its bars are pinned before it computes. */
static bool is_pinned(const za_query *query)
{
    return !query->run.last || za_plan_has_sources(query->run.plan);
}

/* Pins the bars, and finds the stages. Any thread, without the GIL. */
static za_code pin(za_query *query, za_error *error)
{
    za_code code = za_run_pin(&query->run, query->first, query->last, error);
    return code == ZA_OK && za_plan_has_sources(query->run.plan)
               ? za_stages_new(&query->run, &query->others.others, &query->stages, error)
               : code;
}

/* The arrays that the run fills: a row for each ticker, or for each bar of a history. */
static int make_arrays(za_query *query)
{
    za_run *run = &query->run;
    run->rows = run->last ? (int64_t)run->count : run->rows;
    npy_intp rows = (npy_intp)run->rows, shape[] = {rows, za_plan_output_count(run->plan)};
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

/* (times, bars, values) */
static PyObject *result_of(const za_query *query)
{
    return PyTuple_Pack(3, query->times, query->bars, query->values);
}

static PyObject *wait_for(za_query *query)
{
    za_error error;
    za_code code = ZA_OK;
    if (is_pinned(query)) {
        Py_BEGIN_ALLOW_THREADS
        code = pin(query, &error);
        Py_END_ALLOW_THREADS
    }
    if (code == ZA_OK && make_arrays(query) < 0) {
        return NULL;
    }
    code = code == ZA_OK ? za_run_init(&query->run, &error) : code;
    if (code == ZA_OK) {
        Py_BEGIN_ALLOW_THREADS
        code = query->stages != NULL ? za_stages_wait(query->stages, za_pool_shared(), &error)
                                     : za_run_wait(&query->run, za_pool_shared(), &error);
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

/* The times of a history's rows. */
static int take_times(za_query *query, PyObject *first, PyObject *last)
{
    query->first = PyLong_AsLongLong(first);
    query->last = PyErr_Occurred() ? 0 : PyLong_AsLongLong(last);
    return PyErr_Occurred() ? -1 : 0;
}

PyObject *za_plan_history(PyObject *self, PyObject *const *arguments, Py_ssize_t count)
{
    if (za_check_count("history", count, 5) < 0) {
        return NULL;
    }
    PyObject *const all[] = {self, arguments[0], arguments[1], arguments[2]};
    za_query *query = new_query(za_state_of_type(Py_TYPE(self)), all);
    if (query == NULL) {
        return NULL;
    }
    PyObject *result = take_times(query, arguments[3], arguments[4]) < 0 ? NULL : wait_for(query);
    Py_DECREF((PyObject *)query);
    return result;
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

/* Into the pool, which holds a reference from then on; 0, or -1 with an exception raised. `job` is NULL for the
 * stages. */
static int send(za_query *query, za_job *job)
{
    za_pool *pool = query->pool = za_pool_shared();
    za_error error;
    Py_INCREF((PyObject *)query);
    za_code code = pool == NULL  ? za_fail(&error, ZA_SYSTEM, "there is no native pool")
                   : job != NULL ? za_pool_submit(pool, job, &error)
                                 : za_stages_submit(query->stages, pool, &error);
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
    return send(query, query->stages != NULL ? NULL : job);
}

static int send_pin(za_query *query)
{
    query->pinning = 1;
    query->pin = (za_job){.run = run_pin, .done = pin_done, .count = 1, .grain = 1, .urgency = ZA_NORMAL};
    za_terms_apply(&query->terms, &query->pin);
    return send(query, &query->pin);
}

/* The second job of a history, or what came out. */
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
    if (query->code == ZA_OK && query->pinning) {
        query->pinning = 0;
        if ((query->run.rows > 0 || query->run.last) && query->run.count > 0) {
            return send_run(query) == 0 ? 1 : za_future_resolve(state, query->future, NULL) < 0 ? -1 : 1;
        }
        return za_future_resolve(state, query->future, make_arrays(query) < 0 ? NULL : result_of(query)) < 0 ? -1 : 1;
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
    za_pool *pool = cancelled ? za_pool_shared() : NULL;
    if (pool != NULL && pool == query->pool) {
        za_run_cancel(&query->run);
        if (query->pinning) {
            za_pool_cancel(pool, &query->pin);
        } else if (query->stages != NULL) {
            za_stages_cancel(query->stages, pool);
        } else {
            za_pool_cancel(pool, &query->run.job);
        }
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
        failed = is_pinned(query) ? send_pin(query) : send_run(query);
    }
    if (failed < 0) { /* nobody will resolve the future, which calls back the query that holds it */
        Py_CLEAR(query->future);
        Py_CLEAR(future);
    }
    return future;
}

/* (loop, plan, store, tickers, zone, [first, last,] urgency, deadline_ns) -> future of (times, bars, values) */
static PyObject *ask_for(PyObject *self, PyObject *const *arguments, Py_ssize_t count, bool last)
{
    if (za_check_count(last ? "latest" : "history", count, last ? 7 : 9) < 0) {
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
    query->run.last = last;
    query->terms = terms;
    PyObject *future =
        !last && take_times(query, arguments[5], arguments[6]) < 0 ? NULL : ask(port, arguments[0], query);
    Py_DECREF((PyObject *)query);
    return future;
}

PyObject *za_port_latest(PyObject *self, PyObject *const *arguments, Py_ssize_t count)
{
    PyObject *future;
    Py_BEGIN_CRITICAL_SECTION(self);
    future = ask_for(self, arguments, count, true);
    Py_END_CRITICAL_SECTION();
    return future;
}

PyObject *za_port_history(PyObject *self, PyObject *const *arguments, Py_ssize_t count)
{
    PyObject *future;
    Py_BEGIN_CRITICAL_SECTION(self);
    future = ask_for(self, arguments, count, false);
    Py_END_CRITICAL_SECTION();
    return future;
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
