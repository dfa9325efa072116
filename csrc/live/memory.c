#include "live/memory.h"

#include "base/memory.h"

/* A piece that nobody has. */
typedef struct za_live_gap {
    struct za_live_gap *next;
} za_live_gap;

/* At the beginning of its memory; pieces begin at the next cache line. */
struct za_live_page {
    za_live_page *next, *previous; /* in the list of those that have room */
    za_live_gap *gaps;             /* pieces that were given back */
    size_t cut, used, room;        /* pieces that were cut off, that somebody has, that there can be */
};

/* A page of fewer pieces would leave too much of it unused. */
enum { FEWEST_A_PAGE = 8 };

/* Tickers leave for tiles of their own and come back bar after bar: so many pages wait for the next ones. */
enum { EMPTY_PAGES = 2 };

void za_live_memory_init(za_live_memory *memory, const za_lane_set *set, int64_t vectors)
{
    size_t bytes = (size_t)vectors * (size_t)set->lanes * sizeof(double);
    *memory = (za_live_memory){.set = set, .bytes = za_whole_lines(bytes)};
    (void)pthread_mutex_init(&memory->mutex, NULL); /* without attributes it needs nothing that may be missing */
}

void za_live_memory_destroy(za_live_memory *memory)
{
    for (za_live_page *page = memory->roomy, *next; page != NULL; page = next) {
        next = page->next;
        za_free(page);
    }
    (void)pthread_mutex_destroy(&memory->mutex);
}

static void list(za_live_memory *memory, za_live_page *page)
{
    page->previous = NULL;
    page->next = memory->roomy;
    if (page->next != NULL) {
        page->next->previous = page;
    }
    memory->roomy = page;
}

static void take_off(za_live_memory *memory, za_live_page *page)
{
    *(page->previous != NULL ? &page->previous->next : &memory->roomy) = page->next;
    if (page->next != NULL) {
        page->next->previous = page->previous;
    }
}

static za_live_page *new_page(za_live_memory *memory)
{
    za_live_page *page = za_alloc_large_page();
    if (page != NULL) {
        *page = (za_live_page){.room = (ZA_LARGE_PAGE - ZA_CACHE_LINE) / memory->bytes};
        list(memory, page);
        memory->empty++;
    }
    return page;
}

static double *take_from(za_live_memory *memory, za_live_page *page)
{
    void *states = page->gaps;
    if (states != NULL) {
        page->gaps = page->gaps->next;
    } else {
        states = (char *)page + ZA_CACHE_LINE + page->cut++ * memory->bytes;
    }
    memory->empty -= page->used == 0;
    page->used++;
    if (page->used == page->room) {
        take_off(memory, page);
    }
    return states;
}

za_live_piece za_live_memory_take(za_live_memory *memory)
{
    za_live_piece piece = {NULL, NULL};
    size_t bytes = memory->bytes;
    pthread_mutex_lock(&memory->mutex);
    if (bytes == 0 || bytes * FEWEST_A_PAGE > ZA_LARGE_PAGE || bytes * (memory->single + 1) <= ZA_LARGE_PAGE) {
        piece.states = za_alloc_aligned(1, bytes);
        memory->single += piece.states != NULL;
    } else {
        piece.page = memory->roomy != NULL ? memory->roomy : new_page(memory);
        piece.states = piece.page != NULL ? take_from(memory, piece.page) : NULL;
    }
    pthread_mutex_unlock(&memory->mutex);
    return piece;
}

static void give_back_to(za_live_memory *memory, za_live_page *page, void *states)
{
    za_live_gap *gap = states;
    gap->next = page->gaps;
    page->gaps = gap;
    page->used--;
    if (page->used + 1 == page->room) {
        list(memory, page);
    }
    memory->empty += page->used == 0;
    if (page->used == 0 && memory->empty > EMPTY_PAGES) {
        memory->empty--;
        take_off(memory, page);
        za_free(page);
    }
}

void za_live_memory_give_back(za_live_memory *memory, za_live_piece piece)
{
    pthread_mutex_lock(&memory->mutex);
    if (piece.page != NULL) {
        give_back_to(memory, piece.page, piece.states);
    } else {
        memory->single -= piece.states != NULL;
        za_free(piece.states);
    }
    pthread_mutex_unlock(&memory->mutex);
}
