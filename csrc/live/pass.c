#include "live/pass.h"

#include "live/tiles.h"
#include "pool/wait.h"

za_code za_live_pass_run(za_live_pass *pass, za_pool *pool, int64_t deadline_ns)
{
    pass->job.count = (size_t)za_live_stretch_count(pass->live);
    if (pass->job.count == 0) {
        return ZA_OK;
    }
    pass->job.grain = 1;
    pass->job.urgency = ZA_NORMAL;
    pass->job.deadline_ns = deadline_ns;
    za_pool_share(pool, &pass->job);
    return atomic_load(&pass->out_of_memory) ? ZA_NO_MEMORY : pass->job.code;
}
