#include "binding/convert.h"
#include "binding/flight.h"
#include "binding/requests.h"
#include "binding/wake_fd.h"

#include <structmember.h>
#include <unistd.h>

#include "base/clock.h"

/* A turn of the loop hands out so many results, or works so long, and then lets others run. */
enum { RESULTS_A_TURN = 256, NS_A_TURN = 250 * 1000 };

/* One event loop's way in and back. Touched by its loop's thread only, but for close and stats; a strong reference to
 * the loop would keep a closed one alive, so each call brings it along. */
typedef struct za_port_object {
    PyObject_HEAD za_port *port;
    PyObject *loop;            /* weak reference */
    za_wake_fd wake_fd;        /* both -1 unless the wake is "eventfd" */
    za_flight *open;           /* flights that single requests board until the loop's next turn */
    za_flight *landed, **last; /* flights with results to hand out, oldest first */
    int resuming;              /* a turn to go on handing out is scheduled */
    int closed;
    long long requests, flights, wakes, turns;
    PyObject *weak_references;
} za_port_object;

static za_state *state_of(za_port_object *self)
{
    return za_state_of_type(Py_TYPE((PyObject *)self));
}

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

/* loop.name(self.method), with an optional first argument; 0, or -1 with the loop's exception. */
static int call_loop(PyObject *loop, PyObject *name, PyObject *first, za_port_object *self, PyObject *method)
{
    PyObject *bound = PyObject_GetAttr((PyObject *)self, method);
    PyObject *answer = bound == NULL ? NULL
                                     : PyObject_CallMethodObjArgs(loop, name, first != NULL ? first : bound,
                                                                  first != NULL ? bound : NULL, NULL);
    Py_XDECREF(bound);
    Py_XDECREF(answer);
    return answer == NULL ? -1 : 0;
}

static void drop_flights(za_flight **list)
{
    while (*list != NULL) {
        za_flight *flight = *list;
        *list = flight->next;
        Py_DECREF(flight);
    }
}

/* The loop takes no more calls: nobody will take what still comes. */
static void close_port(za_port_object *self)
{
    self->closed = 1;
    za_port_close(self->port);
    drop_flights(&self->open);
    drop_flights(&self->landed);
    self->last = &self->landed;
}

static int watch_wake_fd(za_port_object *self, PyObject *loop)
{
    za_state *state = state_of(self);
    if (za_wake_fd_open(&self->wake_fd) < 0) {
        PyErr_SetFromErrno(PyExc_OSError);
        return -1;
    }
    PyObject *number = PyLong_FromLong(self->wake_fd.read_end);
    int failed = number == NULL ? -1 : call_loop(loop, state->str_add_reader, number, self, state->str_drain);
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
    self->wake_fd = ZA_NO_WAKE_FD;
    self->last = &self->landed;
    self->loop = PyWeakref_NewRef(loop, NULL);
    if (self->loop == NULL || (with_fd && watch_wake_fd(self, loop) < 0)) {
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

/* Sends a flight off. If the pool does not take it, its futures get the error. */
static void depart(za_port_object *self, za_flight *flight)
{
    self->flights++;
    if (za_flight_depart(flight, self->port, (PyObject *)self) < 0) {
        za_flight_fail(state_of(self), flight, &flight->error);
    }
}

/* The loop's turn after the first request boarded: every open flight departs. */
static PyObject *port_flush(PyObject *object, PyObject *unused)
{
    (void)unused;
    za_port_object *self = (za_port_object *)object;
    za_flight *flight = self->open;
    self->open = NULL;
    while (flight != NULL) {
        za_flight *next = flight->next;
        flight->next = NULL;
        if (flight->count > 0) { /* 0: the only request that came was refused */
            depart(self, flight);
        }
        Py_DECREF(flight);
        flight = next;
    }
    Py_RETURN_NONE;
}

/* The open flight for such requests, made if there is none; borrowed. */
static za_flight *open_flight(za_port_object *self, PyObject *loop, za_request_kind kind, za_store_object *store)
{
    za_state *state = state_of(self);
    for (za_flight *flight = self->open; flight != NULL; flight = flight->next) {
        if (flight->request.kind == kind && flight->store == store) {
            return flight;
        }
    }
    if (self->open == NULL && call_loop(loop, state->str_call_soon, NULL, self, state->str_flush) < 0) {
        return NULL;
    }
    za_flight *flight = za_flight_new(state, kind, store);
    if (flight != NULL) {
        flight->next = self->open;
        self->open = flight;
    }
    return flight;
}

static int check_open(za_port_object *self)
{
    if (self->closed) {
        PyErr_SetString(PyExc_RuntimeError, "the port of this event loop is closed");
        return -1;
    }
    return 0;
}

/* (loop, store, symbol) -> future */
static PyObject *request_single(PyObject *object, PyObject *const *arguments, Py_ssize_t count, za_request_kind kind)
{
    za_port_object *self = (za_port_object *)object;
    za_state *state = state_of(self);
    if (za_check_count("request", count, 3) < 0 || check_open(self) < 0) {
        return NULL;
    }
    za_store_object *store = za_store_argument(state, arguments[1]);
    za_flight *flight = store == NULL ? NULL : open_flight(self, arguments[0], kind, store);
    PyObject *future = flight == NULL ? NULL : PyObject_CallMethodNoArgs(arguments[0], state->str_create_future);
    if (future != NULL && za_flight_board(flight, arguments[2], future) < 0) {
        Py_CLEAR(future);
    }
    self->requests += future != NULL;
    return future;
}

/* (loop, store, symbols) -> future of the dict; `rules` for signals */
static PyObject *request_list(za_port_object *self, PyObject *const *arguments, za_request_kind kind,
                              const za_rules *rules)
{
    za_state *state = state_of(self);
    za_store_object *store = check_open(self) < 0 ? NULL : za_store_argument(state, arguments[1]);
    PyObject *future = store == NULL ? NULL : PyObject_CallMethodNoArgs(arguments[0], state->str_create_future);
    if (future == NULL) {
        return NULL;
    }
    za_flight *flight = za_flight_of_list(state, kind, store, arguments[2], future);
    if (flight == NULL) {
        Py_DECREF(future);
        return NULL;
    }
    self->requests++;
    if (flight->count == 0) {
        za_budget none = {0};
        (void)za_flight_unload(state, flight, &none);
    } else {
        if (rules != NULL) {
            flight->request.rules = *rules;
        }
        depart(self, flight);
    }
    Py_DECREF(flight);
    if (PyErr_Occurred()) {
        Py_CLEAR(future);
    }
    return future;
}

static PyObject *port_features(PyObject *self, PyObject *const *arguments, Py_ssize_t count)
{
    return request_single(self, arguments, count, ZA_REQUEST_FEATURES);
}

static PyObject *port_paper_features(PyObject *self, PyObject *const *arguments, Py_ssize_t count)
{
    return request_single(self, arguments, count, ZA_REQUEST_PAPER);
}

static PyObject *port_features_many(PyObject *self, PyObject *const *arguments, Py_ssize_t count)
{
    return za_check_count("features_many", count, 3) < 0
               ? NULL
               : request_list((za_port_object *)self, arguments, ZA_REQUEST_FEATURES, NULL);
}

static PyObject *port_signals(PyObject *self, PyObject *const *arguments, Py_ssize_t count)
{
    za_rules rules;
    if (za_check_count("signals", count, 7) < 0 || za_rules_of(arguments + 3, &rules) < 0) {
        return NULL;
    }
    return request_list((za_port_object *)self, arguments, ZA_REQUEST_SIGNALS, &rules);
}

/* One turn: hands out what the budget allows, and asks for another turn if something is left. */
static int hand_out(za_port_object *self)
{
    za_state *state = state_of(self);
    za_budget budget = {.results = RESULTS_A_TURN, .until_ns = za_clock_ns() + NS_A_TURN};
    self->turns++;
    int more = 0;
    while (self->landed != NULL && more == 0) {
        za_flight *flight = self->landed;
        int unloaded = za_flight_unload(state, flight, &budget);
        if (unloaded < 0) {
            more = -1;
        } else if (unloaded == 0) {
            more = 1;
        } else {
            self->landed = flight->next;
            self->last = self->landed == NULL ? &self->landed : self->last;
            Py_DECREF(flight);
            more = self->landed != NULL && budget.results <= 0;
        }
    }
    if (self->landed == NULL) {
        return more < 0 ? -1 : 0;
    }
    PyObject *raised = more < 0 ? za_take_exception() : NULL;
    PyObject *loop = loop_of(self);
    if (loop != NULL) {
        self->resuming = call_loop(loop, state->str_call_soon, NULL, self, state->str_resume) == 0;
        Py_DECREF(loop);
    }
    if (raised != NULL) {
        PyErr_SetObject((PyObject *)Py_TYPE(raised), raised);
        Py_DECREF(raised);
    }
    return PyErr_Occurred() ? -1 : 0;
}

static PyObject *port_resume(PyObject *object, PyObject *unused)
{
    (void)unused;
    za_port_object *self = (za_port_object *)object;
    self->resuming = 0;
    Py_INCREF(self); /* the last flight's reference may be the last */
    int failed = hand_out(self);
    Py_DECREF(self);
    return failed ? NULL : Py_NewRef(Py_None);
}

/* What a wake calls: takes everything posted and hands out the first turn's worth. */
static PyObject *port_drain(PyObject *object, PyObject *unused)
{
    za_port_object *self = (za_port_object *)object;
    self->wakes++;
    za_wake_fd_reset(&self->wake_fd);
    for (za_completion *next, *completion = za_port_take(self->port); completion != NULL; completion = next) {
        next = completion->next;
        za_flight *flight = za_flight_of(completion);
        flight->next = NULL;
        *self->last = flight;
        self->last = &flight->next;
    }
    return self->resuming ? Py_NewRef(Py_None) : port_resume(object, unused);
}

static PyObject *port_close(PyObject *object, PyObject *unused)
{
    (void)unused;
    za_port_object *self = (za_port_object *)object;
    Py_INCREF(self);
    close_port(self);
    Py_DECREF(self);
    Py_RETURN_NONE;
}

static PyObject *port_stats(PyObject *object, PyObject *unused)
{
    (void)unused;
    za_port_object *self = (za_port_object *)object;
    return Py_BuildValue("{sLsLsLsL}", "requests", self->requests, "jobs", self->flights, "wakes", self->wakes, "turns",
                         self->turns);
}

/* Whether the loop takes no more calls; a loop that cannot even say so counts as closed. Clears the exception. */
static int is_closed(za_state *state, PyObject *loop)
{
    PyErr_Clear();
    PyObject *closed = PyObject_CallMethodNoArgs(loop, state->str_is_closed);
    int answer = closed == NULL || PyObject_IsTrue(closed) != 0;
    Py_XDECREF(closed);
    PyErr_Clear();
    return answer;
}

/* Wakes the loop of a port. A loop that is closed or gone closes its port, and what was posted there becomes orphans;
 * one that refuses for want of memory is asked again. */
static void wake_loop(za_port *port)
{
    /* What was posted to the port keeps its Python side alive until this thread has woken the loop (engine/port.h). */
    za_port_object *self = (za_port_object *)Py_NewRef((PyObject *)za_port_owner(port));
    za_state *state = state_of(self);
    PyObject *loop = loop_of(self);
    int woken = 0, closed = loop == NULL;
    while (!woken && !closed) {
        woken = call_loop(loop, state->str_call_soon_threadsafe, NULL, self, state->str_drain) == 0;
        closed = !woken && is_closed(state, loop);
        if (!woken && !closed) {
            Py_BEGIN_ALLOW_THREADS(void)
            usleep(1000);
            Py_END_ALLOW_THREADS
        }
    }
    if (closed) {
        close_port(self);
    }
    Py_XDECREF(loop);
    Py_DECREF(self);
}

static void dispose_of(za_completion *orphans)
{
    for (za_completion *next; orphans != NULL; orphans = next) {
        next = orphans->next;
        Py_DECREF(za_flight_of(orphans));
    }
}

PyObject *za_notifier_run(PyObject *module, PyObject *unused)
{
    (void)module;
    (void)unused;
    for (;;) {
        za_port *port;
        za_completion *orphans;
        bool running;
        Py_BEGIN_ALLOW_THREADS
        running = za_notifier_wait(&port, &orphans);
        Py_END_ALLOW_THREADS
        if (!running) {
            Py_RETURN_NONE;
        }
        if (port != NULL) {
            wake_loop(port);
            za_port_release(port);
        }
        dispose_of(orphans);
    }
}

static PyMethodDef methods[] = {
    {"features", _PyCFunction_CAST(port_features), METH_FASTCALL, NULL},
    {"features_many", _PyCFunction_CAST(port_features_many), METH_FASTCALL, NULL},
    {"paper_features", _PyCFunction_CAST(port_paper_features), METH_FASTCALL, NULL},
    {"signals", _PyCFunction_CAST(port_signals), METH_FASTCALL, NULL},
    {"flush", port_flush, METH_NOARGS, "Send off the requests of this turn of the loop."},
    {"drain", port_drain, METH_NOARGS, "Take what was completed; called by a wake."},
    {"resume", port_resume, METH_NOARGS, "Go on handing out results."},
    {"close", port_close, METH_NOARGS, "The loop is closed: drop what is under way."},
    {"stats", port_stats, METH_NOARGS, "Requests, jobs they travelled in, wakes of the loop, turns used."},
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
