#include "plan/stages_plan.h"

#include "base/memory.h"
#include "plan/graph.h"
#include "plan/pin.h"

int za_stages_place(const za_stages *stages, const za_plan *plan)
{
    int at = 0;
    while (at < stages->count && stages->plans[at] != plan) {
        at++;
    }
    return at;
}

/* The plans that `plan` needs, and itself, each once. */
static bool list_plans(za_stages *stages, const za_plan *plan)
{
    bool listed = za_stages_place(stages, plan) < stages->count;
    for (int i = 0; !listed && i < plan->source_count; i++) {
        if (!list_plans(stages, plan->sources[i].plan)) {
            return false;
        }
    }
    if (listed) {
        return true;
    }
    const za_plan **plans = za_resize(stages->plans, (size_t)stages->count + 1, sizeof *plans);
    if (plans != NULL) {
        stages->plans = plans;
        plans[stages->count++] = plan;
    }
    return plans != NULL;
}

/* The bars that the source number `source` of a plan is read before the oldest one asked for. */
static int64_t back_of(const za_plan *plan, int source)
{
    int64_t back = 0;
    for (int i = 0; i < plan->node_count; i++) {
        const za_node *node = &plan->nodes[i];
        if (node->spec.kind == ZA_NODE_COLUMN && node->spec.which == plan->column_count + source && node->back > back) {
            back = node->back;
        }
    }
    return back;
}

/* The first bar of a series of which a source is needed that is read `back` bars before the oldest one asked for; the
 * number of bars if none is. */
static int64_t needed_of(const za_run *run, size_t at, int64_t bars, int64_t back)
{
    int64_t from = run->from != NULL ? run->from[at] : run->last && bars > 0 ? bars - 1 : 0;
    return from == bars ? bars : back < from ? from - back : 0;
}

/* The series of a stage are periods, which are there when their bars have been gathered. */
static bool open_periods(za_stage *stage, const za_source *source, const za_run *reader)
{
    stage->gathered = source;
    stage->periods = (za_periods){.around = reader, .plan = source->plan, .period = source->period};
    stage->run->table = &stage->periods.table;
    stage->bar = za_alloc(reader->count, sizeof *stage->bar);
    stage->known = za_alloc(reader->count, sizeof *stage->known);
    stage->counts = za_alloc(reader->count, sizeof *stage->counts);
    for (size_t at = 0; stage->bar != NULL && at < reader->count; at++) {
        stage->bar[at] = za_run_bars_of(reader, at).bars;
    }
    return stage->bar != NULL && stage->known != NULL && stage->counts != NULL;
}

/* The series of a stage whose results `reader` reads. */
static za_code open_stage(za_stages *stages, za_stage *stage, const za_source *source, const za_run *reader)
{
    za_run *run = stage->run = &stage->own;
    *run = (za_run){.plan = source->plan,
                    .zone = reader->zone,
                    .cut = reader->cut,
                    .table = reader->table,
                    .tickers = reader->tickers,
                    .count = reader->count,
                    .top = stages->top};
    if (source->kind == ZA_SOURCE_TICKER) {
        run->count = 1;
        run->tickers.views = stages->views == NULL ? NULL : &stages->views[source->ticker];
        if (reader->table != NULL) {
            stage->table = *stages->top->table;
            stage->table.offsets += stages->others.groups[source->ticker];
            run->table = &stage->table;
        }
    }
    if (source->kind == ZA_SOURCE_PERIOD && !open_periods(stage, source, reader)) {
        return ZA_NO_MEMORY;
    }
    run->row = za_alloc(run->count, sizeof *run->row);
    run->from = za_alloc(run->count, sizeof *run->from);
    for (size_t at = 0; stage->gathered == NULL && run->from != NULL && at < run->count; at++) {
        run->from[at] = za_run_bars_of(run, at).bars;
    }
    return run->row == NULL || run->from == NULL ? ZA_NO_MEMORY : ZA_OK;
}

bool za_stages_compares(const za_source *source)
{
    const za_plan *plan = source->plan;
    const za_node *node = &plan->nodes[plan->outputs[source->output]];
    const za_source *made = node->spec.kind == ZA_NODE_COLUMN ? za_plan_source(plan, node->spec.which) : NULL;
    return source->kind == ZA_SOURCE_ACROSS ||
           (source->kind == ZA_SOURCE_VALUE && made != NULL && made->kind == ZA_SOURCE_ACROSS);
}

/* The need of a stage for another one: so many bars back; in cross-sections, -1 if there are none; whether all of it
 * has compared tickers. */
typedef struct za_need {
    int64_t back, across;
    bool compared;
} za_need;

/* The oldest time of which a stage needs what it reads `back` bars back. For last bars that are compared it is the
 * newest one. */
static int64_t oldest_of(const za_stage *stage, int64_t back, bool compared)
{
    const za_run *run = stage->run;
    bool newest_alone = run->last && back == 0 && compared;
    int64_t oldest = newest_alone ? INT64_MIN : INT64_MAX;
    for (size_t at = 0; at < run->count; at++) {
        za_bars_of series = za_run_bars_of(run, at);
        int64_t from = needed_of(run, at, series.bars, 0);
        from = from < series.bars && series.times[from] < stage->since ? za_first_bar_at(series, stage->since) : from;
        if (from < series.bars) {
            int64_t time = series.times[back < from ? from - back : 0];
            oldest = newest_alone == (time > oldest) ? time : oldest;
        }
    }
    return oldest;
}

static bool ask(za_stages *stages, za_stage *stage, za_stage *made, za_need need)
{
    const za_run *run = stage->run;
    int64_t *from = made->gathered != NULL ? made->bar : made->run->from;
    int64_t since = oldest_of(stage, need.back, need.compared);
    made->since = since < made->since ? since : made->since;
    if (need.across >= 0) {
        stage->oldest = need.compared && need.across == need.back ? since : oldest_of(stage, need.across, true);
        if (!za_row_times_find(&stages->times, run, stage->oldest)) {
            return false;
        }
    }
    for (size_t at = 0; at < run->count; at++) {
        za_bars_of series = za_run_bars_of(run, at);
        int64_t bar = needed_of(run, at, series.bars, need.back);
        bar = need.across >= 0 && stages->times.first[at] < bar ? stages->times.first[at] : bar;
        from[at] = bar < from[at] ? bar : from[at];
    }
    return true;
}

/* The same of all that a stage reads of another, if it reads any. False without memory. */
static bool ask_for_sources(za_stages *stages, za_stage *stage, int made)
{
    const za_plan *plan = stage->run->plan;
    za_need need = {.back = -1, .across = -1, .compared = true};
    for (int i = 0; i < plan->source_count; i++) {
        const za_source *source = &plan->sources[i];
        if (source->plan != stages->plans[made]) {
            continue;
        }
        if (source->kind == ZA_SOURCE_TICKER) {
            stages->list[made].run->from[0] = 0;
            return true;
        }
        int64_t back = back_of(plan, i);
        need.back = back > need.back ? back : need.back;
        need.compared = need.compared && za_stages_compares(source);
        if (source->kind == ZA_SOURCE_ACROSS) {
            need.across = back > need.across ? back : need.across;
            stage->compared = made;
        }
    }
    return need.back < 0 || ask(stages, stage, &stages->list[made], need);
}

/* Series, rows and sources of a stage, all of whose readers have asked. */
static za_code plan_stage(za_stages *stages, int at)
{
    za_stage *stage = &stages->list[at];
    const za_plan *plan = stages->plans[at];
    za_run *run = stage->run;
    run->rows = run == stages->top ? run->rows : 0;
    for (size_t i = 0; run != stages->top && stage->gathered == NULL && i < run->count; i++) {
        run->row[i] = run->rows;
        run->rows += za_run_bars_of(run, i).bars - run->from[i];
    }
    stage->derived = za_alloc_zeroed((size_t)plan->source_count, sizeof *stage->derived);
    stage->list = za_alloc_zeroed((size_t)plan->source_count, sizeof *stage->list);
    stage->columns = za_alloc_zeroed((size_t)plan->source_count, sizeof *stage->columns);
    if (stage->derived == NULL || stage->list == NULL || stage->columns == NULL) {
        return ZA_NO_MEMORY;
    }
    run->derived = stage->derived;
    for (int i = 0; i < plan->source_count; i++) {
        za_stage *made = &stages->list[za_stages_place(stages, plan->sources[i].plan)];
        if (made->run == NULL && open_stage(stages, made, &plan->sources[i], run) != ZA_OK) {
            return ZA_NO_MEMORY;
        }
        made->last_reader = at > made->last_reader ? at : made->last_reader;
    }
    for (int made = 0; made < at; made++) {
        if (!ask_for_sources(stages, stage, made)) {
            return ZA_NO_MEMORY;
        }
    }
    return ZA_OK;
}

static za_code take_views(za_stages *stages, za_error *error)
{
    const za_others *others = &stages->others;
    stages->views = za_alloc_zeroed(others->count, sizeof *stages->views);
    if (stages->views == NULL) {
        return za_fail_memory(error);
    }
    (void)za_store_views(stages->top->tickers.store, others->symbols, others->count, stages->views);
    for (size_t i = 0; i < others->count; i++) {
        if (stages->views[i].rows.count == 0) {
            return za_fail(error, ZA_BAD_VALUE, "the store has no ticker '%.*s', which a formula reads",
                           za_symbol_shown(others->symbols[i]), others->symbols[i].text);
        }
    }
    return ZA_OK;
}

za_code za_stages_plan(za_stages *stages, za_error *error)
{
    if (!list_plans(stages, stages->top->plan)) {
        return za_fail_memory(error);
    }
    stages->list = za_alloc_zeroed((size_t)stages->count, sizeof *stages->list);
    if (stages->list == NULL) {
        return za_fail_memory(error);
    }
    if (stages->top->table == NULL && take_views(stages, error) != ZA_OK) {
        return error->code;
    }
    for (int i = 0; i < stages->count; i++) {
        stages->list[i].compared = -1;
        stages->list[i].since = i + 1 < stages->count ? INT64_MAX : INT64_MIN;
    }
    stages->list[stages->count - 1].run = stages->top;
    for (int i = stages->count - 1; i >= 0; i--) { /* whoever reads it stands behind it */
        if (plan_stage(stages, i) != ZA_OK) {
            return za_fail_memory(error);
        }
    }
    return ZA_OK;
}
