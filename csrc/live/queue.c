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

/* Tiles of one key; `next` is the place of the next of them in the queue. */
typedef struct za_live_class {
    int64_t key;
    int count, next;
} za_live_class;

/* The place in the list of the class of that key, which joins its end if it is new. `before` is that of the tile
 * before, which most tiles share. */
static int class_of(za_live_class *classes, int *count, int before, int64_t key)
{
    int at = before < *count && classes[before].key == key ? before : 0;
    while (at < *count && classes[at].key != key) {
        at++;
    }
    if (at == *count) {
        classes[(*count)++] = (za_live_class){.key = key};
    }
    classes[at].count++;
    return at;
}

/* Gives the classes their places in the queue, the least keys first. */
static void place_classes(za_live_class *classes, int count)
{
    for (int i = 0; i < count; i++) {
        for (int k = 0; k < count; k++) {
            classes[i].next += classes[k].key < classes[i].key ? classes[k].count : 0;
        }
    }
}

void za_live_enqueue(za_live_queue *queue, const za_live_common *common, za_live_tile *tiles, int count)
{
    za_live_class classes[TILES_AT_ONCE];
    int class_count = 0, of[TILES_AT_ONCE], before = 0;
    queue->count = queue->entered = queue->roomy = 0;
    for (int i = 0; i < count; i++) {
        if (common[i].effect != EFFECT_NONE) {
            of[i] = before = class_of(classes, &class_count, before, key_of(&tiles[i], common[i].effect));
            queue->count++;
        }
    }
    place_classes(classes, class_count);
    for (int i = 0; i < count; i++) {
        if (common[i].effect != EFFECT_NONE) {
            int place = classes[of[i]].next++;
            queue->keys[place] = classes[of[i]].key;
            queue->absent[place] = common[i].absent;
            queue->tiles[place] = &tiles[i];
        }
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

int za_live_queue_absent(const za_live_queue *queue, int at)
{
    int tickers = 0;
    for (int i = at; i < queue->count && queue->tiles[i]->bars == queue->tiles[at]->bars; i++) {
        tickers += queue->absent[i] == 0 ? 0 : __builtin_popcount(queue->absent[i]);
    }
    return tickers;
}
