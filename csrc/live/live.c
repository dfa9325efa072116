#include "live/live.h"

#include "base/memory.h"
#include "kernels/lanes.h"
#include "live/gather.h"
#include "live/moves.h"
#include "live/others.h"
#include "live/pass.h"
#include "live/sections.h"
#include "live/start.h"
#include "live/tiles.h"

/* Names that are new are known from now on, in the order in which they stand. */
static za_code add_names(za_live *live, const za_symbol *symbols, size_t count, za_error *error)
{
    za_code code = ZA_OK;
    for (size_t i = 0; i < count && code == ZA_OK; i++) {
        int32_t row;
        code = za_text_set_code(&live->names, symbols[i].text, symbols[i].length, &row);
    }
    return code == ZA_OK          ? ZA_OK
           : code == ZA_NO_MEMORY ? za_fail_memory(error)
                                  : za_fail(error, code, "a symbol is not text");
}

/* Rows for the names that have none, behind the others. */
static za_code add_rows(za_live *live, za_error *error)
{
    za_live_board *former = live->board;
    int64_t rows = live->names.count;
    if (former != NULL && former->rows == rows) {
        return ZA_OK;
    }
    za_live_member *members = za_resize(live->members, (size_t)rows, sizeof *members);
    live->members = members != NULL ? members : live->members;
    za_live_stretch *stretches =
        members == NULL ? NULL : za_resize(live->stretches, (size_t)za_live_stretches_of(rows), sizeof *stretches);
    live->stretches = stretches != NULL ? stretches : live->stretches;
    za_live_board *board =
        stretches == NULL ? NULL : za_live_board_new(rows, za_plan_output_count(live->spec.plan), former);
    if (board == NULL) {
        return za_fail_memory(error);
    }
    int64_t had = former == NULL ? 0 : former->rows;
    for (int64_t row = had; row < rows; row++) {
        members[row] = (za_live_member){.tile = ZA_NO_TILE};
    }
    for (int64_t i = za_live_stretches_of(had); i < za_live_stretches_of(rows); i++) {
        stretches[i] = (za_live_stretch){0};
    }
    pthread_mutex_lock(&live->board_mutex);
    live->board = board;
    pthread_mutex_unlock(&live->board_mutex);
    za_live_board_release(former);
    return ZA_OK;
}

static za_code fill(za_live *live, za_error *error)
{
    za_code code = za_live_layout_make(&live->layout, live->spec.plan, live->spec.columns, error);
    za_live_memory_init(&live->one, za_lane_set_one(), live->layout.headers, live->layout.slots);
    za_live_memory_init(&live->wide, za_lane_set_widest(), live->layout.headers, live->layout.slots);
    code = code == ZA_OK ? za_live_others_make(live, error) : code;
    code = code == ZA_OK ? add_names(live, live->spec.symbols, live->spec.count, error) : code;
    if (code == ZA_OK && (size_t)live->names.count < live->spec.count) {
        code = za_fail(error, ZA_BAD_VALUE, "a symbol appears twice");
    }
    code = code == ZA_OK ? add_rows(live, error) : code;
    live->spec.symbols = live->spec.others = NULL;
    return code;
}

za_live *za_live_new(const za_live_spec *spec, za_error *error)
{
    za_live *live = za_alloc_zeroed(1, sizeof *live);
    if (live == NULL) {
        (void)za_fail_memory(error);
        return NULL;
    }
    (void)pthread_mutex_init(&live->mutex, NULL); /* without attributes neither needs anything that may be missing */
    (void)pthread_mutex_init(&live->board_mutex, NULL);
    live->spec = *spec;
    live->fork_lock.mutex = &live->mutex;
    live->board_fork_lock.mutex = &live->board_mutex;
    za_code code = za_fork_list(ZA_FORK_LIVE, &live->fork_lock) != 0 ||
                           za_fork_list(ZA_FORK_LIVE_BOARD, &live->board_fork_lock) != 0
                       ? za_fail_memory(error)
                       : fill(live, error);
    if (code != ZA_OK) {
        za_live_free(live);
        return NULL;
    }
    return live;
}

static void free_stretches(za_live *live)
{
    int64_t count = live->board == NULL ? 0 : za_live_stretch_count(live);
    for (int64_t i = 0; i < count; i++) {
        for (int64_t at = 0; at < live->stretches[i].count; at++) {
            za_live_tile_free(&live->stretches[i].tiles[at]);
        }
        za_free(live->stretches[i].tiles);
    }
    za_free(live->stretches);
}

void za_live_free(za_live *live)
{
    if (live == NULL) {
        return;
    }
    za_fork_unlist(&live->fork_lock);
    za_fork_unlist(&live->board_fork_lock);
    free_stretches(live);
    for (int i = 0; i < ZA_LIVE_ROSTERS; i++) {
        za_live_roster_clear(&live->rosters[i]);
    }
    za_ids_free(&live->ids);
    za_free(live->members);
    za_live_board_release(live->board);
    za_text_set_free(&live->names);
    za_live_others_free(live);
    za_live_layout_free(&live->layout);
    za_live_memory_destroy(&live->one);
    za_live_memory_destroy(&live->wide);
    (void)pthread_mutex_destroy(&live->mutex);
    (void)pthread_mutex_destroy(&live->board_mutex);
    za_free(live);
}

/* The tiles whose tickers are in step, and a list of the others. */
typedef struct za_live_views_pass {
    za_live_pass all; /* first */
    int32_t *parting; /* a row of each tile */
    atomic_int_fast64_t parting_count;
} za_live_views_pass;

static void take_in_some(za_live_views_pass *pass, const za_live_works *works, za_live_stretch *stretch, int64_t begin,
                         int64_t *loose)
{
    int count = stretch->count - begin < ZA_LIVE_BATCH ? (int)(stretch->count - begin) : ZA_LIVE_BATCH;
    za_live *live = pass->all.live;
    za_live_arrival arrivals[ZA_LIVE_BATCH];
    bool handled[ZA_LIVE_BATCH] = {false};
    for (int i = 0; i < count; i++) {
        arrivals[i].tile = &stretch->tiles[begin + i];
    }
    za_live_look(live, arrivals, count);
    for (int i = 0; i < count; i++) {
        za_live_arrival *together[ZA_LIVE_BATCH];
        int found = 0;
        loose[arrivals[i].news.fresh > 0] += za_live_tile_is_loose(arrivals[i].tile);
        if (arrivals[i].news.change == ZA_LIVE_ANEW) {
            int32_t row = arrivals[i].tile->row[za_live_first_lane(arrivals[i].tile)];
            pass->parting[atomic_fetch_add(&pass->parting_count, 1)] = row;
        }
        for (int k = i; arrivals[i].news.change == ZA_LIVE_NEWS && !handled[i] && k < count; k++) {
            if (!handled[k] && za_live_arrive_together(&arrivals[i], &arrivals[k])) {
                together[found++] = &arrivals[k];
            }
        }
        for (int k = 0; k < found; k++) {
            handled[together[k] - arrivals] = true;
        }
        if (found > 0) {
            za_live_take_in(live, za_live_work_of(works, arrivals[i].tile), together, found);
        }
    }
    za_live_release(arrivals, count);
}

static void run_stretches(za_job *job, size_t begin, size_t end, za_scratch *scratch)
{
    za_live_views_pass *pass = (za_live_views_pass *)(void *)job;
    za_live_works works;
    if (!za_live_works_open(&works, pass->all.live, scratch, false)) {
        atomic_store(&pass->all.out_of_memory, true);
        return;
    }
    for (size_t i = begin; i < end; i++) {
        za_live_stretch *stretch = &pass->all.live->stretches[i];
        int64_t loose[2] = {0};
        for (int64_t at = 0; at < stretch->count; at += ZA_LIVE_BATCH) {
            take_in_some(pass, &works, stretch, at, loose);
        }
        za_live_note_loose(stretch, loose[0], loose[1]);
    }
}

/* The tiles of some rows, whose tickers have not come equally far, or may not have. */
static za_code part_tiles(za_live *live, const int32_t *rows, int64_t count)
{
    za_scratch scratch = {0};
    za_live_works works;
    bool done = count == 0 || za_live_works_open(&works, live, &scratch, false);
    for (int64_t i = 0; done && i < count; i++) {
        done = za_live_part(live, &works, rows[i]);
    }
    za_scratch_free(&scratch);
    return done ? ZA_OK : ZA_NO_MEMORY;
}

static za_code take_by_views(za_live *live, za_pool *pool, int64_t deadline_ns)
{
    za_live_views_pass pass = {.all = {.job = {.run = run_stretches}, .live = live},
                               .parting = za_alloc((size_t)live->present, sizeof *pass.parting)};
    if (pass.parting == NULL) {
        return ZA_NO_MEMORY;
    }
    za_code code = za_live_pass_run(&pass.all, pool, deadline_ns);
    code = code == ZA_OK ? part_tiles(live, pass.parting, atomic_load(&pass.parting_count)) : code;
    za_free(pass.parting);
    return code;
}

/* Symbols that joined the store get rows. */
static za_code find_new_symbols(za_live *live, za_error *error)
{
    size_t count, fresh = 0;
    za_symbol *symbols = za_store_symbols(live->spec.store, &count);
    if (symbols == NULL) {
        return za_fail_memory(error);
    }
    for (size_t i = 0; i < count; i++) {
        if (za_text_set_find(&live->names, symbols[i].text, symbols[i].length) < 0) {
            symbols[fresh++] = symbols[i];
        }
    }
    za_code code = add_names(live, symbols, fresh, error);
    za_free(symbols);
    return code == ZA_OK ? add_rows(live, error) : code;
}

/* The rows without states that the store has bars of. */
static size_t list_newcomers(za_live *live, za_live_newcomer *newcomers)
{
    size_t count = 0;
    for (int32_t row = 0; row < live->board->rows; row++) {
        if (live->members[row].tile == ZA_NO_TILE) {
            za_symbol symbol = {live->names.texts[row], live->names.lengths[row]};
            za_live_newcomer *newcomer = &newcomers[count];
            newcomer->row = row;
            newcomer->sequence = za_store_views(live->spec.store, &symbol, 1, &newcomer->view);
            count += newcomer->view.rows.count > 0;
        }
    }
    return count;
}

static za_code start_newcomers(za_live *live, za_pool *pool, int64_t deadline_ns)
{
    int64_t absent = live->board->rows - live->present;
    za_live_newcomer *newcomers = za_alloc((size_t)absent, sizeof *newcomers);
    if (newcomers == NULL) {
        return ZA_NO_MEMORY;
    }
    size_t count = list_newcomers(live, newcomers);
    za_code code = count == 0 ? ZA_OK : za_live_start(live, pool, deadline_ns, newcomers, count);
    for (size_t i = 0; i < count; i++) {
        za_view_release(&newcomers[i].view);
    }
    za_free(newcomers);
    return code;
}

/* Symbols that joined get rows, and rows without states those of the bars that the store has now. */
static za_code take_newcomers(za_live *live, za_pool *pool, int64_t deadline_ns, za_error *error)
{
    za_code code = ZA_OK;
    if (live->spec.all && za_store_length(live->spec.store) != live->present) {
        code = find_new_symbols(live, error);
    }
    if (code == ZA_OK && live->present < live->board->rows) {
        code = start_newcomers(live, pool, deadline_ns);
    }
    return code;
}

/* The rows of the members that have states, by the ids of their tickers. */
static bool know_ids(za_live *live)
{
    if (atomic_load(&live->ids_are_known)) {
        return true;
    }
    za_ids_free(&live->ids);
    if (!za_ids_open(&live->ids, (size_t)live->board->rows)) {
        return false;
    }
    for (int64_t row = 0; row < live->board->rows; row++) {
        if (live->members[row].seen.id != 0) {
            (void)za_ids_put(&live->ids, live->members[row].seen.id, (size_t)row);
        }
    }
    atomic_store(&live->ids_are_known, true);
    return true;
}

/* The tiles of the changed symbols are marked as apart, and a row of each is listed. Returns how many; *unknown: some
 * of the symbols have no states. */
static int mark_changed(za_live *live, const za_news *news, int32_t *rows, bool *unknown)
{
    int count = 0;
    *unknown = false;
    for (int i = 0; i < news->changed_count; i++) {
        size_t row;
        bool known = za_ids_find(&live->ids, news->changed[i], &row) && live->members[row].tile != ZA_NO_TILE;
        *unknown = *unknown || !known;
        if (known && !za_live_tile_of(live, (int64_t)row)->apart) {
            za_live_tile_of(live, (int64_t)row)->apart = true;
            rows[count++] = (int32_t)row;
        }
    }
    return count;
}

/* Takes in what came since the last update, as the store tells it. */
static za_code take_news(za_live *live, za_pool *pool, int64_t deadline_ns, const za_news *news, za_error *error)
{
    if (!know_ids(live)) {
        return ZA_NO_MEMORY;
    }
    int32_t rows[ZA_JOURNAL];
    bool unknown;
    int count = mark_changed(live, news, rows, &unknown);
    za_code code = za_live_take_sections(live, pool, deadline_ns, news);
    for (int i = 0; i < count; i++) {
        za_live_tile_of(live, rows[i])->apart = false;
    }
    if (code != ZA_OK) {
        return code;
    }
    int64_t present = live->present;
    code = part_tiles(live, rows, count);
    bool newcomers = unknown || live->present < present || za_live_sections_have_newcomers(live, news);
    return code == ZA_OK && newcomers ? take_newcomers(live, pool, deadline_ns, error) : code;
}

/* All that the store has. */
static za_code take_all(za_live *live, za_pool *pool, int64_t deadline_ns, za_error *error)
{
    za_code code = take_by_views(live, pool, deadline_ns);
    return code == ZA_OK ? take_newcomers(live, pool, deadline_ns, error) : code;
}

static bool is_up_to_date(const za_live *live)
{
    uint64_t sequence = za_store_sequence(live->spec.store);
    return live->is_current && live->sequence == sequence &&
           (live->other_count == 0 || live->others_sequence == sequence);
}

static za_code update(za_live *live, za_pool *pool, int64_t deadline_ns, za_error *error)
{
    if (is_up_to_date(live)) {
        return ZA_OK;
    }
    bool complete = add_rows(live, error) == ZA_OK; /* what an update had no memory for */
    complete = complete && (live->other_count == 0 || za_live_others_update(live) == ZA_OK);
    za_news news;
    za_store_news(live->spec.store, live->sequence, &news);
    bool by_news = live->is_current && news.is_complete && !live->owes;
    za_code code = !complete ? ZA_NO_MEMORY
                   : by_news ? take_news(live, pool, deadline_ns, &news, error)
                             : take_all(live, pool, deadline_ns, error);
    za_news_release(&news);
    if (!za_live_gather(live, pool) && code == ZA_OK) {
        code = ZA_NO_MEMORY;
    }
    live->is_current = live->is_current || code == ZA_OK;
    live->owes = live->owes && code != ZA_OK;
    live->sequence = code == ZA_OK ? news.sequence : live->sequence;
    switch (code) {
    case ZA_OK:
        return ZA_OK;
    case ZA_EXPIRED:
        return za_fail(error, ZA_EXPIRED, "the deadline passed before all bars were taken in");
    case ZA_NO_MEMORY:
        return za_fail_memory(error);
    default:
        return za_fail(error, code, "the pool is closing");
    }
}

za_code za_live_update(za_live *live, za_pool *pool, int64_t deadline_ns, int64_t *taken, za_error *error)
{
    pthread_mutex_lock(&live->mutex);
    int64_t before = atomic_load(&live->bars) + atomic_load(&live->revised);
    za_code code = update(live, pool, deadline_ns, error);
    *taken = atomic_load(&live->bars) + atomic_load(&live->revised) - before;
    pthread_mutex_unlock(&live->mutex);
    return code;
}
