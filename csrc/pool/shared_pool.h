/* The one pool of the process. */
#ifndef ZA_POOL_SHARED_POOL_H
#define ZA_POOL_SHARED_POOL_H

#include "pool/pool.h"

/* The process's pool, made at the first call with as many threads as there are CPUs for this process; a forked child
 * makes its own. It is never freed: whoever has it may go on using it after za_pool_shared_close, when it takes no job.
 * NULL without memory, or if there was none to be closed. */
za_pool *za_pool_shared(void);
/* za_pool_set_offer for that pool, also for one that is made later. */
void za_pool_shared_offer(za_pool_offer *offer);
/* Does what za_pool_close does, to the shared pool. No other pool is made after it. */
bool za_pool_shared_close(int64_t timeout_ns);

#endif
