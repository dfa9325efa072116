/* For tests of threads: a gate that holds them until it is opened, a rest, and which sanitizer watches. */
#ifndef ZA_TESTS_GATE_H
#define ZA_TESTS_GATE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#if defined(__has_feature)
#define UNDER_TSAN __has_feature(thread_sanitizer)
#define UNDER_ASAN __has_feature(address_sanitizer)
#else
#ifdef __SANITIZE_THREAD__
#define UNDER_TSAN 1
#else
#define UNDER_TSAN 0
#endif
#ifdef __SANITIZE_ADDRESS__
#define UNDER_ASAN 1
#else
#define UNDER_ASAN 0
#endif
#endif

/* Less than a second. */
static inline void rest(int64_t ns)
{
    struct timespec time = {.tv_nsec = (long)ns};
    (void)nanosleep(&time, NULL);
}

/* It counts those that came. */
typedef struct gate {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    int arrived; /* guarded by mutex */
    bool open;   /* guarded by mutex */
} gate;

#define GATE_CLOSED {.mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER}

static inline void gate_pass(gate *g)
{
    pthread_mutex_lock(&g->mutex);
    g->arrived++;
    pthread_cond_broadcast(&g->changed);
    while (!g->open) {
        pthread_cond_wait(&g->changed, &g->mutex);
    }
    pthread_mutex_unlock(&g->mutex);
}

/* Until so many threads in all have come. */
static inline void gate_await(gate *g, int arrivals)
{
    pthread_mutex_lock(&g->mutex);
    while (g->arrived < arrivals) {
        pthread_cond_wait(&g->changed, &g->mutex);
    }
    pthread_mutex_unlock(&g->mutex);
}

static inline void gate_open(gate *g)
{
    pthread_mutex_lock(&g->mutex);
    g->open = true;
    pthread_cond_broadcast(&g->changed);
    pthread_mutex_unlock(&g->mutex);
}

#endif
