/* What happens to native threads and locks when the process forks. */
#ifndef ZA_POOL_FORK_H
#define ZA_POOL_FORK_H

/* Registers the handlers below once; called by whatever first starts a thread, and by the first store. 0 or errno. */
int za_fork_guard(void);

/* The parts' own handlers, called in this order before, and in the reverse order after. */
void za_stores_before_fork(void);
void za_stores_after_fork(void); /* parent and child: every lock was ours */
void za_pool_before_fork(void);
void za_pool_after_fork(int in_child);
void za_port_before_fork(void);
void za_port_after_fork(int in_child);

#endif
