#include "plan/stages.h"

#include <math.h>

#include "base/memory.h"
#include "plan/graph.h"
#include "plan/pin.h"
#include "plan/stages_plan.h"
#include "pool/wait.h"

za_code za_stages_new(za_run *top, const za_others *others, za_stages **made, za_error *error)
{
    za_stages *stages = *made = za_alloc_zeroed(1, sizeof *stages);
    if (stages == NULL) {
        return za_fail_memory(error);
    }
    stages->top = top;
    stages->others = *others;
    stages->step = -1;
    za_code code = za_stages_plan(stages, error);
    if (code != ZA_OK) {
        za_stages_free(stages);
        *made = NULL;
    }
    return code;
}

/* A step of a stage is the count of its periods, these, the cross-sections before it, or its run. */
enum { STEP_COUNT, STEP_FILL, STEP_SECTIONS, STEP_RUN, STEPS_A_STAGE };

/* Frees what a stage has made, and what was made for it. */
static void release_results(za_stage *stage)
{
    za_free(stage->own.values);
    stage->own.values = NULL;
    if (stage->gathered != NULL) {
        za_periods_release(&stage->periods);
    }
}

static void release_columns(za_stage *stage)
{
    for (int i = 0; stage->columns != NULL && i < stage->run->plan->source_count; i++) {
        za_free(stage->columns[i]);
        stage->columns[i] = NULL;
    }
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
        za_free(stage->bar);
        za_free(stage->known);
        za_free(stage->counts);
        za_free(stage->derived);
        za_free(stage->list);
        za_free(stage->columns);
    }
    for (size_t i = 0; stages->views != NULL && i < stages->others.count; i++) {
        za_view_release(&stages->views[i]);
    }
    za_free(stages->views);
    za_row_times_release(&stages->times);
    za_free(stages->plans);
    za_free(stages->list);
    za_free(stages);
}

/* Returns how many sources of all plans are that result. */
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
    const za_stage *made = &stages->list[za_stages_place(stages, source->plan)];
    const za_run *run = made->run;
    double *values = run->values + source->output * run->rows;
    za_derived *derived = &stage->derived[at];
    if (source->kind == ZA_SOURCE_PERIOD) {
        *derived = source->forming ? (za_derived){.values = values, .row = run->row, .from = made->bar}
                                   : (za_derived){.values = values,
                                                  .times = made->periods.times,
                                                  .row = run->row,
                                                  .from = made->known,
                                                  .counts = made->counts};
        return true;
    }
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
                (za_comparison){.kind = source->across,
                                .share = source->share,
                                .labels = source->labels < 0 ? NULL : &stages->others.labels[source->labels],
                                .values = run->values + source->output * run->rows,
                                .results = (double *)(uintptr_t)stage->derived[i].values};
        }
    }
    if (count == 0) {
        return NULL;
    }
    const za_run *compared = stages->list[stage->compared].run;
    if (!za_row_times_find(&stages->times, compared, stage->oldest)) {
        za_run_end(stages->top, ZA_NO_MEMORY);
        return NULL;
    }
    stage->sections = (za_sections){.run = compared, .times = &stages->times, .list = stage->list, .count = count};
    za_sections_init(&stage->sections);
    return stage->sections.job.count > 0 ? &stage->sections.job : NULL;
}

/* The periods of which results are needed: that of the first bar, or of finished ones that before it. Its value is
 * known from the first bar of the next one on. */
static void choose_periods(za_stage *stage)
{
    const za_periods *periods = &stage->periods;
    za_run *run = stage->run;
    bool forming = stage->gathered->forming;
    for (size_t at = 0; at < run->count; at++) {
        int64_t count = periods->offsets[at + 1] - periods->offsets[at];
        int64_t bars = za_run_bars_of(periods->around, at).bars, bar = stage->bar[at];
        int64_t period = bar < bars ? za_periods_at(periods, at, bar) : count;
        run->from[at] = forming || period == 0 || bar == bars ? period : period - 1;
        run->row[at] = run->rows;
        run->rows += forming ? bars - bar : count - run->from[at];
        stage->known[at] = periods->offsets[at] + run->from[at] + 1;
        stage->counts[at] = count > run->from[at] ? count - run->from[at] - 1 : 0;
    }
    if (forming) {
        stage->forming = (za_forming){za_forming_way, periods, run->row, stage->bar};
        run->way = &stage->forming.way;
    }
}

static int64_t last_time(za_bars_of series)
{
    return series.bars > 0 ? series.times[series.bars - 1] : INT64_MIN;
}

/* For last bars alone: a series whose last bar is not at the newest time is compared with nothing there. */
static void leave_out_stale(const za_stage *stage)
{
    const za_run *run = stage->run;
    int64_t newest = INT64_MIN, oldest = INT64_MAX;
    for (size_t at = 0; at < run->count; at++) {
        int64_t time = last_time(za_run_bars_of(run, at));
        newest = time > newest ? time : newest;
        oldest = time < oldest ? time : oldest;
    }
    for (size_t at = 0; oldest < newest && at < run->count; at++) {
        za_bars_of series = za_run_bars_of(run, at);
        for (int i = 0; last_time(series) < newest && i < run->plan->source_count; i++) {
            const za_derived *derived = &stage->derived[i];
            if (series.bars > 0 && za_stages_compares(&run->plan->sources[i])) {
                ((double *)(uintptr_t)derived->values)[derived->row[at] + series.bars - 1 - derived->from[at]] = NAN;
            }
        }
    }
}

static za_job *begin_run(za_stages *stages, za_stage *stage)
{
    za_run *run = stage->run;
    if (run->last) {
        leave_out_stale(stage);
    }
    if (stage->gathered != NULL) {
        choose_periods(stage);
    }
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

/* The bars of a stage's readers are counted by periods, or gathered into them. */
static za_job *begin_periods(za_stages *stages, za_stage *stage, bool counting)
{
    za_periods *periods = &stage->periods;
    za_error error;
    if (stage->gathered == NULL || stage->run->count == 0) {
        return NULL;
    }
    if ((counting ? za_periods_init(periods, &error) : za_periods_place(periods, &error)) != ZA_OK) {
        za_run_end(stages->top, ZA_NO_MEMORY);
        return NULL;
    }
    return counting ? &periods->count : &periods->fill;
}

static za_job *begin(za_stages *stages, za_stage *stage, int step)
{
    switch (step) {
    case STEP_COUNT:
    case STEP_FILL:
        return begin_periods(stages, stage, step == STEP_COUNT);
    case STEP_SECTIONS:
        return begin_sections(stages, stage);
    default:
        return begin_run(stages, stage);
    }
}

static void end_step(za_stages *stages)
{
    int ended = stages->step / STEPS_A_STAGE;
    if (stages->step % STEPS_A_STAGE != STEP_RUN) {
        return;
    }
    for (int i = 0; i < ended; i++) {
        if (stages->list[i].last_reader == ended) {
            release_results(&stages->list[i]);
        }
    }
    release_columns(&stages->list[ended]);
}

/* The next step with anything to do, as the job; false after the last, or when it is not worth going on. */
static bool begin_step(za_stages *stages)
{
    za_job *next = NULL;
    while (next == NULL && za_run_goes_on(stages->top) && ++stages->step < STEPS_A_STAGE * stages->count) {
        next = begin(stages, &stages->list[stages->step / STEPS_A_STAGE], stages->step % STEPS_A_STAGE);
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

/* The step as a job of the pool. The fields that the pool guards are left alone: whoever cancels may be reading them.
 */
static void take_over(za_stages *stages)
{
    za_job *job = &stages->job;
    job->run = run_items;
    job->done = step_done;
    job->count = stages->under_way->count;
    job->grain = stages->under_way->grain;
    job->urgency = stages->top->job.urgency;
    job->deadline_ns = stages->top->job.deadline_ns;
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
        za_pool_share(taken, stages->under_way);
        if (stages->under_way->code != ZA_OK) {
            za_run_end(stages->top, stages->under_way->code);
        }
        end_step(stages);
    }
    return za_run_finish(stages->top, error);
}
