#include "store/text_set.h"

#include <stdbool.h>
#include <string.h>

#include "base/memory.h"

enum { FIRST_ROOM = 16 };

/* The bytes that continue a first byte of UTF-8, and the range that the second byte must be in: shortest forms only, no
 * surrogates, nothing above U+10FFFF (RFC 3629). -1: it starts nothing. */
static int continuation(uint8_t first, uint8_t *least, uint8_t *most)
{
    *least = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
    *most = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
    if (first < 0x80) {
        return 0;
    }
    if (first < 0xc2 || first > 0xf4) {
        return -1;
    }
    return first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3;
}

static bool is_utf8(const char *text, size_t length)
{
    const uint8_t *bytes = (const uint8_t *)text;
    for (size_t i = 0; i < length;) {
        uint8_t least, most;
        int more = continuation(bytes[i], &least, &most);
        if (more < 0 || (size_t)more > length - i - 1) {
            return false;
        }
        if (more > 0 && (bytes[i + 1] < least || bytes[i + 1] > most)) {
            return false;
        }
        for (int k = 2; k <= more; k++) {
            if ((bytes[i + (size_t)k] & 0xc0) != 0x80) {
                return false;
            }
        }
        i += 1 + (size_t)more;
    }
    return true;
}

/* Folded products of 128 bits, eight bytes at a time; the factors are the fractional bits of the golden ratio and of
 * pi. */
static uint64_t mix(uint64_t hash, uint64_t word)
{
    unsigned __int128 product = (unsigned __int128)(hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static uint64_t hash_of(const char *text, size_t length)
{
    uint64_t hash = UINT64_C(0x243f6a8885a308d3) ^ length, word;
    for (; length >= sizeof word; text += sizeof word, length -= sizeof word) {
        memcpy(&word, text, sizeof word);
        hash = mix(hash, word);
    }
    word = 0;
    memcpy(&word, text, length);
    return mix(mix(hash, word), length);
}

static bool is_text(const za_text_set *set, int32_t code, const char *text, size_t length)
{
    return set->lengths[code] == length && memcmp(set->texts[code], text, length) == 0;
}

/* The slot that holds `text`, or the free one where it would go. The upper half of the hash tells most texts apart
 * without a look at them; the lower half chooses the slot. */
static uint64_t *slot_of(const za_text_set *set, const char *text, size_t length, uint64_t hash)
{
    for (uint64_t at = hash & set->slot_mask;; at = (at + 1) & set->slot_mask) {
        uint64_t slot = set->slots[at];
        if (slot == 0 || (slot >> 32 == hash >> 32 && is_text(set, (int32_t)(uint32_t)slot - 1, text, length))) {
            return &set->slots[at];
        }
    }
}

/* Twice the room, four slots for each text that fits: chains stay short. After a failure only the room of the lists has
 * changed. */
static bool grow(za_text_set *set)
{
    size_t room = set->room == 0 ? FIRST_ROOM : 2 * (size_t)set->room, slot_count = 4 * room;
    char **texts = za_resize(set->texts, room, sizeof *texts);
    if (texts == NULL) {
        return false;
    }
    set->texts = texts;
    size_t *lengths = za_resize(set->lengths, room, sizeof *lengths);
    if (lengths == NULL) {
        return false;
    }
    set->lengths = lengths;
    uint64_t *slots = za_alloc_zeroed(slot_count, sizeof *slots);
    if (slots == NULL) {
        return false;
    }
    za_free(set->slots);
    set->slots = slots;
    set->slot_mask = slot_count - 1;
    set->room = (int32_t)room;
    for (int32_t code = 0; code < set->count; code++) {
        uint64_t hash = hash_of(set->texts[code], set->lengths[code]);
        uint64_t at = hash & set->slot_mask;
        while (set->slots[at] != 0) {
            at = (at + 1) & set->slot_mask;
        }
        set->slots[at] = (hash >> 32 << 32) | ((uint64_t)code + 1);
    }
    return true;
}

static za_code add(za_text_set *set, const char *text, size_t length, uint64_t hash)
{
    /* Room doubles from 16: at 2^30 the next step would leave int32_t. */
    if (!is_utf8(text, length) || (set->count == set->room && set->room > INT32_MAX / 2)) {
        return ZA_BAD_VALUE;
    }
    if (set->count == set->room && !grow(set)) {
        return ZA_NO_MEMORY;
    }
    char *copy = za_copy_text(text, length);
    if (copy == NULL) {
        return ZA_NO_MEMORY;
    }
    set->texts[set->count] = copy;
    set->lengths[set->count] = length;
    *slot_of(set, text, length, hash) = (hash >> 32 << 32) | ((uint64_t)set->count + 1);
    set->count += 1;
    return ZA_OK;
}

za_code za_text_set_code(za_text_set *set, const char *text, size_t length, int32_t *code)
{
    /* Long tables are mostly sorted by symbol: the text is usually that of the row before. */
    if (set->count > 0 && is_text(set, set->last, text, length)) {
        *code = set->last;
        return ZA_OK;
    }
    uint64_t hash = hash_of(text, length);
    uint64_t slot = set->slots != NULL ? *slot_of(set, text, length, hash) : 0;
    if (slot == 0) {
        za_code failure = add(set, text, length, hash);
        if (failure != ZA_OK) {
            return failure;
        }
        slot = (uint64_t)set->count;
    }
    set->last = (int32_t)(uint32_t)slot - 1;
    *code = set->last;
    return ZA_OK;
}

int32_t za_text_set_find(const za_text_set *set, const char *text, size_t length)
{
    uint64_t slot = set->slots != NULL ? *slot_of(set, text, length, hash_of(text, length)) : 0;
    return (int32_t)(uint32_t)slot - 1;
}

void za_text_set_free(za_text_set *set)
{
    for (int32_t i = 0; set->texts != NULL && i < set->count; i++) {
        za_free(set->texts[i]);
    }
    za_free(set->texts);
    za_free(set->lengths);
    za_free(set->slots);
    *set = (za_text_set){0};
}
