/* Live states whose allocations fail one after another: an update that fails leaves each ticker as it was or up to
 * date, and the next one makes of all of them what they would be without the failure. */
#include "bars_sample.h"
#include "base/memory.h"
#include "market_sample.h"
#include "plan/live.h"
#include "plan/live_read.h"

enum { SYMBOLS = 21, FEATURES = 6, MOST_ROWS = 32 };

static za_plan *some_plan(void)
{
    sketch s = {.count = 0};
    for (int column = 0; column < COLUMN_COUNT; column++) {
        (void)sketch_column(&s, column);
    }
    int mean = sketch_kernel(&s, ZA_INDICATOR_sma, COLUMN_CLOSE, 4);
    int change = sketch_operation(&s, ZA_OPERATION_subtract, COLUMN_CLOSE, mean);
    int lagged =
        sketch_node(&s, (za_node_spec){.kind = ZA_NODE_LAG, .inputs = {change}, .input_count = 1, .params = {{2.0}}});
    const int outputs[FEATURES] = {COLUMN_HIGH,
                                   mean,
                                   sketch_kernel(&s, ZA_INDICATOR_ema, change, 3),
                                   sketch_kernel(&s, ZA_INDICATOR_quantile, COLUMN_LOW, 5),
                                   lagged,
                                   sketch_atr(&s, 3)};
    return sketch_plan(&s, outputs, FEATURES);
}

static za_live *live_of(const za_plan *plan, za_store *store, za_error *error)
{
    char texts[SYMBOLS][NAME_ROOM];
    za_symbol symbols[SYMBOLS];
    for (int number = 0; number < SYMBOLS; number++) {
        symbols[number] = numbered(texts[number], number);
    }
    return za_live_new(&(za_live_spec){.plan = plan,
                                       .store = store,
                                       .columns = figures_of_columns,
                                       .symbols = symbols,
                                       .count = SYMBOLS,
                                       .all = true},
                       error);
}

static void append_bars(za_store *store, int first, int last, int64_t from, int64_t to)
{
    for (int number = first; number < last; number++) {
        for (int64_t time = from; time < to; time++) {
            char text[NAME_ROOM];
            za_bar bar = bar_of(time, 50.0 + number + (double)(time * 7 % 11), 10.0);
            CHECK(za_store_append(store, numbered(text, number), &bar, NULL) == ZA_OK);
        }
    }
}

/* New bars for most, a last bar that is replaced, one that leaves, two that join. */
static void change_store(za_store *store)
{
    char text[NAME_ROOM];
    append_bars(store, 0, SYMBOLS - 3, 20, 23);
    za_bar revised = bar_of(22, 77.0, 5.0);
    CHECK(za_store_append(store, numbered(text, 1), &revised, NULL) == ZA_OK);
    CHECK(za_store_drop(store, numbered(text, 2)));
    append_bars(store, SYMBOLS, SYMBOLS + 2, 15, 22);
}

typedef struct figures {
    int64_t rows, times[MOST_ROWS];
    double values[MOST_ROWS * FEATURES];
} figures;

static void read_figures(za_live *live, figures *read)
{
    za_live_board *board = za_live_board_of(live);
    CHECK(board->rows <= MOST_ROWS);
    read->rows = board->rows;
    za_live_copy(live, board, read->values, read->times);
    za_live_board_release(board);
}

/* The row of a symbol, or -1. */
static int64_t row_of(za_live *live, int64_t rows, za_symbol symbol)
{
    for (int64_t row = 0; row < rows; row++) {
        za_symbol other = za_live_symbol(live, row);
        if (other.length == symbol.length && memcmp(other.text, symbol.text, symbol.length) == 0) {
            return row;
        }
    }
    return -1;
}

/* The rows of states that begin now over the same bars; what has left the store has no row there. */
static void check_current(za_live *live, const za_plan *plan, za_store *store)
{
    static figures found, wanted;
    za_live *other = live_of(plan, store, NULL);
    int64_t taken;
    CHECK(za_live_update(other, NULL, 0, &taken, NULL) == ZA_OK);
    read_figures(live, &found);
    read_figures(other, &wanted);
    for (int64_t row = 0; row < found.rows; row++) {
        int64_t same = row_of(other, wanted.rows, za_live_symbol(live, row));
        if (same < 0 || !CHECK(found.times[row] == wanted.times[same])) {
            CHECK(same >= 0);
            continue;
        }
        for (int feature = 0; feature < FEATURES; feature++) {
            double a = found.values[feature * found.rows + row], b = wanted.values[feature * wanted.rows + same];
            CHECK(memcmp(&a, &b, sizeof a) == 0 || (isnan(a) && isnan(b)));
        }
    }
    CHECK(found.rows == wanted.rows);
    za_live_free(other);
}

/* Whether memory ran out after so many allocations. */
static bool update_fails(za_live *live, long successes)
{
    int64_t taken;
    za_error error = {0};
    za_memory_fail_after(successes);
    za_code code = za_live_update(live, NULL, 0, &taken, &error);
    za_memory_fail_after(-1);
    CHECK(code == ZA_OK || (code == ZA_NO_MEMORY && error.text[0] != '\0'));
    CHECK(za_live_update(live, NULL, 0, &taken, NULL) == ZA_OK);
    return code != ZA_OK;
}

/* Whether anything failed. */
static bool live_with(const za_plan *plan, long successes)
{
    za_store *store = store_of(64);
    za_error error = {0};
    append_bars(store, 0, SYMBOLS, 0, 20);
    za_memory_fail_after(successes);
    za_live *live = live_of(plan, store, &error);
    za_memory_fail_after(-1);
    bool fails = live == NULL;
    if (fails) {
        CHECK(error.code == ZA_NO_MEMORY);
    } else {
        fails = update_fails(live, successes);
        check_current(live, plan, store);
        change_store(store);
        fails = update_fails(live, successes) || fails;
        check_current(live, plan, store);
    }
    za_live_free(live);
    za_store_free(store);
    return fails;
}

int main(void)
{
    za_plan *plan = some_plan();
    long successes = 0;
    while (live_with(plan, successes) && successes < 1000) {
        successes++;
    }
    CHECK(successes > 10 && successes < 1000);
    za_plan_free(plan);
    return check_report("live");
}
