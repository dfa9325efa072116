/* Mutexes when the process forks: no other thread holds one of these at that moment, so that what they guard is whole
 * in the child, and free. */
#ifndef ZA_POOL_FORK_H
#define ZA_POOL_FORK_H

#include <pthread.h>

/* The order in which they are taken before a fork, that of any thread which holds several. */
typedef enum za_fork_order {
    ZA_FORK_LIVE,
    ZA_FORK_LIVE_BOARD,
    ZA_FORK_STORE,
    ZA_FORK_SHARED_POOL,
    ZA_FORK_POOL,
    ZA_FORK_PORT,
    ZA_FORK_NOTIFIER,
    ZA_FORK_ORDER_COUNT
} za_fork_order;

/* Embedded beside the mutex. */
typedef struct za_fork_lock {
    pthread_mutex_t *mutex;
    void (*in_child)(void);              /* called there while all of them are held; NULL: nothing to do */
    struct za_fork_lock *next, **before; /* guarded by the list's mutex (fork.c) */
} za_fork_lock;

/* From now on a fork takes the mutex, until za_fork_unlist. Any thread, which holds none of them. 0 or errno. */
int za_fork_list(za_fork_order order, za_fork_lock *lock);
/* Before the mutex is destroyed. Does nothing for one that is not listed. As za_fork_list. */
void za_fork_unlist(za_fork_lock *lock);

#endif
