/* Batches and schemas whose shape is broken, in each way that the specification of the C data interface lets a consumer
 * see: lengths, offsets and counts that cannot be, too few buffers, pointers to nothing, children and dictionaries that
 * are missing or too many, formats of any text. Each is an error with a sentence, or a column that says so. */
#include "arrow_feed.h"
#include "fuzz.h"
#include "store/arrow_rows.h"

enum { MOST_FORMAT = 8 };

static const int64_t impossible[] = {-1, INT64_MIN, INT64_MAX, ZA_MOST_ROWS + 1, INT64_MIN / 8};

static int64_t take_impossible(input *from)
{
    return impossible[take(from) % (sizeof impossible / sizeof impossible[0])];
}

/* One of the field's schema and its dictionary's; NULL where there are no columns. */
static struct ArrowSchema *take_target_schema(producer *feed)
{
    uint8_t which = take(&feed->from);
    if (feed->column_count == 0) {
        return NULL;
    }
    field *chosen = &feed->fields[which / 2 % feed->column_count];
    return which % 2 == 0 || chosen->schema.dictionary == NULL ? &chosen->schema : &chosen->value_schema;
}

/* A text of any bytes in its own allocation. */
static const char *take_text(input *from)
{
    size_t length = take(from) % MOST_FORMAT;
    char *text = take_block(from, length + 1);
    text[length] = '\0';
    return text;
}

static void damage_column_schema(producer *feed, struct ArrowSchema *schema)
{
    switch (take(&feed->from) % 6) {
    case 0:
        schema->format = NULL;
        break;
    case 1:
    case 2:
        schema->format = take_text(&feed->from);
        break;
    case 3:
        schema->name = take(&feed->from) % 2 == 0 ? NULL : take_text(&feed->from);
        break;
    case 4: /* of itself, or none where indices are expected to have one */
        schema->dictionary = schema->dictionary == NULL ? schema : NULL;
        break;
    default:
        schema->n_children = take_impossible(&feed->from);
        break;
    }
}

static void damage_schema(producer *feed, struct ArrowSchema *top)
{
    struct ArrowSchema *column = take_target_schema(feed);
    switch (take(&feed->from) % 12) {
    case 0:
        top->format = take(&feed->from) % 2 == 0 ? NULL : take_text(&feed->from);
        break;
    case 1:
        top->n_children = -1 - (int64_t)take(&feed->from);
        break;
    case 2:
        top->children = NULL;
        break;
    case 3:
        feed->schemas[take(&feed->from) % MOST_COLUMNS] = NULL;
        break;
    case 4:
        top->dictionary = column;
        break;
    case 5:
        top->release = NULL;
        break;
    default:
        if (column != NULL) {
            damage_column_schema(feed, column);
        }
        break;
    }
}

/* The batch, a column or a column's dictionary. */
static struct ArrowArray *take_target_array(producer *feed, struct ArrowArray *top)
{
    uint8_t which = take(&feed->from);
    if (feed->column_count == 0 || which % 3 == 0) {
        return top;
    }
    column_data *chosen = &feed->batch->columns[which / 3 % feed->column_count];
    return which % 3 == 1 || chosen->array.dictionary == NULL ? &chosen->array : &chosen->value_array;
}

/* Fewer buffers than there are. */
static void damage_buffers(input *from, struct ArrowArray *array)
{
    uint8_t how = take(from);
    if (how % 3 == 0 || array->n_buffers <= 0) {
        array->n_buffers = -1 - (int64_t)how;
    } else if (how % 3 == 1) {
        array->n_buffers = how % array->n_buffers;
    } else if (array->buffers != NULL) {
        array->buffers[how % array->n_buffers] = NULL;
    }
}

static void damage_children(producer *feed, struct ArrowArray *array)
{
    uint8_t how = take(&feed->from);
    if (how % 3 == 0) {
        array->n_children = take_impossible(&feed->from);
    } else if (how % 3 == 1) {
        array->children = NULL;
    } else {
        feed->batch->arrays[how % MOST_COLUMNS] = NULL;
    }
}

static void damage_array(producer *feed, struct ArrowArray *top)
{
    static const int64_t null_counts[] = {-2, 1, 5, INT64_MIN, INT64_MAX};
    static struct ArrowArray empty;
    struct ArrowArray *array = take_target_array(feed, top);
    switch (take(&feed->from) % 8) {
    case 0:
        array->length = take_impossible(&feed->from);
        break;
    case 1:
        array->offset = take_impossible(&feed->from);
        break;
    case 2:
        array->null_count = null_counts[take(&feed->from) % 5];
        break;
    case 3:
        damage_buffers(&feed->from, array);
        break;
    case 4:
        array->buffers = NULL;
        break;
    case 5: /* the array itself would have buffers too short for a dictionary of wider values, which no consumer sees */
        array->dictionary = array->dictionary == NULL ? &empty : NULL;
        break;
    case 6:
        array->release = NULL;
        break;
    default:
        damage_children(feed, array);
        break;
    }
}

static void damage_batch(producer *feed, struct ArrowArray *top)
{
    for (int hits = take(&feed->from) % 4; hits > 0; hits--) {
        damage_array(feed, top);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    producer feed = {.damage_schema = damage_schema, .damage_batch = damage_batch};
    read_bytes(&feed, bytes, length);
    return 0;
}

/* Sound schemas (two numbers; texts and a dictionary of them) with bytes behind them that damage their batches. */
const fuzz_seed fuzz_seeds[] = {
    SEED(255, 2, 0, 1, 8, 1, 0, 11, 3, 1, FILLER, FILLER),
    SEED(255, 3, 13, 1, 14, 1, 13, 0, 4, 0, 11, 3, 1, FILLER, FILLER),
    SEED(255, 2, 15, 1, 15, 0, 0, 0, 6, 1, 1, 118, 117, FILLER, FILLER),
    SEED(255, 1, 0, 1, 0, 5, FILLER),
    SEED(60, 4, 13, 1, 12, 0, 2, 14, 0, 4, 10, 1, 2, 7, FILLER, FILLER, FILLER),
};
const size_t fuzz_seed_count = sizeof fuzz_seeds / sizeof fuzz_seeds[0];
