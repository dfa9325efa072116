#include "live/memory.h"

#include "base/memory.h"

/* At the beginning of its memory; the numbers of pieces that were given back follow, and then at whole cache lines the
 * parts of the pieces: all headers of one kind, those of the other, and the slots. */
struct za_live_page {
    za_live_page *next, *previous; /* in the list of those that have room */
    size_t cut, used, room;        /* pieces that were cut off, that somebody has, that there can be */
    size_t gap_count;
    int32_t gaps[];
};

/* A page of fewer pieces would leave too much of it unused. */
enum { FEWEST_A_PAGE = 8 };

/* Bytes of pieces without a page, before there is the first one. */
enum { MOST_SINGLE = ZA_LARGE_PAGE / 8 };

/* Tickers leave for tiles of their own and come back bar after bar: so many pages wait for the next ones. */
enum { EMPTY_PAGES = 2 };

static size_t whole_lines(int64_t vectors, const za_lane_set *set)
{
    return za_whole_lines((size_t)vectors * (size_t)set->lanes * sizeof(double)) / sizeof(double);
}

void za_live_memory_init(za_live_memory *memory, const za_lane_set *set, int64_t headers, int64_t slots)
{
    *memory = (za_live_memory){.set = set, .header = whole_lines(headers, set), .slots = whole_lines(slots, set)};
    memory->bytes = (ZA_LIVE_HEADERS * memory->header + memory->slots) * sizeof(double);
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

static size_t page_head(size_t room)
{
    return za_whole_lines(sizeof(za_live_page) + room * sizeof(int32_t));
}

static za_live_page *new_page(za_live_memory *memory)
{
    za_live_page *page = za_alloc_large_page();
    if (page != NULL) {
        size_t room = (ZA_LARGE_PAGE - page_head(0)) / (memory->bytes + sizeof(int32_t));
        while (page_head(room) + room * memory->bytes > ZA_LARGE_PAGE) {
            room--;
        }
        *page = (za_live_page){.room = room};
        list(memory, page);
        memory->empty++;
    }
    return page;
}

static za_live_piece parts_of(const za_live_memory *memory, double *first, size_t count, size_t number)
{
    za_live_piece piece = {.number = (int32_t)number};
    for (int i = 0; i < ZA_LIVE_HEADERS; i++, first += count * memory->header) {
        piece.headers[i] = first + number * memory->header;
    }
    piece.slots = first + number * memory->slots;
    return piece;
}

static za_live_piece take_from(za_live_memory *memory, za_live_page *page)
{
    size_t number = page->gap_count > 0 ? (size_t)page->gaps[--page->gap_count] : page->cut++;
    double *first = (double *)(void *)((char *)page + page_head(page->room));
    za_live_piece piece = parts_of(memory, first, page->room, number);
    piece.page = page;
    memory->empty -= page->used == 0;
    page->used++;
    if (page->used == page->room) {
        take_off(memory, page);
    }
    return piece;
}

za_live_piece za_live_memory_take(za_live_memory *memory)
{
    za_live_piece piece = {.slots = NULL};
    size_t bytes = memory->bytes;
    pthread_mutex_lock(&memory->mutex);
    bool is_paged = bytes > 0 && bytes * FEWEST_A_PAGE <= ZA_LARGE_PAGE;
    if (!is_paged || (memory->roomy == NULL && bytes * (memory->single + 1) <= MOST_SINGLE)) {
        double *first = za_alloc_aligned(1, bytes);
        piece = first != NULL ? parts_of(memory, first, 1, 0) : piece;
        memory->single += first != NULL;
    } else {
        za_live_page *page = memory->roomy != NULL ? memory->roomy : new_page(memory);
        piece = page != NULL ? take_from(memory, page) : piece;
    }
    pthread_mutex_unlock(&memory->mutex);
    return piece;
}

static void give_back_to(za_live_memory *memory, za_live_page *page, int32_t number)
{
    page->gaps[page->gap_count++] = number;
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
        give_back_to(memory, piece.page, piece.number);
    } else {
        memory->single -= piece.slots != NULL;
        za_free(piece.headers[0]);
    }
    pthread_mutex_unlock(&memory->mutex);
}
