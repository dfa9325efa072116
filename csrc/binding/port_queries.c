/* A plan over the tickers of a store for a future: one job after the other. */
#include "binding/port_queries.h"

#include "binding/query_object.h"

#include <stddef.h>

#include "binding/arguments.h"
#include "binding/convert.h"
#include "binding/port_object.h"
#include "pool/shared_pool.h"

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
    query->code = za_query_pin(query, &query->error);
    if (query->code == ZA_OK && za_query_breadth_job(query) == NULL) {
        query->code = za_query_prepare(query, &query->error);
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
    query->code = za_query_prepare(query, &query->error);
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
    query->stage = ZA_STAGE_ROWS;
    if (za_query_make_arrays(query) < 0) {
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
    query->stage = ZA_STAGE_PIN;
    query->pin = (za_job){.run = run_pin, .done = pin_done, .count = 1, .grain = 1, .urgency = ZA_NORMAL};
    za_terms_apply(&query->terms, &query->pin);
    return send(query, &query->pin);
}

static int send_breadth(za_query *query)
{
    za_job *job = za_query_breadth_job(query);
    query->stage = ZA_STAGE_BREADTH;
    job->done = breadth_done;
    za_terms_apply(&query->terms, job);
    return send(query, job);
}

/* Goes on after the pin and the breadth: with the next job, or with nothing where there are no rows. 1 or -1 as
 * `deliver`. */
static int go_on(za_state *state, za_query *query)
{
    bool has_breadth = query->stage == ZA_STAGE_PIN && za_query_breadth_job(query) != NULL;
    if (has_breadth || ((query->run.rows > 0 || query->run.last) && query->run.count > 0)) {
        int sent = has_breadth ? send_breadth(query) : send_run(query);
        return sent == 0 ? 1 : za_future_resolve(state, query->future, NULL) < 0 ? -1 : 1;
    }
    return za_future_resolve(state, query->future, za_query_make_arrays(query) < 0 ? NULL : za_query_result(query)) < 0
               ? -1
               : 1;
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
    PyObject *result = query->code == ZA_OK ? za_query_result(query) : za_raise(&query->error);
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
        if (query->stage == ZA_STAGE_PIN) {
            za_pool_cancel(pool, &query->pin);
        } else if (query->stage == ZA_STAGE_BREADTH) {
            za_breadth_history_cancel(&query->past->history.breadth);
            za_pool_cancel(pool, za_query_breadth_job(query));
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
    za_state *state = port->state;
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
        failed = za_future_resolve(state, future, za_query_make_arrays(query) < 0 ? NULL : za_query_result(query));
    } else {
        failed = za_query_is_pinned(query) ? send_pin(query) : send_run(query);
    }
    if (failed < 0) { /* nobody will resolve the future, which calls back the query that holds it */
        Py_CLEAR(query->future);
        Py_CLEAR(future);
    }
    return future;
}

typedef enum za_question { ZA_LATEST, ZA_HISTORY, ZA_SIGNAL_HISTORY } za_question;

/* (loop, plan, store, tickers, zone, [first, last, [rules, market,]] terms) -> future of (times, bars, values) */
static PyObject *ask_for(PyObject *self, PyObject *const *arguments, Py_ssize_t count, za_question question)
{
    static const char *const names[] = {"latest", "history", "signal_history"};
    static const Py_ssize_t counts[] = {6, 8, 10};
    if (za_check_count(names[question], count, counts[question]) < 0) {
        return NULL;
    }
    za_port_object *port = (za_port_object *)self;
    za_terms terms;
    if (za_port_check_open(port) < 0 || za_terms_of(arguments[count - 1], &terms) < 0) {
        return NULL;
    }
    za_query *query = za_query_new(port->state, arguments + 1);
    if (query == NULL) {
        return NULL;
    }
    query->delivery.kind = &delivery_kind;
    query->run.last = question == ZA_LATEST;
    query->terms = terms;
    bool is_taken = (question == ZA_LATEST || za_query_take_times(query, arguments[5], arguments[6]) == 0) &&
                    (question != ZA_SIGNAL_HISTORY || za_query_take_past(query, arguments[7], arguments[8]) == 0);
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
    {Py_tp_dealloc, za_query_dealloc},
    {Py_tp_call, query_call},
    {0, NULL},
};

PyType_Spec za_query_spec = {
    .name = "ziggy_async._core.Query",
    .basicsize = sizeof(za_query),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = slots,
};
