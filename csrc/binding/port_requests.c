/* Requests of a loop: single ones share a batch until the loop's next iteration, a list is a batch of its own. */
#include "binding/port_requests.h"

#include "binding/convert.h"
#include "binding/requests.h"

/* A batch of single requests that has grown to this is submitted before the loop's iteration is over: it is computed
 * while the loop still makes the others. */
enum { MOST_SINGLES = 2048 };

/* Into the pool. If that does not take it, its futures get the error; -1 with an exception that is to go on. */
static int submit(za_port_object *self, za_batch *batch)
{
    self->batches++;
    return za_batch_submit(batch, self->port, (PyObject *)self) < 0 ? za_batch_fail(self->state, batch, &batch->error)
                                                                    : 0;
}

/* The loop's iteration after the first request of a batch: every open batch is submitted. */
PyObject *za_port_flush(za_port_object *self)
{
    PyObject *first = NULL;
    while (self->open != NULL) {
        za_batch *batch = self->open;
        self->open = batch->next;
        batch->next = NULL;
        /* It is empty when there was no memory for the only request that came. */
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

/* Takes a batch out of the open ones; its reference goes to the caller. */
static void unlink_open(za_port_object *self, const za_batch *batch)
{
    za_batch **at = &self->open;
    while (*at != batch) {
        at = &(*at)->next;
    }
    *at = batch->next;
}

/* The open batch for such requests, made if there is none; borrowed, and good until Python runs again: any call of the
 * loop may flush or close the port. */
static za_batch *open_batch(za_port_object *self, PyObject *loop, const za_asked *asked)
{
    za_state *state = self->state;
    for (za_batch *batch = self->open; batch != NULL; batch = batch->next) {
        if (batch->request.kind == asked->kind && batch->store == asked->store && batch->plan == asked->plan &&
            batch->tally == asked->tally && batch->terms.urgency == asked->terms.urgency &&
            batch->terms.deadline_ns == asked->terms.deadline_ns) {
            return batch;
        }
    }
    za_batch *batch = za_batch_new(state, asked);
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

/* A future of one symbol's result. Whatever may run Python comes before the batch is looked for. */
static PyObject *add_single(za_port_object *self, PyObject *loop, const za_asked *asked)
{
    PyObject *future = za_port_check_open(self) < 0 ? NULL : za_port_new_future(self, loop);
    za_batch *batch = future == NULL ? NULL : open_batch(self, loop, asked);
    if (batch == NULL || za_batch_add(batch, asked->symbols, asked->symbol, future) < 0) {
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

/* A future of the dict. */
static PyObject *submit_list(za_port_object *self, PyObject *loop, const za_asked *asked)
{
    za_state *state = self->state;
    PyObject *future = za_port_check_open(self) < 0 ? NULL : za_port_new_future(self, loop);
    if (future == NULL) {
        return NULL;
    }
    za_batch *batch = za_batch_of_list(state, asked, future);
    if (batch == NULL || za_port_check_open(self) < 0) {
        if (batch != NULL) { /* the future calls back the batch, which holds the future */
            za_delivery_abandon(&batch->delivery);
        }
        Py_DECREF(future);
        return NULL;
    }
    self->requests++;
    za_budget none = {0};
    int failed = batch->count > 0 ? submit(self, batch) : batch->delivery.kind->deliver(state, &batch->delivery, &none);
    Py_DECREF(batch);
    if (failed < 0) {
        Py_CLEAR(future);
    }
    return future;
}

/* (loop, store, plan, symbol or symbols, ...) -> future */
static PyObject *request(PyObject *self, PyObject *const *arguments, Py_ssize_t count, za_asked asked)
{
    PyObject *future;
    za_port_object *port = (za_port_object *)self;
    if (count < 1) {
        return PyErr_Format(PyExc_TypeError, "a loop is needed");
    }
    if (za_request_arguments(port->state, arguments + 1, count - 1, &asked) < 0) {
        return NULL;
    }
    Py_BEGIN_CRITICAL_SECTION(self);
    future = asked.single ? add_single(port, arguments[0], &asked) : submit_list(port, arguments[0], &asked);
    Py_END_CRITICAL_SECTION();
    return future;
}

PyObject *za_port_features(PyObject *self, PyObject *const *arguments, Py_ssize_t count)
{
    return request(self, arguments, count, (za_asked){.kind = ZA_REQUEST_FEATURES, .single = true});
}

PyObject *za_port_paper_features(PyObject *self, PyObject *const *arguments, Py_ssize_t count)
{
    return request(self, arguments, count, (za_asked){.kind = ZA_REQUEST_PAPER, .single = true});
}

PyObject *za_port_features_many(PyObject *self, PyObject *const *arguments, Py_ssize_t count)
{
    return request(self, arguments, count, (za_asked){.kind = ZA_REQUEST_FEATURES});
}

PyObject *za_port_signals(PyObject *self, PyObject *const *arguments, Py_ssize_t count)
{
    return request(self, arguments, count, (za_asked){.kind = ZA_REQUEST_SIGNALS});
}
