/* Breadth is kept, not computed: each symbol remembers on which side of its average it closed, a change of its bars
 * takes that back and puts it on a list, and a question for breadth works off the list. */
#include "store/breadth.h"

#include <math.h>

#include "kernels/lanes.h"
#include "store/changed.h"
#include "store/tail.h"

/* Entries computed each time the lock is taken: about 5 microseconds, so that an append never waits long. */
enum { AT_ONCE = 32 };

/* sma_50 of the whole run of bars, with the bits of the feature of that name. */
static double average(const za_entry *entry, double *state)
{
    static const za_params params = {{ZA_BREADTH_BARS}};
    const za_lane_set *set = za_lane_set_one();
    int64_t age = entry->last - entry->first - ZA_BREADTH_BARS;
    const double *closes = za_block_column(entry->block, ZA_FIGURE_CLOSE) + entry->last - ZA_BREADTH_BARS;
    double value;
    za_kernel_block before = {.indicator = ZA_INDICATOR_sma,
                              .params = &params,
                              .age = age,
                              .bars = ZA_BREADTH_BARS - 1,
                              .from = ZA_BREADTH_BARS - 1,
                              .in = {closes},
                              .state = state};
    za_kernel_block last = before;
    last.age = age + ZA_BREADTH_BARS - 1;
    last.bars = 1;
    last.from = 0;
    last.in[0] = closes + ZA_BREADTH_BARS - 1;
    last.out[0] = &value;
    set->start(ZA_INDICATOR_sma, &params, age, state);
    set->run(&before);
    set->run(&last);
    return value;
}

static void count(za_store *store, za_entry *entry, double *state)
{
    if (za_symbol_is_index(entry->name) || entry->last - entry->first < ZA_BREADTH_BARS) {
        return;
    }
    bool above = za_block_column(entry->block, ZA_FIGURE_CLOSE)[entry->last - 1] > average(entry, state);
    entry->breadth = above ? ZA_BREADTH_ABOVE : ZA_BREADTH_BELOW;
    store->counted++;
    store->above += above;
}

size_t za_store_changes(const za_store *store)
{
    return atomic_load_explicit(&store->changes, memory_order_relaxed) +
           atomic_load_explicit(&store->tailed, memory_order_relaxed);
}

double za_store_breadth(za_store *store)
{
    /* One lane's state of a 50-bar window is a few hundred doubles at most; the kernels promise it by a test. */
    _Alignas(64) double state[4 * ZA_BREADTH_BARS];
    za_tail_fold_all(store);
    for (;;) {
        pthread_mutex_lock(&store->mutex);
        for (int i = 0; i < AT_ONCE && store->changed != NULL; i++) {
            za_entry *entry = store->changed;
            za_changed_unlink(store, entry);
            count(store, entry, state);
        }
        if (store->changed == NULL) {
            break;
        }
        pthread_mutex_unlock(&store->mutex);
    }
    double breadth = store->counted == 0 ? NAN : 100.0 * (double)store->above / (double)store->counted;
    pthread_mutex_unlock(&store->mutex);
    return breadth;
}
