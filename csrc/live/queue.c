#include "live/queue.h"

/* Tiles of one key enter together: those of one age, all wide or none, and of one effect. */
static int64_t key_of(const za_live_tile *tile, za_live_effect effect)
{
    return (tile->bars * 2 + (tile->set->lanes > 1)) * EFFECT_COUNT + effect;
}

za_live_effect za_live_queue_effect(const za_live_queue *queue, int at)
{
    return (za_live_effect)(queue->keys[at] % EFFECT_COUNT);
}

/* The least key of tiles that are left. */
static int64_t least_key(const int64_t *keys, int count)
{
    int64_t least = keys[0];
    for (int i = 1; i < count; i++) {
        least = keys[i] < least ? keys[i] : least;
    }
    return least;
}

void za_live_enqueue(za_live_queue *queue, const za_live_common *common, za_live_tile *tiles, int count)
{
    int rest[TILES_AT_ONCE], left = 0;
    int64_t keys[TILES_AT_ONCE];
    for (int i = 0; i < count; i++) {
        if (common[i].effect != EFFECT_NONE) {
            keys[left] = key_of(&tiles[i], common[i].effect);
            rest[left++] = i;
        }
    }
    queue->count = queue->entered = queue->roomy = 0;
    while (left > 0) {
        int64_t key = least_key(keys, left);
        int others = 0;
        for (int i = 0; i < left; i++) {
            if (keys[i] == key) {
                queue->keys[queue->count] = key;
                queue->absent[queue->count] = common[rest[i]].absent;
                queue->tiles[queue->count++] = &tiles[rest[i]];
            } else {
                keys[others] = keys[i];
                rest[others++] = rest[i];
            }
        }
        left = others;
    }
}

za_live_tiles za_live_queue_batch(const za_live_queue *queue, int at)
{
    za_live_tiles tiles = {queue->tiles + at, 0};
    while (at + tiles.count < queue->count && tiles.count < ZA_LIVE_BATCH &&
           queue->keys[at + tiles.count] == queue->keys[at]) {
        tiles.count++;
    }
    return tiles;
}

za_live_tile *za_live_queue_room(za_live_queue *queue, int64_t bars)
{
    za_live_tile **tiles = queue->tiles;
    int roomy = queue->roomy;
    while (roomy < queue->entered && (tiles[roomy]->bars < bars || tiles[roomy]->used == tiles[roomy]->set->lanes)) {
        roomy++;
    }
    queue->roomy = roomy;
    return roomy < queue->entered && tiles[roomy]->bars == bars ? tiles[roomy] : NULL;
}
