#include "live/results.h"

#include "kernels/lanes.h"

size_t za_live_results_bytes(const za_live *live)
{
    return (size_t)za_plan_output_count(live->spec.plan) * ZA_LIVE_STRETCH * sizeof(double);
}

void za_live_results_open(za_live_results *results, void *memory)
{
    results->values = memory;
}

void za_live_results_begin(za_live_results *results, int64_t first)
{
    results->first = first;
    memset(results->written, 0, sizeof results->written);
}

/* Groups of rows that follow each other and all have results, from that one on. */
static int full_groups(const za_live_results *results, int group)
{
    int count = 0;
    while (group + count < (int)sizeof results->written && results->written[group + count] == UINT8_MAX) {
        count++;
    }
    return count;
}

void za_live_results_end(const za_live_results *results, const za_live *live, bool streamed)
{
    const za_live_board *board = live->board;
    for (int result = 0; result < board->features; result++) {
        const double *from = results->values + (int64_t)result * ZA_LIVE_STRETCH;
        double *to = board->values + result * board->rows + results->first;
        for (int group = 0, taken; group < (int)sizeof results->written; group += taken) {
            int64_t at = (int64_t)group * ZA_MOST_LANES;
            int full = full_groups(results, group);
            taken = full > 0 ? full : 1;
            if (full > 0) {
                za_lane_set_widest()->copy(to + at, from + at, (int64_t)full * ZA_MOST_LANES, streamed);
            }
            for (int lane = 0; full == 0 && lane < ZA_MOST_LANES; lane++) {
                if (results->written[group] >> lane & 1) {
                    to[at + lane] = from[at + lane];
                }
            }
        }
    }
}
