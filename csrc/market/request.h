/* A request: features, paper features or signals of a list of symbols, as a job for the pool. */
#ifndef ZA_MARKET_REQUEST_H
#define ZA_MARKET_REQUEST_H

#include "market/features.h"
#include "market/rules.h"
#include "pool/pool.h"
#include "store/store.h"

typedef enum za_request_kind { ZA_REQUEST_FEATURES, ZA_REQUEST_PAPER, ZA_REQUEST_SIGNALS } za_request_kind;

/* What came out for one symbol. */
typedef struct za_answer {
    int64_t bars; /* 0: no such symbol; a row is filled from ZA_FEATURE_BARS on, a paper row from 1 on */
    za_bar last;
    za_decision decision;         /* of a signals request */
    double row[ZA_FEATURE_COUNT]; /* of a signals request: what the rules read */
} za_answer;
_Static_assert((int)ZA_PAPER_COUNT <= (int)ZA_FEATURE_COUNT, "an answer has room for either row");

/* The owner fills the first part and leaves the rest zero, and keeps all of it until the job is done. */
typedef struct za_request {
    za_job job; /* first: the pool hands back a pointer to it */
    za_request_kind kind;
    za_store *store;
    const za_symbol *symbols; /* `count` of them, and as many answers */
    za_answer *answers;
    size_t count;
    za_rules rules; /* of a signals request */

    int64_t asked_ns;      /* when, since 1970 UTC */
    int64_t began_ns;      /* on za_clock_ns, when a worker took up the first symbols; that worker writes it */
    int64_t ended_ns;      /* when the last were done */
    atomic_bool no_memory; /* some worker found no memory: the answers are not to be used */
} za_request;

/* Makes a job of it, asked for now. The owner may set job.done afterwards. */
void za_request_init(za_request *request);

/* What is the same for every symbol (vix_level, breadth_50dma) enters the rows. Once, after every item was run: `done`
 * calls it first. ZA_OK, or why there are no answers. */
za_code za_request_finish(za_request *request, za_error *error);

/* All of it at once and here: on the calling thread if the list is short or the pool takes no job (it closes, or has no
 * thread), else on the pool while this thread waits. The request's job.done is not called. */
za_code za_request_run(za_request *request, za_pool *pool, za_error *error);

#endif
