/* Prints a hash of the values of each plan that it reads from its input, as tests/write_catalog_plans.py writes them,
 * over bars that are the same in every build. Builds by any compiler, at any level, for any machine have to print the
 * same. Within one build all lane sets and numbers of threads have to agree: where they do not, the exit code is 1.
 *
 * Called with the argument `bars` it prints the bars instead, for tests/write_catalog_bits.py: a line each of its
 * group, its time and its figures. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bars_sample.h"
#include "base/memory.h"
#include "kernels/lanes.h"
#include "plan/node_names.h"
#include "plan/run.h"

enum { GROUPS = 21, LONGEST = 6000, MOST_ROWS = LONGEST + GROUPS * 400, MOST_NODES = 256, MOST_TEXT = 512 };

typedef struct table {
    double values[ZA_FIGURE_COUNT][MOST_ROWS];
    const double *columns[ZA_FIGURE_COUNT];
    int64_t times[MOST_ROWS], offsets[GROUPS + 1];
} table;

/* Whole numbers and divisions alone, which every machine rounds in the same way. */
static za_bar next_bar(uint64_t *dice, double *level)
{
    double open = *level, close = open * ((double)(roll(dice, 2001) + 49000) / 50000.0);
    double high = (open > close ? open : close) * ((double)(roll(dice, 100) + 10000) / 10000.0);
    double low = (open < close ? open : close) * ((double)(9999 - roll(dice, 100)) / 10000.0);
    *level = close;
    return (za_bar){.figure = {open, high, low, close, (double)roll(dice, 1000000)}};
}

/* Groups of many lengths, one of them long enough to be cut into pieces; some flat stretches, outliers and holes. */
static void fill_table(table *t)
{
    uint64_t dice = 20;
    int64_t row = 0;
    for (int group = 0; group < GROUPS; group++) {
        int64_t last = row + (group == 0 ? LONGEST : 20 + (int64_t)roll(&dice, 380));
        double level = 20.0 + (double)roll(&dice, 400);
        t->offsets[group] = row;
        for (; row < last; row++) {
            za_bar bar = next_bar(&dice, &level);
            if (group % 4 == 1 && row % 100 < 40) {
                level = bar.figure[ZA_OPEN];
                bar = (za_bar){.figure = {level, level, level, level, 0.0}};
            }
            for (int figure = 0; figure < ZA_FIGURE_COUNT; figure++) {
                t->values[figure][row] = bar.figure[figure];
            }
            if (group % 4 == 2 && roll(&dice, 150) == 0) {
                t->values[roll(&dice, ZA_FIGURE_COUNT)][row] = roll(&dice, 2) == 0 ? NAN : 1e9;
            }
            t->times[row] = row * INT64_C(3600000000000);
        }
    }
    t->offsets[GROUPS] = row;
    for (int figure = 0; figure < ZA_FIGURE_COUNT; figure++) {
        t->columns[figure] = t->values[figure];
    }
}

/* What a plan is read into. */
typedef struct listing {
    char formula[MOST_TEXT];
    za_node_spec nodes[MOST_NODES];
    int count, output;
} listing;

/* "kind name inputs... : parameters..."; false if there are too many of them. */
static bool read_node(char *line, za_node_spec *spec)
{
    char *rest = NULL, *kind = strtok_r(line, " \n", &rest), *name = strtok_r(NULL, " \n", &rest), *word = NULL;
    int count = 0;
    *spec = (za_node_spec){.kind = za_node_kind_find(kind == NULL ? "" : kind)};
    while ((word = strtok_r(NULL, " \n", &rest)) != NULL && strcmp(word, ":") != 0) {
        if (spec->input_count == ZA_MAX_INPUTS) {
            return false;
        }
        spec->inputs[spec->input_count++] = (int)strtol(word, NULL, 10);
    }
    while ((word = strtok_r(NULL, " \n", &rest)) != NULL) {
        if (count == ZA_MAX_PARAMS) {
            return false;
        }
        spec->params.value[count++] = strtod(word, NULL);
    }
    spec->which = za_node_which(spec->kind, name == NULL ? "" : name, &spec->params);
    return true;
}

/* The next plan of the input; false at its end. What is not a plan ends the program. */
static bool read_plan(FILE *from, listing *plan)
{
    char line[MOST_TEXT];
    if (fgets(line, sizeof line, from) == NULL) {
        return false;
    }
    plan->count = 0;
    bool good = sscanf(line, "plan %511[^\n]", plan->formula) == 1;
    while (good && (good = fgets(line, sizeof line, from) != NULL) && sscanf(line, "end %d", &plan->output) != 1) {
        good = plan->count < MOST_NODES && read_node(line, &plan->nodes[plan->count]);
        plan->count++;
    }
    if (!good) {
        (void)fprintf(stderr, "no plan: %s\n", line);
        exit(1);
    }
    return true;
}

/* FNV-1a over the bits; all NaN are one, since their sign and payload are the processor's. */
static uint64_t hash_of(const double *values, int64_t count)
{
    uint64_t hash = UINT64_C(14695981039346656037);
    for (int64_t i = 0; i < count; i++) {
        uint64_t bits = 0;
        if (!isnan(values[i])) {
            memcpy(&bits, &values[i], sizeof bits);
        }
        for (int byte = 0; byte < 8; byte++) {
            hash = (hash ^ (bits >> (8 * byte) & 0xff)) * UINT64_C(1099511628211);
        }
    }
    return hash;
}

static bool compute(const za_plan *plan, const table *over, int lanes, za_pool *pool, uint64_t *hash)
{
    static double values[MOST_ROWS];
    const za_table groups = {.columns = over->columns, .times = over->times, .offsets = over->offsets};
    za_error error = {0};
    za_run run = {.plan = plan,
                  .table = &groups,
                  .count = GROUPS,
                  .cut = {.lanes = lanes, .whole = lanes == 1},
                  .rows = over->offsets[GROUPS],
                  .values = values};
    if (za_run_init(&run, &error) != ZA_OK || za_run_wait(&run, pool, &error) != ZA_OK) {
        (void)fprintf(stderr, "%s\n", error.text);
        return false;
    }
    *hash = hash_of(values, run.rows);
    return true;
}

/* One lane and one thread, and whether every other way gives the same bits. */
static bool compute_in_all_ways(const za_plan *plan, const table *over, za_pool *pool, uint64_t *hash)
{
    bool same = compute(plan, over, 1, NULL, hash);
    for (int isa = 0; isa < ZA_ISA_COUNT; isa++) {
        const za_lane_set *set = za_lane_set_of((za_isa)isa);
        za_pool *const pools[] = {NULL, pool};
        for (int i = 0; set != NULL && i < 2; i++) {
            uint64_t other = 0;
            same = compute(plan, over, set->lanes, pools[i], &other) && other == *hash && same;
        }
    }
    return same;
}

static bool print_bits(const listing *listed, const table *over, za_pool *pool)
{
    za_error error = {0};
    uint64_t hash = 0;
    za_plan *plan = za_plan_new(&(za_plan_spec){.nodes = listed->nodes,
                                                .outputs = &listed->output,
                                                .node_count = listed->count,
                                                .output_count = 1,
                                                .column_count = ZA_FIGURE_COUNT},
                                &error);
    bool good = plan != NULL && compute_in_all_ways(plan, over, pool, &hash);
    if (!good) {
        (void)fprintf(stderr, "%s: %s\n", listed->formula, plan == NULL ? error.text : "lanes or threads differ");
    }
    (void)printf("%016llx %s\n", (unsigned long long)hash, listed->formula);
    za_plan_free(plan);
    return good;
}

static void print_bars(const table *over)
{
    for (int group = 0; group < GROUPS; group++) {
        for (int64_t row = over->offsets[group]; row < over->offsets[group + 1]; row++) {
            (void)printf("%d %" PRId64, group, over->times[row]);
            for (int figure = 0; figure < ZA_FIGURE_COUNT; figure++) {
                (void)printf(" %a", over->values[figure][row]);
            }
            (void)putchar('\n');
        }
    }
}

int main(int count, char **arguments)
{
    static table over;
    static listing listed;
    fill_table(&over);
    if (count > 1) {
        if (strcmp(arguments[1], "bars") != 0) {
            (void)fprintf(stderr, "no argument, or bars: %s\n", arguments[1]);
            return 1;
        }
        print_bars(&over);
        return 0;
    }
    za_pool *pool = za_pool_new(3);
    bool good = pool != NULL;
    int plans = 0;
    for (; good && read_plan(stdin, &listed); plans++) {
        good = print_bits(&listed, &over, pool);
    }
    (void)za_pool_free(pool, INT64_MAX);
    return good && plans > 0 ? 0 : 1;
}
