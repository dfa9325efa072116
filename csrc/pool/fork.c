#include "pool/fork.h"

#include <pthread.h>
#include <stdatomic.h>

static const za_fork_handlers *_Atomic handlers_of[ZA_FORK_STAGE_COUNT]; /* NULL: nothing to do */
/* The stages whose `before` was called in the thread that forks: a stage that is first handled meanwhile has taken no
 * lock. */
static _Thread_local const za_fork_handlers *under_way[ZA_FORK_STAGE_COUNT];

static void before_fork(void)
{
    for (int stage = 0; stage < ZA_FORK_STAGE_COUNT; stage++) {
        under_way[stage] = atomic_load(&handlers_of[stage]);
        if (under_way[stage] != NULL) {
            under_way[stage]->before();
        }
    }
}

static void after_fork(bool in_child)
{
    for (int stage = ZA_FORK_STAGE_COUNT - 1; stage >= 0; stage--) {
        if (under_way[stage] != NULL) {
            under_way[stage]->after(in_child);
        }
    }
}

static void after_fork_in_parent(void)
{
    after_fork(false);
}

static void after_fork_in_child(void)
{
    after_fork(true);
}

static int guard_result;

static void guard(void)
{
    guard_result = pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
}

int za_fork_handle(za_fork_stage stage, const za_fork_handlers *handlers)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)pthread_once(&once, guard);
    atomic_store(&handlers_of[stage], handlers);
    return guard_result;
}
