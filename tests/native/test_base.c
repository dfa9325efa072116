/* Memory that runs out when told to, sizes that overflow, and sentences that fit. */
#include <stdint.h>
#include <string.h>

#include "base/ids.h"
#include "base/memory.h"
#include "base/status.h"
#include "check.h"

static void test_sizes(void)
{
    void *nothing = za_alloc(0, 8);
    CHECK(nothing != NULL);
    za_free(nothing);
    CHECK(za_alloc(SIZE_MAX / 4, 8) == NULL);
    CHECK(za_alloc_zeroed(SIZE_MAX, 2) == NULL);
    CHECK(za_alloc_aligned(SIZE_MAX / 2, 4) == NULL);
    CHECK(za_alloc(SIZE_MAX, 1) == NULL);
    za_free(NULL);
}

static void test_contents(void)
{
    unsigned char *zeros = za_alloc_zeroed(100, 1);
    double *aligned = za_alloc_aligned(3, sizeof *aligned);
    bool all_zero = zeros != NULL;
    for (int i = 0; all_zero && i < 100; i++) {
        all_zero = zeros[i] == 0;
    }
    CHECK(all_zero);
    CHECK(aligned != NULL && (uintptr_t)aligned % ZA_CACHE_LINE == 0);
    char *copy = za_copy_text("a\0bc", 4);
    CHECK(copy != NULL && memcmp(copy, "a\0bc", 5) == 0);
    za_free(copy);
    za_free(aligned);
    za_free(zeros);
}

static void test_resize_keeps_the_old_block(void)
{
    char *block = za_alloc(4, 1);
    if (!CHECK(block != NULL)) {
        return;
    }
    memcpy(block, "abc", 4);
    CHECK(za_resize(block, SIZE_MAX / 2, 4) == NULL);
    za_memory_fail_after(0);
    CHECK(za_resize(block, 8, 1) == NULL);
    za_memory_fail_after(-1);
    CHECK(strcmp(block, "abc") == 0);
    char *larger = za_resize(block, 4096, 1);
    CHECK(larger != NULL && strcmp(larger, "abc") == 0);
    za_free(larger != NULL ? larger : block);
}

static void test_failing_allocations(void)
{
    za_memory_fail_after(2);
    void *first = za_alloc(1, 1), *second = za_alloc_zeroed(1, 1), *third = za_alloc(1, 1);
    CHECK(first != NULL && second != NULL && third == NULL);
    CHECK(za_alloc_aligned(1, 1) == NULL && za_copy_text("x", 1) == NULL);
    za_memory_fail_after(-1);
    void *fourth = za_alloc(1, 1);
    CHECK(fourth != NULL);
    za_free(fourth);
    za_free(second);
    za_free(first);
}

static void test_status(void)
{
    za_error error = {0};
    CHECK(za_fail(&error, ZA_BAD_VALUE, "row %d", 7) == ZA_BAD_VALUE);
    CHECK(error.code == ZA_BAD_VALUE && strcmp(error.text, "row 7") == 0);
    CHECK(za_fail(NULL, ZA_BAD_TYPE, "no one listens") == ZA_BAD_TYPE);
    CHECK(za_fail_memory(&error) == ZA_NO_MEMORY && error.code == ZA_NO_MEMORY && error.text[0] != '\0');
    CHECK(za_fail(&error, ZA_SYSTEM, "%*s", 2 * ZA_ERROR_TEXT, "x") == ZA_SYSTEM);
    CHECK(strlen(error.text) == ZA_ERROR_TEXT - 1);
    /* Control characters, those of two bytes too; letters of two bytes stay. */
    CHECK(za_fail(&error, ZA_BAD_VALUE, "%s", "a\x1b\x7f\xc2\x9b[31m\xc2\xa3\xc3\x9f") == ZA_BAD_VALUE);
    CHECK(strcmp(error.text, "a????[31m\xc2\xa3\xc3\x9f") == 0);
}

enum { IDS = 1000 };

static void test_ids_keep_their_first_number(void)
{
    za_ids ids;
    CHECK(za_ids_open(&ids, IDS));
    for (uint64_t id = 1; id <= IDS; id++) {
        CHECK(za_ids_put(&ids, id, (size_t)id + 7) == id + 7);
        CHECK(za_ids_put(&ids, id, 0) == id + 7);
    }
    for (uint64_t id = 1; id <= IDS; id++) {
        size_t number;
        CHECK(za_ids_find(&ids, id, &number) && number == id + 7);
        CHECK(!za_ids_find(&ids, id + IDS, &number));
    }
    za_ids_free(&ids);
    CHECK(ids.ids == NULL && ids.numbers == NULL);
}

static void test_ids_without_memory(void)
{
    for (long successes = 0; successes < 2; successes++) {
        za_ids ids;
        za_memory_fail_after(successes);
        CHECK(!za_ids_open(&ids, IDS) && ids.ids == NULL);
        za_memory_fail_after(-1);
    }
}

int main(void)
{
    test_ids_keep_their_first_number();
    test_ids_without_memory();
    test_sizes();
    test_contents();
    test_resize_keeps_the_old_block();
    test_failing_allocations();
    test_status();
    return check_report("base");
}
