/* Plans of any nodes over any values: a list of nodes is a plan or an error with a sentence, and a plan computes the
 * same bits however its work is cut, with memory or without. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "fuzz.h"
#include "kernels/lanes.h"
#include "plan/run.h"

enum { COLUMNS = 2, MOST_NODES = 12, MOST_RESULTS = 4, MOST_GROUPS = 12, MOST_ROWS = 160 };

typedef struct input {
    const uint8_t *bytes;
    size_t left;
} input;

static uint8_t take(input *from)
{
    if (from->left == 0) {
        return 0;
    }
    from->left -= 1;
    return *from->bytes++;
}

/* Mostly small whole numbers, as periods are, and now and then what no period is. */
static double take_number(input *from)
{
    static const double odd[] = {0.5, -1.0, 300.0, 1e9, 1e300, INFINITY, NAN, 0.0};
    uint8_t byte = take(from);
    return byte < 240 ? (double)(byte % 40) : odd[byte % 8];
}

/* Inputs as many as they should be, of nodes before, unless a byte says otherwise. */
static za_node_spec take_node(input *from, int at)
{
    za_node_spec spec = {.kind = (za_node_kind)(take(from) % (ZA_NODE_KIND_COUNT + 1)), .which = take(from)};
    bool known_kernel = spec.kind == ZA_NODE_KERNEL && (spec.which %= ZA_INDICATOR_COUNT + 1) < ZA_INDICATOR_COUNT;
    bool known_operation =
        spec.kind == ZA_NODE_OPERATION && (spec.which %= ZA_OPERATION_COUNT + 1) < ZA_OPERATION_COUNT;
    spec.which %= spec.kind == ZA_NODE_OUTPUT ? 3 : spec.kind == ZA_NODE_COLUMN ? COLUMNS : 256;
    spec.input_count = known_kernel ? za_indicator_info_of((za_indicator)spec.which)->input_count
                       : known_operation
                           ? za_operation_info_of((za_operation)spec.which)->arguments
                           : spec.kind == ZA_NODE_OUTPUT || spec.kind == ZA_NODE_LAG || spec.kind == ZA_NODE_SKIP;
    spec.which =
        spec.kind == ZA_NODE_CONSTANT || spec.kind == ZA_NODE_LAG || spec.kind == ZA_NODE_SKIP ? 0 : spec.which;
    for (int i = 0; i < ZA_MAX_INPUTS; i++) {
        uint8_t byte = take(from);
        spec.inputs[i] = byte < 250 && at > 0 ? byte % at : byte - 252;
    }
    for (int i = 0; i < ZA_MAX_PARAMS; i++) {
        spec.params.value[i] = take_number(from);
    }
    return spec;
}

typedef struct table {
    double values[COLUMNS][MOST_ROWS];
    int64_t times[MOST_ROWS], offsets[MOST_GROUPS + 1];
    int groups;
} table;

static void take_table(input *from, table *made)
{
    static const double odd[] = {NAN, INFINITY, -INFINITY, 0.0, -1.0, 1e300, -1e-300, 1e15};
    static const int64_t moments[] = {0, INT64_MIN, INT64_MAX, -1, INT64_C(951825600000000000)};
    made->groups = 1 + take(from) % MOST_GROUPS;
    made->offsets[0] = 0;
    for (int group = 0; group < made->groups; group++) {
        int64_t room = MOST_ROWS - made->offsets[group], rows = take(from) % 64;
        made->offsets[group + 1] = made->offsets[group] + (rows < room ? rows : room);
    }
    for (int row = 0; row < MOST_ROWS; row++) {
        made->times[row] = moments[take(from) % 5];
        for (int column = 0; column < COLUMNS; column++) {
            uint8_t byte = take(from);
            made->values[column][row] = byte < 248 ? 100.0 + byte : odd[byte % 8];
        }
    }
}

static za_code compute(const za_plan *plan, const table *over, za_cut_options cut, double *values)
{
    const double *columns[COLUMNS] = {over->values[0], over->values[1]};
    const za_table groups = {columns, over->times, over->offsets, NULL};
    za_run run = {.plan = plan,
                  .table = &groups,
                  .count = (size_t)over->groups,
                  .cut = cut,
                  .rows = over->offsets[over->groups],
                  .values = values};
    za_code code = za_run_init(&run, NULL);
    return code == ZA_OK ? za_run_wait(&run, NULL, NULL) : code;
}

/* The same bits, or NaN on both sides. */
static bool are_same(const double *a, const double *b, int64_t count)
{
    bool same = true;
    for (int64_t i = 0; i < count; i++) {
        same = same && (memcmp(&a[i], &b[i], sizeof *a) == 0 || (isnan(a[i]) && isnan(b[i])));
    }
    return same;
}

static void run_plan(const za_plan *plan, const table *over, long successes)
{
    static double bar_by_bar[MOST_RESULTS * MOST_ROWS], at_best[MOST_RESULTS * MOST_ROWS];
    int64_t count = over->offsets[over->groups] * za_plan_output_count(plan);
    if (compute(plan, over, (za_cut_options){1, 1, true}, bar_by_bar) != ZA_OK ||
        compute(plan, over, (za_cut_options){0}, at_best) != ZA_OK || !are_same(bar_by_bar, at_best, count)) {
        abort();
    }
    za_memory_fail_after(successes);
    za_code code = compute(plan, over, (za_cut_options){0}, at_best);
    za_memory_fail_after(-1);
    if (code != ZA_OK && code != ZA_NO_MEMORY) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    static table over;
    input from = {bytes, length};
    za_node_spec nodes[MOST_NODES];
    int outputs[MOST_RESULTS], node_count = 1 + take(&from) % MOST_NODES, output_count = take(&from) % MOST_RESULTS + 1;
    long successes = take(&from) % 8;
    for (int i = 0; i < output_count; i++) {
        uint8_t byte = take(&from);
        outputs[i] = byte < 250 ? byte % node_count : byte - 252;
    }
    for (int i = 0; i < node_count; i++) {
        nodes[i] = take_node(&from, i);
    }
    za_error error = {0};
    za_plan *plan = za_plan_new(&(za_plan_spec){.nodes = nodes,
                                                .outputs = outputs,
                                                .node_count = node_count,
                                                .output_count = output_count,
                                                .column_count = COLUMNS},
                                &error);
    if (plan == NULL && (error.code != ZA_BAD_VALUE || error.text[0] == '\0')) {
        abort();
    }
    if (plan != NULL) {
        take_table(&from, &over);
        run_plan(plan, &over, successes);
    }
    za_plan_free(plan);
    return 0;
}

/* A node is a kind, which of it, five inputs and eight parameters. Two columns; a kernel of them and its second output;
 * a lag of a sum; a field of the calendar that is compared. What follows makes groups, times and values. */
#define NODE(kind, which, a, b, parameter) kind, which, a, b, a, b, a, parameter, 5, 9, 3, 3, 3, 3, 3
#define FILLER                                                                                                         \
    7, 20, 20, 33, 1, 0, 20, 9, 1, 10, 20, 2, 30, 40, 3, 50, 255, 4, 70, 80, 0, 90, 11, 1, 12, 13, 2, 14, 251, 3, 15, 16
const fuzz_seed fuzz_seeds[] = {
    SEED(1, 1, 8, 0, 1, NODE(ZA_NODE_COLUMN, 0, 0, 0, 0), NODE(ZA_NODE_COLUMN, 1, 0, 0, 0), FILLER),
    SEED(3, 2, 8, 2, 3, 0, NODE(ZA_NODE_COLUMN, 0, 0, 0, 0), NODE(ZA_NODE_COLUMN, 1, 0, 0, 0),
         NODE(ZA_NODE_KERNEL, ZA_INDICATOR_macd, 0, 1, 4), NODE(ZA_NODE_OUTPUT, 1, 2, 0, 0), FILLER, FILLER),
    SEED(4, 1, 8, 3, 4, NODE(ZA_NODE_COLUMN, 0, 0, 0, 0), NODE(ZA_NODE_COLUMN, 1, 0, 0, 0),
         NODE(ZA_NODE_OPERATION, ZA_OPERATION_add, 0, 1, 0), NODE(ZA_NODE_LAG, 0, 2, 0, 3),
         NODE(ZA_NODE_KERNEL, ZA_INDICATOR_sma, 3, 0, 6), FILLER, FILLER),
    SEED(3, 1, 8, 2, 3, NODE(ZA_NODE_CALENDAR, ZA_CALENDAR_HOUR, 0, 0, 0), NODE(ZA_NODE_COLUMN, 1, 0, 0, 0),
         NODE(ZA_NODE_OPERATION, ZA_OPERATION_greater, 0, 1, 0), NODE(ZA_NODE_SKIP, 0, 2, 0, 3), FILLER),
};
const size_t fuzz_seed_count = sizeof fuzz_seeds / sizeof fuzz_seeds[0];
