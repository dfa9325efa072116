#include "base/memory.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static atomic_long allocations_left = -1; /* negative: no limit */

void za_memory_fail_after(long successes)
{
    atomic_store(&allocations_left, successes);
}

static bool may_allocate(void)
{
    long left = atomic_load_explicit(&allocations_left, memory_order_relaxed);
    if (left < 0) {
        return true;
    }
    while (left > 0) {
        if (atomic_compare_exchange_weak(&allocations_left, &left, left - 1)) {
            return true;
        }
    }
    return left < 0;
}

/* The bytes to ask for, at least 1; 0 when the product overflows. */
static size_t bytes_of(size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes) || bytes > PTRDIFF_MAX) {
        return 0;
    }
    return bytes == 0 ? 1 : bytes;
}

void *za_alloc(size_t count, size_t size)
{
    size_t bytes = bytes_of(count, size);
    return bytes != 0 && may_allocate() ? malloc(bytes) : NULL;
}

void *za_alloc_zeroed(size_t count, size_t size)
{
    size_t bytes = bytes_of(count, size);
    return bytes != 0 && may_allocate() ? calloc(1, bytes) : NULL;
}

void *za_resize(void *block, size_t count, size_t size)
{
    size_t bytes = bytes_of(count, size);
    return bytes != 0 && may_allocate() ? realloc(block, bytes) : NULL;
}

void *za_alloc_aligned(size_t count, size_t size)
{
    size_t bytes = bytes_of(count, size);
    void *block = NULL;
    if (bytes == 0 || !may_allocate()) {
        return NULL;
    }
    return posix_memalign(&block, ZA_CACHE_LINE, bytes) == 0 ? block : NULL;
}

void *za_alloc_large_page(void)
{
    void *block = NULL;
    if (!may_allocate() || posix_memalign(&block, ZA_LARGE_PAGE, ZA_LARGE_PAGE) != 0) {
        return NULL;
    }
#if defined(MADV_HUGEPAGE)
    (void)madvise(block, ZA_LARGE_PAGE, MADV_HUGEPAGE); /* an advice: small pages do as well */
#endif
    return block;
}

void za_free(void *block)
{
    free(block);
}

char *za_copy_text(const char *text, size_t length)
{
    char *copy = length < SIZE_MAX ? za_alloc(length + 1, 1) : NULL;
    if (copy != NULL) {
        memcpy(copy, text, length);
        copy[length] = '\0';
    }
    return copy;
}
