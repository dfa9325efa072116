#include "plan/buffers.h"

#include "base/memory.h"

/* Nodes by their last reader, and the buffers that are to be had; arrays in one piece of memory. */
typedef struct za_dealing {
    int *ended; /* of each node: the first node whose values it is the last to read; -1: none */
    int *next;  /* of each node: the next one that ends with it; -1: none */
    int *free;  /* `free_count` buffers */
    int free_count;
} za_dealing;

static bool is_constant(const za_node *node)
{
    return node->spec.kind == ZA_NODE_CONSTANT;
}

static void list_by_last_reader(const za_plan *plan, const int *last, za_dealing *dealing)
{
    for (int i = 0; i < plan->node_count; i++) {
        dealing->ended[i] = -1;
    }
    for (int i = 0; i < plan->node_count; i++) {
        if (last[i] >= 0) {
            dealing->next[i] = dealing->ended[last[i]];
            dealing->ended[last[i]] = i;
        }
    }
}

static void give(za_plan *plan, za_node *node, za_dealing *dealing)
{
    for (int k = 0; k < ZA_MAX_OUTPUTS; k++) {
        node->buffer[k] = (node->wanted >> k & 1u) == 0 ? ZA_NO_BUFFER
                          : is_constant(node)           ? plan->constant_count++
                          : dealing->free_count > 0     ? dealing->free[--dealing->free_count]
                                                        : plan->buffer_count++;
    }
}

static void take_back(const za_node *node, za_dealing *dealing)
{
    for (int k = 0; !is_constant(node) && k < ZA_MAX_OUTPUTS; k++) {
        if (node->buffer[k] != ZA_NO_BUFFER) {
            dealing->free[dealing->free_count++] = node->buffer[k];
        }
    }
}

/* The buffers of what node `at` is the last to read. */
static void take_back_read(const za_plan *plan, int at, za_dealing *dealing)
{
    for (int ended = dealing->ended[at]; ended >= 0; ended = dealing->next[ended]) {
        take_back(&plan->nodes[ended], dealing);
    }
}

za_code za_buffers_assign(za_plan *plan, const int *last, za_error *error)
{
    size_t count = (size_t)plan->node_count;
    int *memory = za_alloc(count, (2 + ZA_MAX_OUTPUTS) * sizeof *memory);
    if (memory == NULL) {
        return za_fail_memory(error);
    }
    za_dealing dealing = {.ended = memory, .next = memory + count, .free = memory + 2 * count};
    list_by_last_reader(plan, last, &dealing);
    for (int i = 0; i < plan->node_count; i++) {
        bool in_place = plan->nodes[i].spec.kind == ZA_NODE_OPERATION; /* its value may take an argument's place */
        if (in_place) {
            take_back_read(plan, i, &dealing);
        }
        give(plan, &plan->nodes[i], &dealing);
        if (!in_place) {
            take_back_read(plan, i, &dealing);
        }
        if (last[i] < 0) {
            take_back(&plan->nodes[i], &dealing);
        }
    }
    za_free(memory);
    return ZA_OK;
}
