#include "pool/shared_pool.h"

#include <pthread.h>

#include "base/cpu.h"
#include "pool/fork.h"

static pthread_mutex_t shared_mutex = PTHREAD_MUTEX_INITIALIZER;
static za_pool *shared;             /* guarded by shared_mutex; never freed, since nobody knows who still has it */
static bool shared_closed;          /* guarded by shared_mutex */
static za_pool_offer *shared_offer; /* guarded by shared_mutex */

/* Leaves the pool behind in a forked child: its threads were not copied, nor will its jobs ever end. */
static void forget_shared(void)
{
    shared = NULL;
}

static za_fork_lock shared_fork_lock = {.mutex = &shared_mutex, .in_child = forget_shared};

static void list_shared(void)
{
    (void)za_fork_list(ZA_FORK_SHARED_POOL, &shared_fork_lock); /* za_pool_new says so if there is no fork guard */
}

/* Another thread may be the first to. */
static void make_shared(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)pthread_once(&once, list_shared);
    za_pool *made = za_pool_new(za_cpu_count());
    pthread_mutex_lock(&shared_mutex);
    if (made != NULL && shared == NULL && !shared_closed) {
        za_pool_set_offer(made, shared_offer);
        shared = made;
        made = NULL;
    }
    pthread_mutex_unlock(&shared_mutex);
    if (made != NULL) {
        (void)za_pool_free(made, 0); /* no thread of it was started */
    }
}

/* The pool there is, or NULL; whether one may be made. */
static za_pool *shared_now(bool *may_be_made)
{
    pthread_mutex_lock(&shared_mutex);
    za_pool *pool = shared;
    *may_be_made = pool == NULL && !shared_closed;
    pthread_mutex_unlock(&shared_mutex);
    return pool;
}

za_pool *za_pool_shared(void)
{
    bool is_missing;
    za_pool *pool = shared_now(&is_missing);
    if (is_missing) {
        make_shared();
        pool = shared_now(&is_missing);
    }
    return pool;
}

void za_pool_shared_offer(za_pool_offer *offer)
{
    pthread_mutex_lock(&shared_mutex);
    shared_offer = offer;
    if (shared != NULL) {
        za_pool_set_offer(shared, offer);
    }
    pthread_mutex_unlock(&shared_mutex);
}

bool za_pool_shared_close(int64_t timeout_ns)
{
    pthread_mutex_lock(&shared_mutex);
    za_pool *pool = shared;
    shared_closed = true;
    pthread_mutex_unlock(&shared_mutex);
    return pool == NULL || za_pool_close(pool, timeout_ns);
}
