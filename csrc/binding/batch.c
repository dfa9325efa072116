#include "binding/batch.h"

#include <stddef.h>

#include "base/clock.h"
#include "base/memory.h"
#include "binding/convert.h"
#include "binding/results.h"
#include "pool/shared_pool.h"

static const za_delivery_kind delivery_kind;

static za_batch *batch_of_job(za_job *job)
{
    return (za_batch *)(void *)((char *)job - offsetof(za_batch, request.run.job));
}

static void batch_dealloc(PyObject *self)
{
    za_batch *batch = (za_batch *)self;
    PyTypeObject *type = Py_TYPE(self);
    za_request_release(&batch->request);
    za_free(batch->symbols);
    za_delivery_clear(&batch->delivery);
    Py_XDECREF((PyObject *)batch->store);
    Py_XDECREF((PyObject *)batch->plan);
    Py_XDECREF(batch->tickers);
    Py_XDECREF(batch->futures);
    Py_XDECREF(batch->future);
    Py_XDECREF(batch->result);
    Py_XDECREF((PyObject *)batch->tally);
    type->tp_free(self);
    Py_DECREF(type);
}

za_batch *za_batch_new(za_state *state, const za_asked *asked)
{
    PyTypeObject *type = (PyTypeObject *)state->batch_type;
    za_batch *batch = (za_batch *)type->tp_alloc(type, 0);
    if (batch == NULL) {
        return NULL;
    }
    batch->delivery.kind = &delivery_kind;
    batch->request.kind = asked->kind;
    batch->request.rules = asked->rules;
    batch->store = (za_store_object *)Py_NewRef((PyObject *)asked->store);
    batch->plan = (za_plan_object *)Py_NewRef((PyObject *)asked->plan);
    batch->tally = (za_tally *)Py_XNewRef((PyObject *)asked->tally);
    batch->opened_ns = za_clock_ns();
    batch->terms = asked->terms;
    batch->tickers = PyList_New(0);
    batch->futures = PyList_New(0);
    if (batch->tickers == NULL || batch->futures == NULL) {
        Py_CLEAR(batch);
        return NULL;
    }
    /* A collection of garbage, which cannot look into a batch, would find their thousands of items in use each time. */
    PyObject_GC_UnTrack(batch->tickers);
    PyObject_GC_UnTrack(batch->futures);
    return batch;
}

static int make_room(za_batch *batch)
{
    if (batch->count < batch->room) {
        return 0;
    }
    Py_ssize_t room = batch->room * 2 + 16;
    za_symbol *symbols = za_resize(batch->symbols, (size_t)room, sizeof *symbols);
    if (symbols == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    batch->symbols = symbols;
    batch->room = room;
    return 0;
}

int za_batch_add(za_batch *batch, PyObject *ticker, za_symbol symbol, PyObject *future)
{
    if (make_room(batch) < 0 || PyList_Append(batch->tickers, ticker) < 0) {
        return -1;
    }
    if (PyList_Append(batch->futures, future) < 0) {
        (void)PyList_SetSlice(batch->tickers, batch->count, batch->count + 1, NULL);
        return -1;
    }
    batch->symbols[batch->count++] = symbol;
    return 0;
}

za_batch *za_batch_of_list(za_state *state, const za_asked *asked, PyObject *future)
{
    PyObject *tuple = za_symbol_tuple(asked->symbols);
    za_batch *batch = tuple == NULL ? NULL : za_batch_new(state, asked);
    if (batch == NULL) {
        goto failed;
    }
    Py_CLEAR(batch->futures);
    Py_SETREF(batch->tickers, PySequence_List(tuple));
    batch->symbols = za_asked_symbols_of(tuple);
    batch->count = PyTuple_GET_SIZE(tuple);
    batch->future = Py_NewRef(future);
    batch->result = PyDict_New();
    if (batch->tickers == NULL || batch->symbols == NULL || batch->result == NULL) {
        goto failed;
    }
    if (za_future_call_back(state, future, &batch->delivery) < 0) {
        goto failed;
    }
    Py_DECREF(tuple);
    return batch;
failed:
    Py_XDECREF(tuple);
    Py_XDECREF(batch);
    return NULL;
}

/* The future's own callback: if it was cancelled, the part of the job that nobody works on yet is given up. */
static PyObject *batch_call(PyObject *self, PyObject *arguments, PyObject *keywords)
{
    (void)keywords;
    za_batch *batch = (za_batch *)self;
    int cancelled = za_future_was_cancelled(za_state_of_type(Py_TYPE(self)), arguments);
    if (cancelled < 0) {
        return NULL;
    }
    /* Not in a forked child: the job is the parent's, and this process's pool knows nothing of it. A job that is done
     * has nothing unclaimed: then this does nothing. */
    za_pool *pool = cancelled ? za_pool_shared() : NULL;
    if (pool != NULL && pool == batch->request.run.job.pool) {
        za_pool_cancel(pool, &batch->request.run.job);
    }
    Py_RETURN_NONE;
}

/* The last worker's part: no Python here. */
static void job_done(za_job *job)
{
    za_batch *batch = batch_of_job(job);
    batch->code = za_request_finish(&batch->request, &batch->error);
    za_port_post(batch->delivery.port, &batch->delivery.completion);
}

int za_batch_submit(za_batch *batch, za_port *port, PyObject *port_object)
{
    za_pool *pool = za_pool_shared();
    za_asked asked = {.store = batch->store, .plan = batch->plan};
    za_request_tickers(&batch->request, &asked, batch->symbols, (size_t)batch->count);
    batch->code = pool == NULL ? za_fail(&batch->error, ZA_SYSTEM, "there is no native pool")
                               : za_request_init(&batch->request, &batch->error);
    if (batch->code != ZA_OK) {
        return -1;
    }
    batch->request.run.job.done = job_done;
    za_terms_apply(&batch->terms, &batch->request.run.job);
    za_delivery_attach(&batch->delivery, port, port_object);
    Py_INCREF(batch);
    /* Once it is taken, `code` and `error` are the last worker's, who may have set them before this returns. */
    za_error error;
    za_code code = za_pool_submit(pool, &batch->request.run.job, &error);
    if (code != ZA_OK) {
        batch->code = code;
        batch->error = error;
        Py_DECREF(batch);
        return -1;
    }
    return 0;
}

static PyObject *next_result(za_state *state, za_batch *batch)
{
    return za_result_of(state, &batch->request, batch->plan, PyList_GET_ITEM(batch->tickers, batch->built),
                        &batch->request.answers[batch->built]);
}

/* One result more: false when the iteration is over. */
static int spend(za_budget *budget)
{
    enum { LOOK_EVERY = 8 }; /* results between two looks at the clock */
    if (budget->results % LOOK_EVERY == 0 && za_clock_ns() >= budget->until_ns) {
        budget->results = 0;
    }
    return budget->results > 0 ? budget->results-- : 0;
}

/* Counts `times` awaits whose results are handed out now. */
static void count(const za_batch *batch, int32_t times)
{
    const za_request *request = &batch->request;
    if (batch->tally != NULL && times > 0) {
        za_tally_record(batch->tally, &(za_await){.waiting_ns = request->run.began_ns - batch->opened_ns,
                                                  .running_ns = request->ended_ns - request->run.began_ns,
                                                  .total_ns = za_clock_ns() - batch->opened_ns,
                                                  .times = times});
    }
}

/* Results that nobody waits for any more are not counted. */
static int deliver_singles(za_state *state, za_batch *batch, za_budget *budget)
{
    int32_t waited_for = 0;
    int failed = 0;
    for (; !failed && batch->built < batch->count && spend(budget); batch->built++) {
        PyObject *future = PyList_GET_ITEM(batch->futures, batch->built);
        int done = za_future_is_done(state, future);
        if (done == 0) {
            failed = za_future_resolve(state, future, next_result(state, batch)) < 0;
            waited_for++;
        }
        if (done < 0) {
            PyErr_WriteUnraisable(future);
        }
    }
    count(batch, waited_for);
    return failed ? -1 : batch->built == batch->count;
}

static int deliver_list(za_state *state, za_batch *batch, za_budget *budget)
{
    int done = za_future_is_done(state, batch->future);
    if (done < 0) {
        PyErr_WriteUnraisable(batch->future);
    }
    if (done != 0) {
        return 1;
    }
    for (; batch->built < batch->count && spend(budget); batch->built++) {
        PyObject *result = next_result(state, batch);
        int failed =
            result == NULL || PyDict_SetItem(batch->result, PyList_GET_ITEM(batch->tickers, batch->built), result) < 0;
        Py_XDECREF(result);
        if (failed) {
            batch->built = batch->count;
            return za_future_resolve(state, batch->future, NULL) < 0 ? -1 : 1;
        }
    }
    if (batch->built < batch->count) {
        return 0;
    }
    return za_future_resolve(state, batch->future, Py_NewRef(batch->result)) < 0 ? -1 : 1;
}

static int deliver(za_state *state, za_delivery *delivery, za_budget *budget)
{
    za_batch *batch = (za_batch *)delivery;
    int delivered = batch->code != ZA_OK     ? (za_batch_fail(state, batch, &batch->error) < 0 ? -1 : 1)
                    : batch->futures != NULL ? deliver_singles(state, batch, budget)
                                             : deliver_list(state, batch, budget);
    delivery->unfinished = delivered != 1 && batch->built < batch->count;
    return delivered;
}

static int fail_future(za_state *state, PyObject *future, const za_error *error)
{
    (void)za_raise(error);
    return za_future_resolve(state, future, NULL);
}

int za_batch_fail(za_state *state, za_batch *batch, const za_error *error)
{
    PyObject *first = NULL;
    for (; batch->built < batch->count; batch->built++) {
        if (batch->futures != NULL && fail_future(state, PyList_GET_ITEM(batch->futures, batch->built), error) < 0) {
            za_keep_first_exception(&first);
        }
    }
    if (batch->future != NULL && fail_future(state, batch->future, error) < 0) {
        za_keep_first_exception(&first);
    }
    if (first != NULL) {
        za_put_back_exception(first);
        return -1;
    }
    return 0;
}

static void abandon(za_delivery *delivery)
{
    za_batch *batch = (za_batch *)delivery;
    Py_CLEAR(batch->future);
    Py_CLEAR(batch->futures);
}

static const za_delivery_kind delivery_kind = {deliver, abandon};

static PyType_Slot slots[] = {
    {Py_tp_doc, "A request under way; called back by its future."},
    {Py_tp_dealloc, batch_dealloc},
    {Py_tp_call, batch_call},
    {0, NULL},
};

PyType_Spec za_batch_spec = {
    .name = "ziggy_async._core.Batch",
    .basicsize = sizeof(za_batch),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = slots,
};
