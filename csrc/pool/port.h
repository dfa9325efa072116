/* The way back to an event loop. Workers post completions from any thread; the loop's thread takes them all at once.
 * Only the first completion after a take wakes the loop: through the notifier, or through a file descriptor. */
#ifndef ZA_POOL_PORT_H
#define ZA_POOL_PORT_H

#include <stdbool.h>
#include <stdint.h>

/* Embedded in what was done. From post until take it belongs to the port. */
typedef struct za_completion {
    struct za_completion *next;
} za_completion;

typedef struct za_port za_port;

/* One reference. `wake_fd` >= 0: posting writes 8 bytes to it (an eventfd, or the write end of a pipe), which stays the
 * caller's and must outlive the port's last post; -1: the notifier is told. `owner` is handed back by za_notifier_wait.
 */
za_port *za_port_new(int wake_fd, void *owner);
void za_port_retain(za_port *port);
void za_port_release(za_port *port);
void *za_port_owner(const za_port *port);

/* Any thread. To a closed port it goes to the orphans instead. */
void za_port_post(za_port *port, za_completion *completion);
/* All that was posted since, oldest first, or NULL; the next post wakes again. While the notifier is stopped nothing is
 * taken: a loop woken by descriptor would be told of jobs that were cancelled because the process ends. */
za_completion *za_port_take(za_port *port);
/* Nobody will take any more: what is there and what still comes become orphans. Idempotent. */
void za_port_close(za_port *port);

/* Blocks until a port needs its loop woken: *port, with a reference for the caller; or, when no port does, until there
 * are orphans: *orphans, oldest first, for the caller to dispose of. The other one is NULL; both are when it is
 * `until_ns` on za_clock_ns (0: no limit). False when stopped. Only one thread calls it. A completion that was posted
 * to a port stays posted, or becomes an orphan, until that thread has woken the port's loop: so whatever a completion
 * keeps alive is there when its port is returned. */
bool za_notifier_wait(int64_t until_ns, za_port **port, za_completion **orphans);

/* Hands a few microseconds of work to the notifier thread, which does it inside za_notifier_wait, if that thread has
 * nothing else to do; else false. One await alone then wakes one thread, not two: whoever computes also wakes the loop.
 */
bool za_notifier_offer(void (*work)(void *), void *argument);

/* Lets za_notifier_wait return NULL from now on, or wait again. */
void za_notifier_stop(bool stopped);

#endif
