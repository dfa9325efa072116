#include "binding/port_type.h"

#include "binding/convert.h"
#include "binding/port_object.h"
#include "binding/port_queries.h"
#include "binding/port_requests.h"

#include <structmember.h>

#include "base/clock.h"

/* An iteration of the loop hands out so many results, or works so long, and then lets others run. */
enum { RESULTS_A_TURN = 256, NS_A_TURN = 250 * 1000 };

/* A loop that refused to be woken is left alone so long: nobody waits much longer for it than it lasts, and it costs
 * the others one call in a thousand. */
enum { NS_UNTIL_RETRY = 10 * 1000 * 1000 };

/* The loop, as a new reference; NULL without an exception when it is gone. */
static PyObject *loop_of(za_port_object *self)
{
    PyObject *loop;
#if PY_VERSION_HEX >= 0x030D0000
    (void)PyWeakref_GetRef(self->loop, &loop);
#else
    loop = PyWeakref_GetObject(self->loop);
    loop = loop == Py_None ? NULL : Py_NewRef(loop);
#endif
    return loop;
}

static void drop_open(za_port_object *self)
{
    while (self->open != NULL) {
        za_batch *batch = self->open;
        self->open = batch->next;
        za_delivery_abandon(&batch->delivery);
    }
}

static void drop_completed(za_port_object *self)
{
    while (self->completed != NULL) {
        za_delivery *delivery = self->completed;
        self->completed = delivery->next;
        za_delivery_abandon(delivery);
    }
    self->last = &self->completed;
}

/* The loop takes no more calls: nobody will take what still comes. */
static void close_port(za_port_object *self)
{
    self->closed = 1;
    za_port_close(self->port);
    drop_open(self);
    drop_completed(self);
}

static int watch_wake_fd(za_port_object *self, PyObject *loop)
{
    za_state *state = self->state;
    if (za_wake_fd_open(&self->wake_fd) < 0) {
        PyErr_SetFromErrno(PyExc_OSError);
        return -1;
    }
    PyObject *number = PyLong_FromLong(self->wake_fd.read_end);
    int failed = number == NULL ? -1 : za_port_call_loop(loop, state->str_add_reader, number, self, state->str_drain);
    Py_XDECREF(number);
    return failed;
}

static PyObject *port_new(PyTypeObject *type, PyObject *arguments, PyObject *keywords)
{
    static char *names[] = {"loop", "wake", NULL};
    PyObject *loop;
    const char *wake = "threadsafe";
    if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "O|s:Port", names, &loop, &wake)) {
        return NULL;
    }
    int with_fd = strcmp(wake, "eventfd") == 0;
    if (!with_fd && strcmp(wake, "threadsafe") != 0) {
        return PyErr_Format(PyExc_ValueError, "wake must be \"threadsafe\" or \"eventfd\", not \"%s\"", wake);
    }
    za_port_object *self = (za_port_object *)type->tp_alloc(type, 0);
    if (self == NULL) {
        return NULL;
    }
    self->state = za_state_of_type(type);
    self->wake_fd = ZA_NO_WAKE_FD;
    self->last = &self->completed;
    self->loop = PyWeakref_NewRef(loop, NULL);
    self->plain_futures = za_port_has_plain_futures(self->state, loop);
    if (self->loop == NULL || self->plain_futures < 0 || (with_fd && watch_wake_fd(self, loop) < 0)) {
        Py_DECREF(self);
        return NULL;
    }
    self->port = za_port_new(self->wake_fd.write_end, self);
    if (self->port == NULL) {
        Py_DECREF(self);
        return PyErr_NoMemory();
    }
    return (PyObject *)self;
}

static void port_dealloc(PyObject *object)
{
    za_port_object *self = (za_port_object *)object;
    PyTypeObject *type = Py_TYPE(object);
    if (self->weak_references != NULL) {
        PyObject_ClearWeakRefs(object);
    }
    if (self->port != NULL) {
        close_port(self);
        za_port_release(self->port);
    }
    za_wake_fd_close(&self->wake_fd);
    Py_XDECREF(self->loop);
    type->tp_free(object);
    Py_DECREF(type);
}

/* Puts a delivery behind (or before) those that wait to be handed out; takes over the reference. */
static void put_completed(za_port_object *self, za_delivery *delivery, int first)
{
    delivery->next = first ? self->completed : NULL;
    *(first ? &self->completed : self->last) = delivery;
    self->last = delivery->next == NULL ? &delivery->next : self->last;
}

/* The oldest one, with its reference; NULL if there is none. It is out of the list while Python runs, which may close
 * the port. */
static za_delivery *take_completed(za_port_object *self)
{
    za_delivery *delivery = self->completed;
    if (delivery != NULL) {
        self->completed = delivery->next;
        self->last = self->completed == NULL ? &self->completed : self->last;
    }
    return delivery;
}

/* Asks the loop for another iteration, with an exception that is raised now put aside meanwhile. */
static void schedule_resume(za_port_object *self)
{
    PyObject *raised = PyErr_Occurred() ? za_take_exception() : NULL;
    PyObject *loop = loop_of(self);
    if (loop != NULL) {
        self->resuming = za_port_call_loop(loop, self->state->str_call_soon, NULL, self, self->state->str_resume) == 0;
        Py_DECREF(loop);
    }
    if (raised != NULL) {
        za_put_back_exception(raised);
    }
}

/* One iteration: delivers what the budget allows, and asks for another iteration if something is left. */
static PyObject *deliver(za_port_object *self)
{
    za_state *state = self->state;
    za_budget budget = {.results = RESULTS_A_TURN, .until_ns = za_clock_ns() + NS_A_TURN};
    int delivered = 1;
    self->iterations++;
    while (delivered == 1 && budget.results > 0 && self->completed != NULL) {
        za_delivery *delivery = take_completed(self);
        delivered = delivery->kind->deliver(state, delivery, &budget);
        if (self->closed) {
            za_delivery_abandon(delivery);
        } else if (delivery->unfinished) {
            put_completed(self, delivery, 1);
        } else {
            Py_DECREF((PyObject *)delivery);
        }
    }
    if (self->completed != NULL) {
        schedule_resume(self);
    }
    return delivered < 0 || PyErr_Occurred() ? NULL : Py_NewRef(Py_None);
}

/* Called by a wake: takes everything posted and delivers the first iteration's worth. */
static PyObject *drain(za_port_object *self)
{
    self->wakes++;
    za_wake_fd_reset(&self->wake_fd);
    for (za_completion *next, *completion = za_port_take(self->port); completion != NULL; completion = next) {
        next = completion->next;
        put_completed(self, za_delivery_of(completion), 0);
    }
    return self->resuming ? Py_NewRef(Py_None) : deliver(self);
}

static PyObject *resume(za_port_object *self)
{
    self->resuming = 0;
    return deliver(self);
}

/* Also in a forked child, whose descriptor is the parent's: what the child read from it the parent would miss. */
static PyObject *close_from_python(za_port_object *self)
{
    close_port(self);
    za_wake_fd_close(&self->wake_fd);
    return Py_NewRef(Py_None);
}

static PyObject *stats(za_port_object *self)
{
    return Py_BuildValue("{sLsLsLsL}", "requests", self->requests, "jobs", self->batches, "wakes", self->wakes,
                         "iterations", self->iterations);
}

/* A method without arguments: kept alive meanwhile (the last batch's reference may be the last), and one at a time
 * where there is no GIL to see to it. */
static PyObject *guarded(PyObject *object, PyObject *(*method)(za_port_object *))
{
    PyObject *answer;
    Py_INCREF(object);
    Py_BEGIN_CRITICAL_SECTION(object);
    answer = method((za_port_object *)object);
    Py_END_CRITICAL_SECTION();
    Py_DECREF(object);
    return answer;
}

#define GUARDED(name, method)                                                                                          \
    static PyObject *port_##name(PyObject *object, PyObject *unused)                                                   \
    {                                                                                                                  \
        (void)unused;                                                                                                  \
        return guarded(object, method);                                                                                \
    }
GUARDED(flush, za_port_flush)
GUARDED(drain, drain)
GUARDED(resume, resume)
GUARDED(close, close_from_python)
GUARDED(stats, stats)
#undef GUARDED

/* Returns whether the loop takes no more calls; a loop that cannot even say so counts as closed. Clears the exception.
 */
static int is_closed(za_state *state, PyObject *loop)
{
    PyErr_Clear();
    PyObject *closed = PyObject_CallMethodNoArgs(loop, state->str_is_closed);
    int answer = closed == NULL || PyObject_IsTrue(closed) != 0;
    Py_XDECREF(closed);
    PyErr_Clear();
    return answer;
}

/* Ports whose loops refused to be woken, by the time at which they are tried again. Each is held by a reference: what
 * was posted to it keeps it alive only as long as nobody closes it. */
typedef struct za_refused {
    za_port_object *first, **last;
} za_refused;

/* Puts the port behind those in the list, unless it is there already: a loop may refuse and yet have been woken. */
static void put_refused(za_refused *refused, za_port_object *self)
{
    if (self->retry_ns == 0) {
        self->retry_ns = za_clock_ns() + NS_UNTIL_RETRY;
        self->next_refused = NULL;
        *refused->last = (za_port_object *)Py_NewRef((PyObject *)self);
        refused->last = &self->next_refused;
    }
}

/* The application must hear of a loop that refuses, and not a hundred times a second; want of memory may pass by
 * itself. Takes over the exception. */
static void tell_once(za_port_object *self, PyObject *loop, PyObject *fault)
{
    enum { PATIENCE_FOR_MEMORY = 100 }; /* a second */
    int patience = PyErr_GivenExceptionMatches(fault, PyExc_MemoryError) ? PATIENCE_FOR_MEMORY : 1;
    if (self->told || ++self->refusals < patience) {
        Py_DECREF(fault);
        return;
    }
    self->told = 1;
    za_put_back_exception(fault);
    PyErr_WriteUnraisable(loop);
}

/* The first that was refused, with its reference. */
static za_port_object *take_refused(za_refused *refused)
{
    za_port_object *self = refused->first;
    refused->first = self->next_refused;
    refused->last = refused->first == NULL ? &refused->first : refused->last;
    self->retry_ns = 0;
    return self;
}

/* Wakes the loop of a port. A loop that is closed or gone closes its port, and what was posted there becomes orphans.
 * One that refuses for another reason, want of memory say, is asked again later, while the others are served. */
static void wake_loop(za_refused *refused, za_port_object *self)
{
    za_state *state = self->state;
    PyObject *loop = loop_of(self), *fault = NULL;
    int closed = loop == NULL;
    if (!closed && za_port_call_loop(loop, state->str_call_soon_threadsafe, NULL, self, state->str_drain) < 0) {
        fault = za_take_exception();
        closed = is_closed(state, loop);
    } else {
        self->told = self->refusals = 0;
    }
    if (closed) {
        Py_XDECREF(fault);
        Py_BEGIN_CRITICAL_SECTION(self);
        close_port(self);
        Py_END_CRITICAL_SECTION();
    } else if (fault != NULL) {
        put_refused(refused, self);
        tell_once(self, loop, fault);
    }
    Py_XDECREF(loop);
}

static void retry_refused(za_refused *refused)
{
    int64_t now = refused->first != NULL ? za_clock_ns() : 0;
    while (refused->first != NULL && refused->first->retry_ns <= now) {
        za_port_object *self = take_refused(refused);
        wake_loop(refused, self);
        Py_DECREF((PyObject *)self);
    }
}

static void dispose_of(za_completion *orphans)
{
    for (za_completion *next; orphans != NULL; orphans = next) {
        next = orphans->next;
        za_delivery_abandon(za_delivery_of(orphans));
    }
}

PyObject *za_notifier_run(PyObject *module, PyObject *unused)
{
    (void)module;
    (void)unused;
    za_refused refused = {.last = &refused.first};
    for (;;) {
        za_port *port;
        za_completion *orphans;
        bool running;
        int64_t until_ns = refused.first != NULL ? refused.first->retry_ns : 0;
        Py_BEGIN_ALLOW_THREADS
        running = za_notifier_wait(until_ns, &port, &orphans);
        Py_END_ALLOW_THREADS
        if (!running) {
            break;
        }
        if (port != NULL) {
            /* Completions that were posted to the port keep its Python side alive until here (pool/port.h). */
            za_port_object *self = (za_port_object *)Py_NewRef((PyObject *)za_port_owner(port));
            wake_loop(&refused, self);
            Py_DECREF((PyObject *)self);
            za_port_release(port);
        }
        dispose_of(orphans);
        retry_refused(&refused);
    }
    while (refused.first != NULL) {
        Py_DECREF((PyObject *)take_refused(&refused));
    }
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
    {"features", _PyCFunction_CAST(za_port_features), METH_FASTCALL, NULL},
    {"features_many", _PyCFunction_CAST(za_port_features_many), METH_FASTCALL, NULL},
    {"paper_features", _PyCFunction_CAST(za_port_paper_features), METH_FASTCALL, NULL},
    {"signals", _PyCFunction_CAST(za_port_signals), METH_FASTCALL, NULL},
    {"latest", _PyCFunction_CAST(za_port_latest), METH_FASTCALL, NULL},
    {"history", _PyCFunction_CAST(za_port_history), METH_FASTCALL, NULL},
    {"signal_history", _PyCFunction_CAST(za_port_signal_history), METH_FASTCALL, NULL},
    {"flush", port_flush, METH_NOARGS, "Send off the requests of this iteration of the loop."},
    {"drain", port_drain, METH_NOARGS, "Take what was completed; called by a wake."},
    {"resume", port_resume, METH_NOARGS, "Go on handing out results."},
    {"close", port_close, METH_NOARGS, "The loop is closed or another process's: drop what is under way."},
    {"stats", port_stats, METH_NOARGS, "Requests, jobs they travelled in, wakes of the loop, iterations used."},
    {NULL, NULL, 0, NULL},
};

static PyMemberDef members[] = {
    {"__weaklistoffset__", T_PYSSIZET, offsetof(za_port_object, weak_references), READONLY, NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_doc, "Port(loop, wake='threadsafe')\n--\n\nOne event loop's way into the pool and back."},
    {Py_tp_new, port_new},
    {Py_tp_dealloc, port_dealloc},
    {Py_tp_methods, methods},
    {Py_tp_members, members},
    {0, NULL},
};

PyType_Spec za_port_spec = {
    .name = "ziggy_async._core.Port",
    .basicsize = sizeof(za_port_object),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = slots,
};
