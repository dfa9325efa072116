#include "plan/stages.h"

#include <string.h>

#include "base/memory.h"
#include "plan/graph.h"
#include "pool/wait.h"

/* One plan. Its results are kept until the last of the stages that read them is done. */
typedef struct za_stage {
    za_run *run; /* the top's, or `own` */
    za_run own;
    za_table table; /* of another ticker */
    za_derived *derived;
    za_section *list;     /* the cross-sections before it, */
    double **columns;     /* of each source what was allocated for one; NULL where it takes the place of its values */
    za_sections sections; /* of the results of the stage `compared` */
    int compared;         /* -1: there are none */
    int64_t oldest;       /* the first time that they have to have */
    int last_reader;
} za_stage;

/* A step is the cross-sections before a stage, or the stage. */
enum { STEPS_A_STAGE = 2 };

struct za_stages {
    za_job job; /* in the pool in place of `under_way` */
    za_job *under_way;
    za_run *top;
    za_others others;
    za_view *views; /* of the other tickers */
    const za_plan **plans;
    za_stage *list; /* in order of evaluation */
    int count, step;
};

static int place_of(const za_stages *stages, const za_plan *plan)
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
    bool listed = place_of(stages, plan) < stages->count;
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

/* The first bar of which the stage's results are wanted; the number of bars if none is. */
static int64_t from_of(const za_run *run, size_t at)
{
    int64_t bars = za_run_bars_of(run, at).bars;
    return run->from != NULL ? run->from[at] : run->last && bars > 0 ? bars - 1 : 0;
}

/* The first bar of which a source is needed. */
static int64_t needed_of(const za_run *run, size_t at, int64_t back)
{
    int64_t bars = za_run_bars_of(run, at).bars, from = from_of(run, at);
    return from == bars ? bars : back < from ? from - back : 0;
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
    run->row = za_alloc(run->count, sizeof *run->row);
    run->from = za_alloc(run->count, sizeof *run->from);
    for (size_t at = 0; run->from != NULL && at < run->count; at++) {
        run->from[at] = za_run_bars_of(run, at).bars;
    }
    return run->row == NULL || run->from == NULL ? ZA_NO_MEMORY : ZA_OK;
}

static void need(za_run *run, size_t at, int64_t bar)
{
    run->from[at] = bar < run->from[at] ? bar : run->from[at];
}

/* The oldest time of which the cross-sections before a stage are needed. Of last bars alone it is the newest one. */
static int64_t oldest_of(const za_run *run, int64_t back)
{
    bool newest_alone = run->last && back == 0;
    int64_t oldest = newest_alone ? INT64_MIN : INT64_MAX;
    for (size_t at = 0; at < run->count; at++) {
        za_bars_of series = za_run_bars_of(run, at);
        int64_t bar = needed_of(run, at, back);
        if (bar < series.bars && (newest_alone ? series.times[bar] > oldest : series.times[bar] < oldest)) {
            oldest = series.times[bar];
        }
    }
    return oldest;
}

/* What a stage needs of the one that makes source number `at`. */
static void ask(za_stage *stage, za_stage *made, int at)
{
    const za_source *source = &stage->run->plan->sources[at];
    int64_t back = back_of(stage->run->plan, at);
    if (source->kind == ZA_SOURCE_TICKER) {
        need(made->run, 0, 0);
        return;
    }
    if (source->kind == ZA_SOURCE_ACROSS) {
        int64_t oldest = oldest_of(stage->run, back);
        stage->oldest = oldest < stage->oldest ? oldest : stage->oldest;
    }
    for (size_t i = 0; i < made->run->count; i++) {
        need(made->run, i, needed_of(stage->run, i, back));
        if (source->kind == ZA_SOURCE_ACROSS) {
            need(made->run, i, za_first_bar_at(za_run_bars_of(made->run, i), stage->oldest));
        }
    }
}

/* Series, rows and sources of a stage, all of whose readers have asked. */
static za_code plan_stage(za_stages *stages, int at)
{
    za_stage *stage = &stages->list[at];
    const za_plan *plan = stages->plans[at];
    za_run *run = stage->run;
    run->rows = run == stages->top ? run->rows : 0;
    for (size_t i = 0; run != stages->top && i < run->count; i++) {
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
        int source = place_of(stages, plan->sources[i].plan);
        za_stage *made = &stages->list[source];
        if (made->run == NULL && open_stage(stages, made, &plan->sources[i], run) != ZA_OK) {
            return ZA_NO_MEMORY;
        }
        made->last_reader = at > made->last_reader ? at : made->last_reader;
        stage->compared = plan->sources[i].kind == ZA_SOURCE_ACROSS ? source : stage->compared;
        ask(stage, made, i);
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
    za_store_views(stages->top->tickers.store, others->symbols, others->count, stages->views);
    for (size_t i = 0; i < others->count; i++) {
        if (stages->views[i].rows.count == 0) {
            return za_fail(error, ZA_BAD_VALUE, "the store has no ticker '%.*s', which a formula reads",
                           za_symbol_shown(others->symbols[i]), others->symbols[i].text);
        }
    }
    return ZA_OK;
}

static za_code build(za_stages *stages, za_error *error)
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
        stages->list[i].oldest = INT64_MAX;
    }
    stages->list[stages->count - 1].run = stages->top;
    for (int i = stages->count - 1; i >= 0; i--) { /* whoever reads it stands behind it */
        if (plan_stage(stages, i) != ZA_OK) {
            return za_fail_memory(error);
        }
    }
    return ZA_OK;
}

za_code za_stages_new(za_run *top, const za_others *others, za_stages **made, za_error *error)
{
    za_stages *stages = *made = za_alloc_zeroed(1, sizeof *stages);
    if (stages == NULL) {
        return za_fail_memory(error);
    }
    stages->top = top;
    stages->others = *others;
    stages->step = -1;
    za_code code = build(stages, error);
    if (code != ZA_OK) {
        za_stages_free(stages);
        *made = NULL;
    }
    return code;
}

/* What a stage has made, and what was made for it. */
static void release_results(za_stage *stage)
{
    za_free(stage->own.values);
    stage->own.values = NULL;
}

static void release_columns(za_stage *stage)
{
    for (int i = 0; stage->columns != NULL && i < stage->run->plan->source_count; i++) {
        za_free(stage->columns[i]);
        stage->columns[i] = NULL;
    }
    za_sections_release(&stage->sections);
}

void za_stages_free(za_stages *stages)
{
    if (stages == NULL) {
        return;
    }
    for (int i = 0; stages->list != NULL && i < stages->count; i++) {
        za_stage *stage = &stages->list[i];
        release_results(stage);
        release_columns(stage);
        za_free(stage->own.row);
        za_free(stage->own.from);
        za_free(stage->derived);
        za_free(stage->list);
        za_free(stage->columns);
    }
    for (size_t i = 0; stages->views != NULL && i < stages->others.count; i++) {
        za_view_release(&stages->views[i]);
    }
    za_free(stages->views);
    za_free(stages->plans);
    za_free(stages->list);
    za_free(stages);
}

/* How many sources of all plans are that result. */
static int readers_of(const za_stages *stages, const za_source *read)
{
    int readers = 0;
    for (int at = 0; at < stages->count; at++) {
        for (int i = 0; i < stages->plans[at]->source_count; i++) {
            const za_source *source = &stages->plans[at]->sources[i];
            readers += source->plan == read->plan && source->output == read->output;
        }
    }
    return readers;
}

/* A source as the stages before have made it, or as the cross-sections are to make it. */
static bool derive(za_stages *stages, za_stage *stage, int at)
{
    const za_source *source = &stage->run->plan->sources[at];
    const za_run *run = stages->list[place_of(stages, source->plan)].run;
    double *values = run->values + source->output * run->rows;
    za_derived *derived = &stage->derived[at];
    if (source->kind == ZA_SOURCE_TICKER) {
        za_bars_of series = za_run_bars_of(run, 0);
        *derived = (za_derived){.values = values, .times = series.times, .count = series.bars};
        return true;
    }
    *derived = (za_derived){.values = values, .row = run->row, .from = run->from};
    if (source->kind == ZA_SOURCE_ACROSS && readers_of(stages, source) > 1) {
        derived->values = stage->columns[at] = za_alloc((size_t)run->rows, sizeof(double));
    }
    return derived->values != NULL;
}

/* The cross-sections before a stage. */
static za_job *begin_sections(za_stages *stages, za_stage *stage)
{
    const za_plan *plan = stage->run->plan;
    int count = 0;
    for (int i = 0; i < plan->source_count; i++) {
        const za_source *source = &plan->sources[i];
        if (!derive(stages, stage, i)) {
            za_run_end(stages->top, ZA_NO_MEMORY);
            return NULL;
        }
        if (source->kind == ZA_SOURCE_ACROSS) {
            const za_run *run = stages->list[stage->compared].run;
            stage->list[count++] =
                (za_section){.kind = source->across,
                             .share = source->share,
                             .labels = source->labels < 0 ? NULL : &stages->others.labels[source->labels],
                             .values = run->values + source->output * run->rows,
                             .results = (double *)(uintptr_t)stage->derived[i].values};
        }
    }
    if (count == 0) {
        return NULL;
    }
    za_error error;
    stage->sections = (za_sections){
        .run = stages->list[stage->compared].run, .list = stage->list, .count = count, .last = stages->top->last};
    if (za_sections_init(&stage->sections, stage->oldest, &error) != ZA_OK) {
        za_run_end(stages->top, error.code);
        return NULL;
    }
    return &stage->sections.job;
}

static za_job *begin_run(za_stages *stages, za_stage *stage)
{
    za_run *run = stage->run;
    if (run != stages->top) {
        za_error error;
        size_t results = (size_t)za_plan_output_count(run->plan);
        run->values = za_alloc((size_t)run->rows * results, sizeof *run->values);
        if (run->values == NULL || za_run_init(run, &error) != ZA_OK) {
            za_run_end(stages->top, ZA_NO_MEMORY);
            return NULL;
        }
    }
    return run->count > 0 ? &run->job : NULL;
}

static void end_step(za_stages *stages)
{
    for (int i = 0; stages->step % STEPS_A_STAGE == 1 && i < stages->count; i++) {
        if (stages->list[i].last_reader == stages->step / STEPS_A_STAGE) {
            release_results(&stages->list[i]);
        }
    }
    if (stages->step % STEPS_A_STAGE == 1) {
        release_columns(&stages->list[stages->step / STEPS_A_STAGE]);
    }
}

/* The next step with anything to do, as the job; false after the last, or when it is not worth going on. */
static bool begin_step(za_stages *stages)
{
    za_job *next = NULL;
    while (next == NULL && za_run_goes_on(stages->top) && ++stages->step < STEPS_A_STAGE * stages->count) {
        za_stage *stage = &stages->list[stages->step / STEPS_A_STAGE];
        next = stages->step % STEPS_A_STAGE == 0 ? begin_sections(stages, stage) : begin_run(stages, stage);
    }
    stages->under_way = next;
    return next != NULL;
}

static void run_items(za_job *job, size_t begin, size_t end, za_scratch *scratch)
{
    za_job *under_way = ((za_stages *)(void *)job)->under_way;
    under_way->run(under_way, begin, end, scratch);
}

static void step_done(za_job *job);

/* The step as a job of the pool. */
static void take_over(za_stages *stages)
{
    const za_job *step = stages->under_way;
    stages->job = (za_job){.run = run_items,
                           .done = step_done,
                           .count = step->count,
                           .grain = step->grain,
                           .urgency = stages->top->job.urgency,
                           .deadline_ns = stages->top->job.deadline_ns};
}

/* Whoever ran or cancelled the last item goes on with the next step. */
static void step_done(za_job *job)
{
    za_stages *stages = (za_stages *)(void *)job;
    za_pool *pool = job->pool;
    if (job->code != ZA_OK) {
        za_run_end(stages->top, job->code);
    }
    end_step(stages);
    if (begin_step(stages)) {
        take_over(stages);
        if (za_pool_submit(pool, &stages->job, NULL) == ZA_OK) {
            return;
        }
        za_run_end(stages->top, ZA_CANCELLED);
    }
    stages->top->job.done(&stages->top->job);
}

za_code za_stages_submit(za_stages *stages, za_pool *pool, za_error *error)
{
    if (!begin_step(stages)) {
        za_code code = za_run_finish(stages->top, error);
        if (code == ZA_OK) {
            stages->top->job.done(&stages->top->job);
        }
        return code;
    }
    take_over(stages);
    return za_pool_submit(pool, &stages->job, error);
}

void za_stages_cancel(za_stages *stages, za_pool *pool)
{
    za_pool_cancel(pool, &stages->job);
}

za_code za_stages_wait(za_stages *stages, za_pool *pool, za_error *error)
{
    za_pool *taken = za_run_is_brief(stages->top) ? NULL : pool;
    while (begin_step(stages)) {
        za_pool_wait(taken, stages->under_way);
        if (stages->under_way->code != ZA_OK) {
            za_run_end(stages->top, stages->under_way->code);
        }
        end_step(stages);
    }
    return za_run_finish(stages->top, error);
}
