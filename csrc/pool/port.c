#include "pool/port.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

#include "base/memory.h"
#include "pool/fork.h"
#include "pool/shared_pool.h"

/* Oldest first. */
typedef struct za_completions {
    za_completion *first, *last;
} za_completions;

struct za_port {
    atomic_int references;
    int wake_fd;
    void *owner;
    za_fork_lock fork_lock; /* of the mutex */
    pthread_mutex_t mutex;  /* guards the four below */
    za_completions posted;
    bool notified; /* the loop was woken and has not taken yet */
    bool closed;
    bool waiting;          /* in the notifier's list, which holds a reference; guarded by notifier.mutex */
    za_port *next_waiting; /* guarded by notifier.mutex */
};

/* The work of the notifier thread: ports whose loops are to be woken, oldest first, and orphans to dispose of. A
 * port's mutex may be held while this one is taken, not the reverse. */
static struct {
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    za_port *first, *last;
    za_completions orphans; /* completions of closed ports */
    void (*work)(void *);   /* offered, and not begun */
    void *argument;
    bool idle;           /* the notifier thread waits, and no work was offered since */
    bool timed;          /* `wake` uses the clock of za_clock_ns, which a static initialiser cannot set */
    atomic_bool stopped; /* changed under the mutex, read without it too */
} notifier = {.mutex = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER};

/* While nobody waits. Holds the mutex, or is alone. */
static void init_wake(void)
{
    pthread_condattr_t attributes;
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&notifier.wake, &attributes);
    (void)pthread_condattr_destroy(&attributes);
    notifier.timed = true;
}

static void append(za_completions *list, za_completion *first, za_completion *last)
{
    *(list->last != NULL ? &list->last->next : &list->first) = first;
    list->last = last;
}

static void orphan(za_completion *first, za_completion *last)
{
    pthread_mutex_lock(&notifier.mutex);
    append(&notifier.orphans, first, last);
    pthread_cond_signal(&notifier.wake);
    pthread_mutex_unlock(&notifier.mutex);
}

/* Forgets the ports in a forked child: they are those of the parent's loops, which take their completions. */
static void forget_ports(void)
{
    notifier.first = notifier.last = NULL;
    notifier.orphans = (za_completions){0};
    notifier.work = NULL;
    notifier.idle = false;
    /* Nobody waits in this process: a condition copied with a waiter in it could never be used. */
    init_wake();
}

static za_fork_lock notifier_fork_lock = {.mutex = &notifier.mutex, .in_child = forget_ports};

static void list_notifier(void)
{
    (void)za_fork_list(ZA_FORK_NOTIFIER, &notifier_fork_lock); /* za_port_new says so if there is no fork guard */
}

za_port *za_port_new(int wake_fd, void *owner)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)pthread_once(&once, list_notifier);
    za_port *port = za_alloc_zeroed(1, sizeof *port);
    if (port == NULL) {
        return NULL;
    }
    za_pool_shared_offer(za_notifier_offer);
    atomic_init(&port->references, 1);
    port->wake_fd = wake_fd;
    port->owner = owner;
    (void)pthread_mutex_init(&port->mutex, NULL);
    port->fork_lock.mutex = &port->mutex;
    if (za_fork_list(ZA_FORK_PORT, &port->fork_lock) != 0) {
        za_port_release(port);
        return NULL;
    }
    return port;
}

void za_port_retain(za_port *port)
{
    (void)atomic_fetch_add(&port->references, 1);
}

void za_port_release(za_port *port)
{
    if (port != NULL && atomic_fetch_sub(&port->references, 1) == 1) {
        za_fork_unlist(&port->fork_lock);
        (void)pthread_mutex_destroy(&port->mutex);
        za_free(port);
    }
}

void *za_port_owner(const za_port *port)
{
    return port->owner;
}

/* Under the port's mutex, so that no fork or close comes between. */
static void tell_notifier(za_port *port)
{
    pthread_mutex_lock(&notifier.mutex);
    if (!port->waiting) {
        port->waiting = true;
        port->next_waiting = NULL;
        za_port_retain(port);
        *(notifier.last != NULL ? &notifier.last->next_waiting : &notifier.first) = port;
        notifier.last = port;
        pthread_cond_signal(&notifier.wake);
    }
    pthread_mutex_unlock(&notifier.mutex);
}

static void wake(za_port *port)
{
    if (port->wake_fd < 0) {
        tell_notifier(port);
        return;
    }
    /* A full pipe has a wake-up in it already; any other failure is a descriptor that its loop closed. */
    const uint64_t one = 1;
    ssize_t written = write(port->wake_fd, &one, sizeof one);
    (void)written;
}

void za_port_post(za_port *port, za_completion *completion)
{
    completion->next = NULL;
    pthread_mutex_lock(&port->mutex);
    bool closed = port->closed;
    if (!closed) {
        append(&port->posted, completion, completion);
        if (!port->notified) {
            port->notified = true;
            wake(port);
        }
    }
    pthread_mutex_unlock(&port->mutex);
    if (closed) {
        /* Whoever takes the orphan may hold the port's last reference with it: the port is not touched after this. */
        orphan(completion, completion);
    }
}

za_completion *za_port_take(za_port *port)
{
    if (atomic_load(&notifier.stopped)) {
        return NULL;
    }
    pthread_mutex_lock(&port->mutex);
    za_completion *first = port->posted.first;
    port->posted = (za_completions){0};
    port->notified = false;
    pthread_mutex_unlock(&port->mutex);
    return first;
}

void za_port_close(za_port *port)
{
    pthread_mutex_lock(&port->mutex);
    port->closed = true;
    if (port->posted.first != NULL) {
        orphan(port->posted.first, port->posted.last);
        port->posted = (za_completions){0};
    }
    pthread_mutex_unlock(&port->mutex);
}

bool za_notifier_offer(void (*work)(void *), void *argument)
{
    pthread_mutex_lock(&notifier.mutex);
    bool taken = notifier.idle;
    if (taken) {
        notifier.idle = false;
        notifier.work = work;
        notifier.argument = argument;
        pthread_cond_signal(&notifier.wake);
    }
    pthread_mutex_unlock(&notifier.mutex);
    return taken;
}

/* Sleeps until there is something to do; false when it got too late. Holds the mutex on entry and on return. */
static bool wait_idle(int64_t until_ns)
{
    struct timespec until = {.tv_sec = (time_t)(until_ns / 1000000000), .tv_nsec = (long)(until_ns % 1000000000)};
    if (!notifier.timed) {
        init_wake();
    }
    notifier.idle = notifier.work == NULL;
    int failed = until_ns == 0 ? pthread_cond_wait(&notifier.wake, &notifier.mutex)
                               : pthread_cond_timedwait(&notifier.wake, &notifier.mutex, &until);
    notifier.idle = false;
    return failed != ETIMEDOUT;
}

/* Does what was offered, without the mutex. */
static void do_offered(void)
{
    void (*work)(void *) = notifier.work;
    void *argument = notifier.argument;
    notifier.work = NULL;
    pthread_mutex_unlock(&notifier.mutex);
    work(argument);
    pthread_mutex_lock(&notifier.mutex);
}

/* The oldest port to be woken, or NULL. Holds the mutex. */
static za_port *next_port(void)
{
    za_port *port = notifier.first;
    if (port != NULL) {
        notifier.first = port->next_waiting;
        notifier.last = notifier.first != NULL ? notifier.last : NULL;
        port->waiting = false;
    }
    return port;
}

bool za_notifier_wait(int64_t until_ns, za_port **port, za_completion **orphans)
{
    bool in_time = true;
    pthread_mutex_lock(&notifier.mutex);
    while (notifier.work != NULL ||
           (notifier.first == NULL && notifier.orphans.first == NULL && !notifier.stopped && in_time)) {
        if (notifier.work != NULL) {
            do_offered();
        } else {
            in_time = wait_idle(until_ns);
        }
    }
    bool stopped = notifier.stopped;
    *port = stopped ? NULL : next_port();
    *orphans = NULL;
    if (!stopped && *port == NULL) {
        /* Only now: a closed port that is still in the list may be kept alive by its orphans alone. */
        *orphans = notifier.orphans.first;
        notifier.orphans = (za_completions){0};
    }
    pthread_mutex_unlock(&notifier.mutex);
    return !stopped;
}

void za_notifier_stop(bool stopped)
{
    pthread_mutex_lock(&notifier.mutex);
    atomic_store(&notifier.stopped, stopped);
    pthread_cond_broadcast(&notifier.wake);
    pthread_mutex_unlock(&notifier.mutex);
}
