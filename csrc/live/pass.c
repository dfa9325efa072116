#include "live/pass.h"

#include "pool/wait.h"

/* Up to so many are taken in by the caller's own thread. */
enum { FEW_TILES = ZA_LIVE_BATCH };

za_code za_live_pass_run(za_live_pass *pass, za_pool *pool, int64_t deadline_ns)
{
    za_live *live = pass->live;
    if (live->tile_count == 0) {
        return ZA_OK;
    }
    pass->job.count = (size_t)live->tile_count;
    pass->job.urgency = ZA_NORMAL;
    pass->job.deadline_ns = deadline_ns;
    za_pool_share(live->tile_count > FEW_TILES ? pool : NULL, &pass->job);
    int64_t went_on = atomic_load(&pass->loose_went_on), stayed = atomic_load(&pass->loose) - went_on;
    live->moves += went_on < stayed ? went_on : stayed;
    return atomic_load(&pass->out_of_memory) ? ZA_NO_MEMORY : pass->job.code;
}
