/* What a fuzz target offers: the entry point that libFuzzer calls too, and inputs worth starting from. */
#ifndef ZA_TESTS_FUZZ_H
#define ZA_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>

typedef struct fuzz_seed {
    const uint8_t *bytes;
    size_t length;
} fuzz_seed;

/* A seed of these bytes. */
#define SEED(...) {.bytes = (const uint8_t[]){__VA_ARGS__}, .length = sizeof((const uint8_t[]){__VA_ARGS__})}

extern const fuzz_seed fuzz_seeds[];
extern const size_t fuzz_seed_count;

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

#endif
