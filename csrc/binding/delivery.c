#include "binding/delivery.h"

#include <stddef.h>

#include "binding/convert.h"

za_delivery *za_delivery_of(za_completion *completion)
{
    return (za_delivery *)(void *)((char *)completion - offsetof(za_delivery, completion));
}

void za_delivery_attach(za_delivery *delivery, za_port *port, PyObject *port_object)
{
    za_port_retain(port);
    delivery->port = port;
    delivery->port_object = Py_NewRef(port_object);
}

void za_delivery_clear(za_delivery *delivery)
{
    za_port_release(delivery->port);
    Py_XDECREF(delivery->port_object);
}

void za_delivery_abandon(za_delivery *delivery)
{
    delivery->kind->abandon(delivery);
    Py_DECREF((PyObject *)delivery);
}

int za_future_is_done(za_state *state, PyObject *future)
{
    PyObject *done = PyObject_CallMethodNoArgs(future, state->str_done);
    int answer = done == NULL ? -1 : PyObject_IsTrue(done);
    Py_XDECREF(done);
    return answer;
}

/* Calls set_result or set_exception. A future done meanwhile is let be. -1 only with an exception that is to go on. */
static int settle(za_state *state, PyObject *future, PyObject *name, PyObject *value)
{
    PyObject *answer = PyObject_CallMethodOneArg(future, name, value);
    Py_XDECREF(answer);
    if (answer != NULL) {
        return 0;
    }
    if (!PyErr_ExceptionMatches(PyExc_Exception)) {
        return -1;
    }
    PyObject *fault = za_take_exception();
    if (za_future_is_done(state, future) == 1) {
        Py_DECREF(fault);
    } else {
        za_put_back_exception(fault);
        PyErr_WriteUnraisable(future); /* one item's fault never stops the others */
    }
    return 0;
}

int za_future_resolve(za_state *state, PyObject *future, PyObject *value)
{
    if (value != NULL) {
        int failed = settle(state, future, state->str_set_result, value);
        Py_DECREF(value);
        return failed;
    }
    PyObject *fault = za_take_exception();
    int failed = settle(state, future, state->str_set_exception, fault);
    if (failed == 0 && !PyErr_GivenExceptionMatches(fault, PyExc_Exception)) {
        za_put_back_exception(fault);
        return -1;
    }
    Py_DECREF(fault);
    return failed;
}

int za_future_call_back(za_state *state, PyObject *future, za_delivery *delivery)
{
    PyObject *attached = PyObject_CallMethodOneArg(future, state->str_add_done_callback, (PyObject *)delivery);
    Py_XDECREF(attached);
    return attached == NULL ? -1 : 0;
}

int za_future_was_cancelled(za_state *state, PyObject *arguments)
{
    if (PyTuple_GET_SIZE(arguments) != 1) {
        PyErr_SetString(PyExc_TypeError, "it is called with its future");
        return -1;
    }
    PyObject *cancelled = PyObject_CallMethodNoArgs(PyTuple_GET_ITEM(arguments, 0), state->str_cancelled);
    int answer = cancelled == NULL ? -1 : PyObject_IsTrue(cancelled);
    Py_XDECREF(cancelled);
    return answer;
}
