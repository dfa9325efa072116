#include "binding/port_object.h"

int za_port_call_loop(PyObject *loop, PyObject *name, PyObject *first, za_port_object *self, PyObject *method)
{
    PyObject *bound = PyObject_GetAttr((PyObject *)self, method);
    PyObject *answer = bound == NULL ? NULL
                                     : PyObject_CallMethodObjArgs(loop, name, first != NULL ? first : bound,
                                                                  first != NULL ? bound : NULL, NULL);
    Py_XDECREF(bound);
    Py_XDECREF(answer);
    return answer == NULL ? -1 : 0;
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
    za_state *state = self->state;
    return self->plain_futures ? PyObject_Vectorcall(state->Future, &loop, 0, state->loop_keyword)
                               : PyObject_CallMethodNoArgs(loop, state->str_create_future);
}

int za_port_check_open(za_port_object *self)
{
    if (self->closed) {
        PyErr_SetString(PyExc_RuntimeError, "the port of this event loop is closed");
        return -1;
    }
    return 0;
}
