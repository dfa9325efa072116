/* Native threads and locks when the process forks. */
#ifndef ZA_POOL_FORK_H
#define ZA_POOL_FORK_H

#include <stdbool.h>

/* The order in which locks are taken before a fork; they are given back in the reverse one. */
typedef enum za_fork_stage {
    ZA_FORK_LIVE,
    ZA_FORK_STORES,
    ZA_FORK_POOL,
    ZA_FORK_NOTIFIER,
    ZA_FORK_STAGE_COUNT
} za_fork_stage;

typedef struct za_fork_handlers {
    void (*before)(void);
    void (*after)(bool in_child); /* in parent and child: every lock that `before` took is this thread's */
} za_fork_handlers;

/* From now on a fork calls these, which stay where they are. Called again with the same it does nothing. Any thread;
 * by whatever first makes what the handlers guard. 0 or errno. */
int za_fork_handle(za_fork_stage stage, const za_fork_handlers *handlers);

#endif
