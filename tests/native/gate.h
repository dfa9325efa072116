/* A gate that holds threads until it is opened, and counts those that came. */
#ifndef ZA_TESTS_GATE_H
#define ZA_TESTS_GATE_H

#include <pthread.h>
#include <stdbool.h>

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
