/* Texts in their three layouts, and dictionaries of them. */
#include "store/arrow_text.h"

#include <string.h>

#include "base/memory.h"

/* A borrowed text: `fault` is NULL, or says what is wrong with where it lies. */
typedef struct span {
    const char *text;
    size_t length;
    const char *fault;
} span;

static span span_fault(const char *fault)
{
    return (span){.fault = fault};
}

static int64_t load_offset(const za_arrow_rows *rows, bool wide, int64_t at)
{
    const char *offsets = rows->array->buffers[1];
    if (wide) {
        int64_t offset;
        memcpy(&offset, offsets + (size_t)at * sizeof offset, sizeof offset);
        return offset;
    }
    int32_t offset;
    memcpy(&offset, offsets + (size_t)at * sizeof offset, sizeof offset);
    return offset;
}

/* The array's last offset is the one thing that tells how long its bytes are, so no text may end behind it. */
static span span_by_offsets(const za_arrow_rows *rows, bool wide, int64_t i)
{
    const struct ArrowArray *array = rows->array;
    int64_t begin = load_offset(rows, wide, rows->first + i);
    int64_t end = load_offset(rows, wide, rows->first + i + 1);
    if (begin < 0 || end < begin || end > load_offset(rows, wide, array->offset + array->length)) {
        return span_fault("the offsets of the texts are negative or decrease");
    }
    if (end == begin) {
        return (span){.text = ""};
    }
    const char *bytes = array->buffers[2];
    if (bytes == NULL) {
        return span_fault("the bytes of the texts are missing");
    }
    return (span){.text = bytes + begin, .length = (size_t)(end - begin)};
}

/* Returns how many bytes buffer `at` of a view column has; the producer says so in the last of its buffers. */
static int64_t view_buffer_size(const struct ArrowArray *array, int64_t at)
{
    int64_t size;
    const char *sizes = array->buffers[array->n_buffers - 1];
    if (sizes == NULL || array->buffers[2 + at] == NULL) {
        return 0;
    }
    memcpy(&size, sizes + (size_t)at * sizeof size, sizeof size);
    return size;
}

/* A view: length, then the text itself if it has at most 12 bytes, else its first 4, a buffer's number and an offset.
 */
static span span_by_view(const za_arrow_rows *rows, int64_t i)
{
    enum { VIEW_BYTES = 16, INLINE_BYTES = 12 };
    const struct ArrowArray *array = rows->array;
    const char *view = (const char *)array->buffers[1] + (size_t)(rows->first + i) * VIEW_BYTES;
    int32_t length, buffer, offset;
    memcpy(&length, view, sizeof length);
    if (length < 0) {
        return span_fault("the length of the text is negative");
    }
    if (length <= INLINE_BYTES) {
        return (span){.text = view + sizeof length, .length = (size_t)length};
    }
    memcpy(&buffer, view + 8, sizeof buffer);
    memcpy(&offset, view + 12, sizeof offset);
    if (buffer < 0 || buffer >= array->n_buffers - 3) {
        return span_fault("the text lies in a buffer that there is not");
    }
    if (offset < 0 || (int64_t)offset + length > view_buffer_size(array, buffer)) {
        return span_fault("the text lies outside of its buffer");
    }
    return (span){.text = (const char *)array->buffers[2 + buffer] + offset, .length = (size_t)length};
}

static span span_of(const za_arrow_rows *rows, za_arrow_type type, int64_t i)
{
    if (type.storage == ZA_ARROW_TEXT_VIEW) {
        return span_by_view(rows, i);
    }
    return span_by_offsets(rows, type.storage == ZA_ARROW_TEXT64, i);
}

/* The text of row `i` into the set; texts->last is then its number. */
static za_code read_text(const za_arrow_rows *rows, za_arrow_type type, int64_t i, za_text_set *texts, za_error *error)
{
    span found = span_of(rows, type, i);
    if (found.fault != NULL) {
        return za_arrow_rows_fail(rows, i, found.fault, error);
    }
    int32_t number;
    za_code code = za_text_set_code(texts, found.text, found.length, &number);
    if (code == ZA_NO_MEMORY) {
        return za_fail_memory(error);
    }
    return code == ZA_OK ? ZA_OK : za_arrow_rows_fail(rows, i, "the text is not UTF-8", error);
}

za_code za_arrow_read_texts(const za_arrow_rows *rows, za_arrow_type type, za_text_set *texts, int32_t *codes,
                            za_error *error)
{
    za_code code = za_arrow_rows_need(rows, 3, error);
    for (int64_t i = 0; code == ZA_OK && i < rows->count; i++) {
        if (za_arrow_rows_null(rows, i)) {
            codes[i] = -1;
        } else {
            code = read_text(rows, type, i, texts, error);
            codes[i] = texts->last;
        }
    }
    return code;
}

/* The value in `known` for an entry of the dictionary: 0 while no row has asked, else its code + KNOWN. A null is -1
 * there as everywhere. */
enum { KNOWN = 2 };

/* `known` is zeros that the system gives without touching memory: a large dictionary that comes again with every small
 * batch costs what the rows use of it. */
za_code za_arrow_gather_texts(const za_arrow_coded *coded, za_text_set *texts, int32_t *codes, za_error *error)
{
    const za_arrow_rows *rows = &coded->rows, *dictionary = &coded->dictionary;
    za_code code = za_arrow_rows_need(dictionary, 3, error);
    if (code != ZA_OK) {
        return code;
    }
    uint32_t *known = za_alloc_zeroed((size_t)dictionary->count, sizeof *known);
    if (known == NULL) {
        return za_fail_memory(error);
    }
    for (int64_t i = 0; code == ZA_OK && i < rows->count; i++) {
        if (za_arrow_rows_null(rows, i)) {
            codes[i] = -1;
            continue;
        }
        int64_t index = coded->indices[i];
        if (known[index] == 0) {
            int32_t number = -1;
            if (!za_arrow_rows_null(dictionary, index)) {
                code = read_text(dictionary, coded->type, index, texts, error);
                number = texts->last;
            }
            known[index] = (uint32_t)(number + KNOWN);
        }
        codes[i] = (int32_t)(known[index] - KNOWN);
    }
    za_free(known);
    return code;
}
