/* Stands in for libFuzzer where there is none: runs the files that it is given, or else the same pseudo-random
 * mutations of the target's seeds in every run. */
#include <stdio.h>
#include <string.h>

#include "fuzz.h"

enum { ROUNDS = 50000, MOST_BYTES = 512, MOST_CHANGES = 8 };

/* xorshift64*: enough for choosing bytes, and the same on every machine. */
static uint64_t random_next(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * UINT64_C(2685821657736338717);
}

/* A number below `bound` (> 0). */
static size_t random_below(uint64_t *state, size_t bound)
{
    return (size_t)(random_next(state) >> 33) % bound;
}

/* A seed with some bytes changed and a tail of noise; round 0 to fuzz_seed_count - 1 are the seeds as they are. */
static size_t mutate(size_t round, uint64_t *state, uint8_t bytes[MOST_BYTES])
{
    fuzz_seed seed = fuzz_seeds[round % fuzz_seed_count];
    size_t length = seed.length < MOST_BYTES ? seed.length : MOST_BYTES;
    memcpy(bytes, seed.bytes, length);
    if (round < fuzz_seed_count) {
        return length;
    }
    size_t longer = length + random_below(state, MOST_BYTES - length + 1);
    for (; length < longer; length++) {
        bytes[length] = (uint8_t)random_next(state);
    }
    for (size_t changes = random_below(state, MOST_CHANGES + 1); changes > 0 && length > 0; changes--) {
        bytes[random_below(state, length)] = (uint8_t)(random_next(state) >> 40);
    }
    return random_below(state, 4) == 0 ? random_below(state, length + 1) : length;
}

static void run_mutations(void)
{
    uint64_t state = UINT64_C(0x9e3779b97f4a7c15);
    uint8_t bytes[MOST_BYTES];
    for (size_t round = 0; round < ROUNDS; round++) {
        size_t length = mutate(round, &state, bytes);
        (void)LLVMFuzzerTestOneInput(bytes, length);
    }
    (void)printf("%d inputs\n", ROUNDS);
}

static int run_file(const char *path)
{
    static uint8_t bytes[1 << 16];
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        perror(path);
        return 1;
    }
    size_t length = fread(bytes, 1, sizeof bytes, file);
    (void)fclose(file);
    (void)LLVMFuzzerTestOneInput(bytes, length);
    return 0;
}

int main(int argc, char **argv)
{
    int status = 0;
    for (int i = 1; i < argc; i++) {
        status |= run_file(argv[i]);
    }
    if (argc == 1) {
        run_mutations();
    }
    return status;
}
