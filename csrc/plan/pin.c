#include "plan/pin.h"

#include "base/memory.h"
#include "plan/twins.h"

const double *za_run_column(const za_run *run, size_t at, int column)
{
    return run->table != NULL ? run->table->columns[column] + run->table->offsets[at]
                              : za_rows_column(&run->tickers.views[at].rows, run->tickers.columns[column]);
}

int za_run_figure(const za_run *run, int column)
{
    return run->table != NULL ? run->table->figures[column] : run->tickers.columns[column];
}

int64_t za_first_bar_at(za_bars_of series, int64_t time)
{
    int64_t least = 0, most = series.bars, step = 1;
    while (most >= step && series.times[most - step] >= time) { /* it is one of the last, as a rule */
        most -= step;
        step *= 2;
    }
    least = most >= step ? most - step + 1 : 0;
    while (least < most) {
        int64_t middle = (least + most) / 2;
        if (series.times[middle] < time) {
            least = middle + 1;
        } else {
            most = middle;
        }
    }
    return least;
}

/* Later bars than the last one wanted change no earlier value. */
static void choose_rows(za_run *run, int64_t first, int64_t last)
{
    run->rows = 0;
    for (size_t i = 0; i < run->count; i++) {
        za_bars_of series = za_run_bars_of(run, i);
        int64_t end = last == INT64_MAX ? series.bars : za_first_bar_at(series, last + 1);
        int64_t from = za_first_bar_at(series, first);
        run->from[i] = from < end ? from : end;
        run->tickers.views[i].rows.count = end;
        run->row[i] = run->rows;
        run->rows += end - run->from[i];
    }
}

/* Tickers whose views are taken under one lock of the store. */
enum { AT_ONCE = 64 };

za_code za_run_pin(za_run *run, int64_t first, int64_t last, za_error *error)
{
    run->tickers.views = za_alloc_zeroed(run->count, sizeof *run->tickers.views);
    run->row = run->last ? NULL : za_alloc(run->count, sizeof *run->row);
    run->from = run->last ? NULL : za_alloc(run->count, sizeof *run->from);
    if (run->tickers.views == NULL || (!run->last && (run->row == NULL || run->from == NULL))) {
        return za_fail_memory(error);
    }
    for (size_t at = 0; at < run->count; at += AT_ONCE) {
        size_t count = run->count - at < AT_ONCE ? run->count - at : AT_ONCE;
        (void)za_store_views(run->tickers.store, run->tickers.symbols + at, count, run->tickers.views + at);
    }
    za_tickers *tickers = &run->tickers;
    if (za_plan_has_sources(run->plan) &&
        !za_twins_pin(tickers->views, run->count, &tickers->twins, &tickers->twin_count)) {
        return za_fail_memory(error);
    }
    if (!run->last) {
        choose_rows(run, first, last);
    }
    return ZA_OK;
}

void za_run_release(za_run *run)
{
    for (size_t i = 0; run->tickers.views != NULL && i < run->count; i++) {
        za_view_release(&run->tickers.views[i]);
    }
    za_free(run->tickers.views);
    za_free(run->tickers.twins);
    za_free(run->row);
    za_free(run->from);
    run->tickers.views = NULL;
    run->tickers.twins = NULL;
    run->row = run->from = NULL;
}
