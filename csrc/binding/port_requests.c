/* Requests of a loop: single ones share a batch until the loop's next turn, a list is a batch of its own. */
#include "binding/convert.h"
#include "binding/port_object.h"
#include "binding/requests.h"

/* A batch of single requests that has grown to this is submitted before the loop's turn is over: it is computed while
 * the loop still makes the others. */
enum { MOST_SINGLES = 2048 };

/* Into the pool. If that does not take it, its futures get the error; -1 with an exception that is to go on. */
static int submit(za_port_object *self, za_batch *batch)
{
    self->batches++;
    return za_batch_submit(batch, self->port, (PyObject *)self) < 0
               ? za_batch_fail(za_port_state(self), batch, &batch->error)
               : 0;
}

/* The loop's turn after the first request of a batch: every open batch is submitted. */
PyObject *za_port_flush(za_port_object *self)
{
    PyObject *first = NULL;
    while (self->open != NULL) {
        za_batch *batch = self->open;
        self->open = batch->next;
        batch->next = NULL;
        /* Of none when there was no memory for the only request that came. */
        if (batch->count > 0 && submit(self, batch) < 0) {
            za_keep_first_exception(&first);
        }
        Py_DECREF(batch);
    }
    if (first != NULL) {
        za_put_back_exception(first);
        return NULL;
    }
    return Py_NewRef(Py_None);
}

int za_port_has_plain_futures(za_state *state, PyObject *loop)
{
    PyObject *create = PyObject_GetAttr((PyObject *)Py_TYPE(loop), state->str_create_future);
    int plain = create == NULL ? -1 : create == state->create_future;
    Py_XDECREF(create);
    return plain;
}

PyObject *za_port_new_future(za_port_object *self, PyObject *loop)
{
    za_state *state = za_port_state(self);
    return self->plain_futures ? PyObject_Vectorcall(state->Future, &loop, 0, state->loop_keyword)
                               : PyObject_CallMethodNoArgs(loop, state->str_create_future);
}

/* Takes a batch out of the open ones; its reference goes to the caller. */
static void unlink_open(za_port_object *self, const za_batch *batch)
{
    za_batch **at = &self->open;
    while (*at != batch) {
        at = &(*at)->next;
    }
    *at = batch->next;
}

int za_port_check_open(za_port_object *self)
{
    if (self->closed) {
        PyErr_SetString(PyExc_RuntimeError, "the port of this event loop is closed");
        return -1;
    }
    return 0;
}

/* The open batch for such requests, made if there is none; borrowed, and good until Python runs again: any call of the
 * loop may flush or close the port. */
static za_batch *open_batch(za_port_object *self, PyObject *loop, za_request_kind kind, za_store_object *store,
                            za_tally *tally)
{
    za_state *state = za_port_state(self);
    for (za_batch *batch = self->open; batch != NULL; batch = batch->next) {
        if (batch->request.kind == kind && batch->store == store && batch->tally == tally) {
            return batch;
        }
    }
    za_batch *batch = za_batch_new(state, kind, store, tally);
    if (batch == NULL ||
        (self->open == NULL && za_port_call_loop(loop, state->str_call_soon, NULL, self, state->str_flush) < 0) ||
        za_port_check_open(self) < 0) {
        Py_XDECREF((PyObject *)batch);
        return NULL;
    }
    batch->next = self->open;
    self->open = batch;
    return batch;
}

/* (loop, store, symbol) -> future. Whatever may run Python comes before the batch is looked for. */
static PyObject *add_single(za_port_object *self, PyObject *const *arguments, za_request_kind kind, za_tally *tally)
{
    za_state *state = za_port_state(self);
    za_symbol symbol;
    za_store_object *store = za_port_check_open(self) < 0 ? NULL : za_store_argument(state, arguments[1]);
    if (store == NULL || za_asked_symbol_of(arguments[2], &symbol) < 0) {
        return NULL;
    }
    PyObject *future = za_port_new_future(self, arguments[0]);
    za_batch *batch = future == NULL ? NULL : open_batch(self, arguments[0], kind, store, tally);
    if (batch == NULL || za_batch_add(batch, arguments[2], symbol, future) < 0) {
        Py_XDECREF(future);
        return NULL;
    }
    self->requests++;
    if (batch->count == MOST_SINGLES) {
        unlink_open(self, batch);
        batch->next = NULL;
        if (submit(self, batch) < 0) {
            Py_CLEAR(future);
        }
        Py_DECREF(batch);
    }
    return future;
}

/* (loop, store, symbols) -> future of the dict */
static PyObject *submit_list(za_port_object *self, PyObject *const *arguments, const za_request *asked)
{
    za_state *state = za_port_state(self);
    za_store_object *store = za_port_check_open(self) < 0 ? NULL : za_store_argument(state, arguments[1]);
    PyObject *future = store == NULL ? NULL : za_port_new_future(self, arguments[0]);
    if (future == NULL) {
        return NULL;
    }
    za_batch *batch = za_batch_of_list(state, asked->kind, store, arguments[2], future);
    if (batch == NULL || za_port_check_open(self) < 0) {
        Py_XDECREF((PyObject *)batch);
        Py_DECREF(future);
        return NULL;
    }
    self->requests++;
    za_budget none = {0};
    batch->request.rules = asked->rules;
    int failed = batch->count > 0 ? submit(self, batch) : batch->delivery.kind->deliver(state, &batch->delivery, &none);
    Py_DECREF(batch);
    if (failed < 0) {
        Py_CLEAR(future);
    }
    return future;
}

/* (loop, store, symbol, tally=None) -> future */
static PyObject *request_single(PyObject *self, PyObject *const *arguments, Py_ssize_t count, za_request_kind kind)
{
    PyObject *future;
    za_request asked = {.kind = kind};
    za_tally *tally = NULL;
    bool with_tally = count == 4;
    if ((with_tally && za_tally_argument(za_port_state((za_port_object *)self), arguments[3], &tally) < 0) ||
        za_request_arguments(&asked, arguments, with_tally ? 3 : count, 1) < 0) {
        return NULL;
    }
    Py_BEGIN_CRITICAL_SECTION(self);
    future = add_single((za_port_object *)self, arguments, kind, tally);
    Py_END_CRITICAL_SECTION();
    return future;
}

static PyObject *request_list(PyObject *self, PyObject *const *arguments, Py_ssize_t count, za_request_kind kind)
{
    PyObject *future;
    za_request asked = {.kind = kind};
    if (za_request_arguments(&asked, arguments, count, 1) < 0) {
        return NULL;
    }
    Py_BEGIN_CRITICAL_SECTION(self);
    future = submit_list((za_port_object *)self, arguments, &asked);
    Py_END_CRITICAL_SECTION();
    return future;
}

PyObject *za_port_features(PyObject *self, PyObject *const *arguments, Py_ssize_t count)
{
    return request_single(self, arguments, count, ZA_REQUEST_FEATURES);
}

PyObject *za_port_paper_features(PyObject *self, PyObject *const *arguments, Py_ssize_t count)
{
    return request_single(self, arguments, count, ZA_REQUEST_PAPER);
}

PyObject *za_port_features_many(PyObject *self, PyObject *const *arguments, Py_ssize_t count)
{
    return request_list(self, arguments, count, ZA_REQUEST_FEATURES);
}

PyObject *za_port_signals(PyObject *self, PyObject *const *arguments, Py_ssize_t count)
{
    return request_list(self, arguments, count, ZA_REQUEST_SIGNALS);
}
