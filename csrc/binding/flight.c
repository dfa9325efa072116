#include "binding/flight.h"

#include <stddef.h>

#include "base/clock.h"
#include "base/memory.h"
#include "binding/convert.h"
#include "binding/results.h"

za_flight *za_flight_of(za_completion *completion)
{
    return (za_flight *)(void *)((char *)completion - offsetof(za_flight, completion));
}

static za_flight *flight_of_job(za_job *job)
{
    return (za_flight *)(void *)((char *)job - offsetof(za_flight, request.job));
}

static void flight_dealloc(PyObject *self)
{
    za_flight *flight = (za_flight *)self;
    PyTypeObject *type = Py_TYPE(self);
    za_free(flight->request.answers);
    za_free(flight->symbols);
    za_port_release(flight->port);
    Py_XDECREF(flight->port_object);
    Py_XDECREF((PyObject *)flight->store);
    Py_XDECREF(flight->tickers);
    Py_XDECREF(flight->futures);
    Py_XDECREF(flight->future);
    Py_XDECREF(flight->result);
    type->tp_free(self);
    Py_DECREF(type);
}

za_flight *za_flight_new(za_state *state, za_request_kind kind, za_store_object *store)
{
    PyTypeObject *type = (PyTypeObject *)state->flight_type;
    za_flight *flight = (za_flight *)type->tp_alloc(type, 0);
    if (flight == NULL) {
        return NULL;
    }
    flight->request.kind = kind;
    flight->store = (za_store_object *)Py_NewRef((PyObject *)store);
    flight->tickers = PyList_New(0);
    flight->futures = PyList_New(0);
    if (flight->tickers == NULL || flight->futures == NULL) {
        Py_CLEAR(flight);
    }
    return flight;
}

static int make_room(za_flight *flight)
{
    if (flight->count < flight->room) {
        return 0;
    }
    Py_ssize_t room = flight->room * 2 + 16;
    za_symbol *symbols = za_resize(flight->symbols, (size_t)room, sizeof *symbols);
    if (symbols == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    flight->symbols = symbols;
    flight->room = room;
    return 0;
}

int za_flight_board(za_flight *flight, PyObject *ticker, PyObject *future)
{
    if (make_room(flight) < 0 || za_symbol_of(ticker, &flight->symbols[flight->count]) < 0 ||
        PyList_Append(flight->tickers, ticker) < 0) {
        return -1;
    }
    if (PyList_Append(flight->futures, future) < 0) {
        (void)PyList_SetSlice(flight->tickers, flight->count, flight->count + 1, NULL);
        return -1;
    }
    flight->count++;
    return 0;
}

za_flight *za_flight_of_list(za_state *state, za_request_kind kind, za_store_object *store, PyObject *tickers,
                             PyObject *future)
{
    PyObject *tuple = za_symbol_tuple(tickers);
    za_flight *flight = tuple == NULL ? NULL : za_flight_new(state, kind, store);
    if (flight == NULL) {
        goto failed;
    }
    Py_CLEAR(flight->futures);
    Py_SETREF(flight->tickers, PySequence_List(tuple));
    flight->symbols = za_symbols_of(tuple);
    flight->count = PyTuple_GET_SIZE(tuple);
    flight->future = Py_NewRef(future);
    flight->result = PyDict_New();
    if (flight->tickers == NULL || flight->symbols == NULL || flight->result == NULL) {
        goto failed;
    }
    PyObject *attached = PyObject_CallMethodOneArg(future, state->str_add_done_callback, (PyObject *)flight);
    if (attached == NULL) {
        goto failed;
    }
    Py_DECREF(attached);
    Py_DECREF(tuple);
    return flight;
failed:
    Py_XDECREF(tuple);
    Py_XDECREF(flight);
    return NULL;
}

/* The future's own callback: if it was cancelled, the part of the job that nobody works on yet is given up. */
static PyObject *flight_call(PyObject *self, PyObject *arguments, PyObject *keywords)
{
    (void)keywords;
    za_flight *flight = (za_flight *)self;
    za_state *state = za_state_of_type(Py_TYPE(self));
    PyObject *future = PyTuple_GET_SIZE(arguments) == 1 ? PyTuple_GET_ITEM(arguments, 0) : NULL;
    if (future == NULL) {
        PyErr_SetString(PyExc_TypeError, "a flight is called with its future");
        return NULL;
    }
    PyObject *cancelled = PyObject_CallMethodNoArgs(future, state->str_cancelled);
    if (cancelled == NULL) {
        return NULL;
    }
    za_pool *pool = cancelled == Py_True && flight->port != NULL ? za_pool_shared() : NULL;
    Py_DECREF(cancelled);
    if (pool != NULL) {
        za_pool_cancel(pool,
                       &flight->request.job); /* a job that is done has nothing unclaimed: then this does nothing */
    }
    Py_RETURN_NONE;
}

/* The last worker's part: no Python here. */
static void job_done(za_job *job)
{
    za_flight *flight = flight_of_job(job);
    flight->code = za_request_finish(&flight->request, &flight->error);
    za_port_post(flight->port, &flight->completion);
}

int za_flight_depart(za_flight *flight, za_port *port, PyObject *port_object)
{
    za_rules rules = flight->request.rules;
    za_pool *pool = za_pool_shared();
    za_answer *answers = za_alloc((size_t)flight->count, sizeof *answers);
    if (answers == NULL || pool == NULL) {
        za_free(answers);
        flight->code = answers == NULL ? za_fail_memory(&flight->error)
                                       : za_fail(&flight->error, ZA_SYSTEM, "the native pool is closed");
        return -1;
    }
    za_request_init(&flight->request, flight->request.kind, flight->store->store, flight->symbols, answers,
                    (size_t)flight->count);
    flight->request.rules = rules;
    flight->request.job.done = job_done;
    za_port_retain(port);
    flight->port = port;
    flight->port_object = Py_NewRef(port_object);
    Py_INCREF(flight);
    flight->code = za_pool_submit(pool, &flight->request.job, &flight->error);
    if (flight->code != ZA_OK) {
        Py_DECREF(flight);
        return -1;
    }
    return 0;
}

/* Whether nobody waits for it any more; -1 with an exception. */
static int is_done(za_state *state, PyObject *future)
{
    PyObject *done = PyObject_CallMethodNoArgs(future, state->str_done);
    int answer = done == NULL ? -1 : PyObject_IsTrue(done);
    Py_XDECREF(done);
    return answer;
}

/* Sets result or exception (the one raised now, if `value` is NULL); takes over `value`. A future done meanwhile is let
 * be. -1 only with an exception that is to go on. */
static int resolve(za_state *state, PyObject *future, PyObject *value)
{
    PyObject *name = state->str_set_result;
    if (value == NULL) {
        if (!PyErr_ExceptionMatches(PyExc_Exception)) {
            return -1;
        }
        name = state->str_set_exception;
        value = za_take_exception();
    }
    int done = is_done(state, future);
    PyObject *answer = done == 0 ? PyObject_CallMethodOneArg(future, name, value) : NULL;
    Py_DECREF(value);
    Py_XDECREF(answer);
    if (PyErr_Occurred()) {
        if (!PyErr_ExceptionMatches(PyExc_Exception)) {
            return -1;
        }
        PyErr_WriteUnraisable(future); /* one item's fault never stops the others */
    }
    return 0;
}

static PyObject *next_result(za_state *state, za_flight *flight)
{
    return za_result_of(state, &flight->request, PyList_GET_ITEM(flight->tickers, flight->built),
                        &flight->request.answers[flight->built], flight->store->naive);
}

/* One result more: false when the turn is over. */
static int spend(za_budget *budget)
{
    enum { LOOK_EVERY = 8 }; /* results between two looks at the clock */
    if (budget->results % LOOK_EVERY == 0 && za_clock_ns() >= budget->until_ns) {
        budget->results = 0;
    }
    return budget->results > 0 ? budget->results-- : 0;
}

static int unload_singles(za_state *state, za_flight *flight, za_budget *budget)
{
    for (; flight->built < flight->count && spend(budget); flight->built++) {
        PyObject *future = PyList_GET_ITEM(flight->futures, flight->built);
        int done = is_done(state, future);
        if (done == 0 && resolve(state, future, next_result(state, flight)) < 0) {
            flight->built++;
            return -1;
        }
        if (done < 0) {
            PyErr_WriteUnraisable(future);
        }
    }
    return flight->built == flight->count;
}

static int unload_list(za_state *state, za_flight *flight, za_budget *budget)
{
    int done = is_done(state, flight->future);
    if (done != 0) {
        PyErr_Clear();
        return 1;
    }
    for (; flight->built < flight->count && spend(budget); flight->built++) {
        PyObject *result = next_result(state, flight);
        int failed = result == NULL ||
                     PyDict_SetItem(flight->result, PyList_GET_ITEM(flight->tickers, flight->built), result) < 0;
        Py_XDECREF(result);
        if (failed) {
            return resolve(state, flight->future, NULL) < 0 ? -1 : 1;
        }
    }
    if (flight->built < flight->count) {
        return 0;
    }
    return resolve(state, flight->future, Py_NewRef(flight->result)) < 0 ? -1 : 1;
}

int za_flight_unload(za_state *state, za_flight *flight, za_budget *budget)
{
    if (flight->code != ZA_OK) {
        za_flight_fail(state, flight, &flight->error);
        return 1;
    }
    return flight->futures != NULL ? unload_singles(state, flight, budget) : unload_list(state, flight, budget);
}

void za_flight_fail(za_state *state, za_flight *flight, const za_error *error)
{
    for (Py_ssize_t i = flight->built; flight->futures != NULL && i < flight->count; i++) {
        (void)za_raise(error);
        (void)resolve(state, PyList_GET_ITEM(flight->futures, i), NULL);
    }
    if (flight->future != NULL) {
        (void)za_raise(error);
        (void)resolve(state, flight->future, NULL);
    }
    flight->built = flight->count;
}

static PyType_Slot slots[] = {
    {Py_tp_doc, "A request under way; called back by its future."},
    {Py_tp_dealloc, flight_dealloc},
    {Py_tp_call, flight_call},
    {0, NULL},
};

PyType_Spec za_flight_spec = {
    .name = "ziggy_async._core.Flight",
    .basicsize = sizeof(za_flight),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = slots,
};
