/* Every allocation of the layers below the binding goes through here, so that a test can make each one fail. */
#ifndef ZA_BASE_MEMORY_H
#define ZA_BASE_MEMORY_H

#include <stddef.h>

enum { ZA_CACHE_LINE = 64, ZA_LARGE_PAGE = 2 * 1024 * 1024 };

/* The bytes of the whole cache lines that `bytes` take. */
static inline size_t za_whole_lines(size_t bytes)
{
    return (bytes + ZA_CACHE_LINE - 1) / ZA_CACHE_LINE * ZA_CACHE_LINE;
}

/* NULL when there is no memory or `count * size` overflows. A request of 0 bytes gives a pointer that can be freed. */
void *za_alloc(size_t count, size_t size);
void *za_alloc_zeroed(size_t count, size_t size);
/* Like realloc: on failure the old block stays as it was. */
void *za_resize(void *block, size_t count, size_t size);
/* Aligned to a cache line, which is also the widest vector. Freed by za_free like the others. */
void *za_alloc_aligned(size_t count, size_t size);
/* A large page, aligned to its size. The system backs it as one where it can. */
void *za_alloc_large_page(void);
void za_free(void *block);
/* A copy of `length` bytes with a NUL behind them. */
char *za_copy_text(const char *text, size_t length);

/* Tests only: let `successes` more allocations pass, then fail every one; a negative number never fails. Atomic. */
void za_memory_fail_after(long successes);

#endif
