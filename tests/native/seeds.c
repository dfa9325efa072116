/* Writes the seeds of a fuzz target to files of a folder, which libFuzzer starts from: seeds_NAME FOLDER. */
#include <stdio.h>

#include "fuzz.h"

static int write_seed(const char *folder, size_t number)
{
    char path[4096];
    (void)snprintf(path, sizeof path, "%s/seed-%zu", folder, number);
    FILE *file = fopen(path, "wb");
    if (file == NULL) {
        perror(path);
        return 1;
    }
    size_t written = fwrite(fuzz_seeds[number].bytes, 1, fuzz_seeds[number].length, file);
    return fclose(file) != 0 || written != fuzz_seeds[number].length;
}

int main(int argc, char **argv)
{
    int status = argc != 2;
    for (size_t i = 0; i < fuzz_seed_count && status == 0; i++) {
        status = write_seed(argv[1], i);
    }
    return status;
}
