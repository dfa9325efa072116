/* A request: features, paper features or signals of a list of symbols, as a job for the pool. */
#ifndef ZA_MARKET_REQUEST_H
#define ZA_MARKET_REQUEST_H

#include "market/features.h"
#include "market/rules.h"
#include "plan/run.h"

typedef enum za_request_kind { ZA_REQUEST_FEATURES, ZA_REQUEST_PAPER, ZA_REQUEST_SIGNALS } za_request_kind;

/* The outcome for one symbol. */
typedef struct za_answer {
    int64_t bars; /* 0: no such symbol; a row is filled from ZA_FEATURE_BARS on, a paper row from 1 on */
    za_bar last;
    za_decision decision; /* of a signals request */
    double *row;          /* the plan's results */
} za_answer;

/* The owner fills the first part and leaves the rest zero, and keeps all of it until the job is done. */
typedef struct za_request {
    za_run run; /* first: a job, as the pool hands it back. The owner sets plan, tickers and count */
    za_request_kind kind;
    za_rules rules; /* of a signals request */

    za_answer *answers; /* one for each symbol; from za_request_init on, with their rows in one block of memory */
    int64_t asked_ns;   /* when, since 1970 UTC */
    int64_t ended_ns;   /* on za_clock_ns, when the last were done */
} za_request;

/* Returns how many results a plan for such requests makes at least: those of the set, in its order. Signals read
 * features. */
int za_request_width(za_request_kind kind);

/* Makes a job of it, asked for now. The owner may set job.done afterwards. ZA_OK or ZA_NO_MEMORY. */
za_code za_request_init(za_request *request, za_error *error);

/* Writes the values that are the same for every symbol (vix_level, breadth_50dma) into the rows. Once, after every item
 * was run: `done` calls it first. ZA_OK, or why there are no answers. */
za_code za_request_finish(za_request *request, za_error *error);

/* All of it at once and here: on the calling thread if the list is short or the pool takes no job (it closes, or has no
 * thread), else on the pool while this thread waits. The request's job.done is not called. */
za_code za_request_wait(za_request *request, za_pool *pool, za_error *error);

/* Frees the answers. */
void za_request_release(za_request *request);

#endif
