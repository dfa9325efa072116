/* Tickers that are asked for more than once. */
#include "bars_sample.h"
#include "base/memory.h"
#include "check.h"
#include "plan/twins.h"

enum { SERIES = 6 };

static void append(za_store *store, const char *symbol, int64_t time)
{
    const za_bar bar = {.time = time, .figure = {2.0, 3.0, 1.0, 2.0, 5.0}};
    CHECK(za_store_append(store, (za_symbol){symbol, strlen(symbol)}, &bar, NULL) == ZA_OK);
}

/* Views that were taken one after the other, between which each ticker had another bar. */
static void take_views(za_store *store, za_view *views)
{
    static const char *const asked[SERIES] = {"A", "none", "B", "A", "none", "A"};
    for (int i = 0; i < SERIES; i++) {
        append(store, "A", i + 1);
        append(store, "B", i + 1);
        views[i] = za_store_view(store, (za_symbol){asked[i], strlen(asked[i])});
    }
}

static void test_twins_are_of_one_moment(void)
{
    za_store *store = za_store_new((za_store_options){.capacity = 100, .ordered = true});
    za_view views[SERIES];
    take_views(store, views);
    CHECK(views[0].rows.count == 1 && views[3].rows.count == 4 && views[5].rows.count == 6);
    za_twin *twins;
    size_t found;
    CHECK(za_twins_pin(views, SERIES, &twins, &found) && found == 2);
    CHECK(twins[0].at == 3 && twins[0].first == 0 && twins[1].at == 5 && twins[1].first == 0);
    za_free(twins);
    for (int i = 0; i < SERIES; i++) {
        const int64_t bars[SERIES] = {1, 0, 3, 1, 0, 1};
        CHECK(views[i].rows.count == bars[i] && (bars[i] == 0 || views[i].rows.time[bars[i] - 1] == bars[i]));
    }
    za_store_free(store);
    CHECK(views[5].rows.figure[ZA_FIGURE_VOLUME][0] == 5.0); /* each holds its bars */
    for (int i = 0; i < SERIES; i++) {
        za_view_release(&views[i]);
    }
}

static void test_without_memory(void)
{
    za_store *store = za_store_new((za_store_options){.capacity = 100, .ordered = true});
    za_view views[SERIES];
    take_views(store, views);
    for (long successes = 0; successes < 3; successes++) {
        za_twin *twins;
        size_t found;
        za_memory_fail_after(successes);
        CHECK(!za_twins_pin(views, SERIES, &twins, &found) && found == 0);
        za_memory_fail_after(-1);
        za_free(twins);
        CHECK(views[3].rows.count == 4 && views[5].rows.count == 6);
    }
    for (int i = 0; i < SERIES; i++) {
        za_view_release(&views[i]);
    }
    za_store_free(store);
}

int main(void)
{
    test_twins_are_of_one_moment();
    test_without_memory();
    return check_report("twins");
}
