#include "binding/waiting.h"

#include <stdatomic.h>
#include <time.h>

#include "base/clock.h"

/* In which a thread that has the GIL back comes to its exception, and to who catches it. */
enum { RAISE_NS = 50000000 };

static unsigned long main_thread; /* guarded by the GIL */
static atomic_int threads;        /* that wait, or have not got the GIL back */

int za_waiting_import(void)
{
    PyObject *threading = PyImport_ImportModule("threading");
    PyObject *find = threading == NULL ? NULL : PyObject_GetAttrString(threading, "main_thread");
    PyObject *thread = find == NULL ? NULL : PyObject_CallNoArgs(find);
    PyObject *ident = thread == NULL ? NULL : PyObject_GetAttrString(thread, "ident");
    main_thread = ident == NULL ? 0 : PyLong_AsUnsignedLong(ident);
    Py_XDECREF(threading);
    Py_XDECREF(find);
    Py_XDECREF(thread);
    Py_XDECREF(ident);
    return PyErr_Occurred() ? -1 : 0;
}

void za_waiting_after_fork(void)
{
    main_thread = PyThread_get_thread_ident();
    threads = 0;
}

void za_waiting_let_end(int64_t timeout_ns)
{
    const struct timespec pause = {.tv_nsec = 1000000};
    int64_t now = za_clock_ns(), end = now + timeout_ns, raised = now;
    for (;; now = za_clock_ns()) {
        raised = threads > 0 ? now + RAISE_NS : raised;
        if (now >= end || now >= raised) {
            return;
        }
        Py_BEGIN_ALLOW_THREADS;
        nanosleep(&pause, NULL);
        Py_END_ALLOW_THREADS;
    }
}

bool za_is_main_thread(void)
{
    return PyThread_get_thread_ident() == main_thread;
}

/* Handlers are functions of Python: they may do anything, compute features too. */
static bool has_handler_raised(za_watch *watch)
{
    za_waiting *waiting = (za_waiting *)(void *)watch;
    PyEval_RestoreThread(waiting->thread);
    bool raised = PyErr_CheckSignals() < 0;
    if (!raised && waiting->look != NULL) {
        PyObject *answer = PyObject_CallNoArgs(waiting->look);
        raised = answer == NULL;
        Py_XDECREF(answer);
    }
    waiting->thread = PyEval_SaveThread();
    if (raised) {
        za_run_cancel(waiting->run);
    }
    return raised;
}

void za_waiting_begin(za_waiting *waiting, za_run *run, PyObject *look)
{
    *waiting = (za_waiting){.watch = {.is_over = has_handler_raised}, .run = run, .look = look};
    waiting->before = za_watch_set(look != NULL || za_is_main_thread() ? &waiting->watch : NULL);
    threads++;
    waiting->thread = PyEval_SaveThread();
}

int za_waiting_end(za_waiting *waiting)
{
    PyEval_RestoreThread(waiting->thread);
    threads--;
    (void)za_watch_set(waiting->before);
    return waiting->watch.over ? -1 : 0;
}
