#include "pool/fork.h"

#include <pthread.h>

static void before_fork(void)
{
    za_stores_before_fork();
    za_pool_before_fork();
    za_port_before_fork();
}

static void after_fork_in_parent(void)
{
    za_port_after_fork(0);
    za_pool_after_fork(0);
    za_stores_after_fork();
}

static void after_fork_in_child(void)
{
    za_port_after_fork(1);
    za_pool_after_fork(1);
    za_stores_after_fork();
}

static int guard_result;

static void guard(void)
{
    guard_result = pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
}

int za_fork_guard(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)pthread_once(&once, guard);
    return guard_result;
}
