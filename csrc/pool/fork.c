#include "pool/fork.h"

#include <stdbool.h>
#include <stddef.h>

static pthread_mutex_t list_mutex = PTHREAD_MUTEX_INITIALIZER; /* taken before each of those listed */
static za_fork_lock *first_of[ZA_FORK_ORDER_COUNT];            /* guarded by list_mutex */

static void before_fork(void)
{
    pthread_mutex_lock(&list_mutex);
    for (int order = 0; order < ZA_FORK_ORDER_COUNT; order++) {
        for (za_fork_lock *lock = first_of[order]; lock != NULL; lock = lock->next) {
            pthread_mutex_lock(lock->mutex);
        }
    }
}

static void after_fork(bool in_child)
{
    for (int order = ZA_FORK_ORDER_COUNT - 1; order >= 0; order--) {
        for (za_fork_lock *lock = first_of[order]; lock != NULL; lock = lock->next) {
            if (in_child && lock->in_child != NULL) {
                lock->in_child();
            }
            pthread_mutex_unlock(lock->mutex);
        }
    }
    pthread_mutex_unlock(&list_mutex);
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

int za_fork_list(za_fork_order order, za_fork_lock *lock)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)pthread_once(&once, guard);
    pthread_mutex_lock(&list_mutex);
    lock->next = first_of[order];
    lock->before = &first_of[order];
    if (lock->next != NULL) {
        lock->next->before = &lock->next;
    }
    first_of[order] = lock;
    pthread_mutex_unlock(&list_mutex);
    return guard_result;
}

void za_fork_unlist(za_fork_lock *lock)
{
    pthread_mutex_lock(&list_mutex);
    if (lock->before != NULL) {
        *lock->before = lock->next;
        if (lock->next != NULL) {
            lock->next->before = lock->before;
        }
        lock->before = NULL;
    }
    pthread_mutex_unlock(&list_mutex);
}
