/* Batches whose shape is sound and whose contents are not. Nothing may be read out of a buffer, nothing may leak, and
 * what comes out must be as store/arrow.h promises. */
#include "arrow_feed.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    producer feed = {0};
    read_bytes(&feed, bytes, length);
    return 0;
}

/* One text column, all four columns of different kinds, and dictionaries of texts, views and dates. Only the first
 * bytes of each mean something by themselves; what follows is filler that makes batches of many rows. */
const fuzz_seed fuzz_seeds[] = {
    SEED(255, 1, 13, 1, FILLER, FILLER),
    SEED(255, 4, 0, 1, 8, 1, 15, 1, 20, 1, FILLER, FILLER, FILLER),
    SEED(255, 3, 13, 0, 0, 15, 0, 1, 20, 0, 7, FILLER, FILLER),
    SEED(255, 2, 1, 1, 25, 1, FILLER, FILLER),
    SEED(30, 4, 11, 1, 12, 0, 2, 14, 0, 4, 10, 1, FILLER, FILLER, FILLER),
};
const size_t fuzz_seed_count = sizeof fuzz_seeds / sizeof fuzz_seeds[0];
