/* Waits for native work without the GIL: in the main thread it looks for signals meanwhile, so that Ctrl+C
 * ends it, and in any thread it asks whoever wants the work. */
#ifndef ZA_BINDING_WAITING_H
#define ZA_BINDING_WAITING_H

#include "binding/state.h"
#include "plan/run.h"
#include "pool/wait.h"

typedef struct za_waiting {
    za_watch watch; /* first */
    za_watch *before;
    za_run *run;
    PyThreadState *thread; /* of the caller, while it has not got the GIL */
    PyObject *look;        /* called meanwhile as a handler of signals is; NULL: nothing */
} za_waiting;

/* Learns which thread runs handlers of signals; 0, or -1 with an exception raised. */
int za_waiting_import(void);
/* Makes the thread that called fork() the main one of a forked child. */
void za_waiting_after_fork(void);
bool za_is_main_thread(void);

/* Lets go of the GIL. When a handler, or `look`, raises while the calling thread waits for jobs or runs them, `run` is
 * cancelled: the work between this and the end is that run, or what comes before it. The caller holds `look`, which may
 * be NULL. */
void za_waiting_begin(za_waiting *waiting, za_run *run, PyObject *look);
/* Takes it back. 0, or -1 with the exception raised that a handler or `look` raised. */
int za_waiting_end(za_waiting *waiting);
/* Leaves the GIL to the threads between the two until they have raised, for at most `timeout_ns`. The caller has it, is
 * none of them. */
void za_waiting_let_end(int64_t timeout_ns);

#endif
