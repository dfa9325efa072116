#include "store/labels.h"

#include <pthread.h>
#include <string.h>

#include "base/memory.h"
#include "store/store_inside.h"

/* The label of one more symbol. */
static za_code add(za_labels *labels, za_symbol symbol, za_symbol label, za_error *error)
{
    int32_t code, of_label;
    int32_t known = labels->symbols.count;
    za_code failure = za_text_set_code(&labels->symbols, symbol.text, symbol.length, &code);
    if (failure == ZA_OK && code < known) {
        return za_fail(error, ZA_BAD_VALUE, "%.*s appears twice among the symbols", za_symbol_shown(symbol),
                       symbol.text);
    }
    if (failure == ZA_OK) {
        failure = za_text_set_code(&labels->labels, label.text, label.length, &of_label);
    }
    if (failure != ZA_OK) {
        return failure == ZA_NO_MEMORY ? za_fail_memory(error)
                                       : za_fail(error, ZA_BAD_VALUE, "%.*s: the symbol or its label is not UTF-8",
                                                 za_symbol_shown(symbol), symbol.text);
    }
    labels->label_of[code] = of_label;
    return ZA_OK;
}

za_labels *za_labels_new(za_symbol name, const za_symbol *symbols, const za_symbol *labels, size_t count,
                         za_error *error)
{
    za_labels *made = za_alloc_zeroed(1, sizeof *made);
    if (made == NULL) {
        (void)za_fail_memory(error);
        return NULL;
    }
    atomic_init(&made->references, 1);
    made->name = za_copy_text(name.text, name.length);
    made->label_of = za_alloc(count, sizeof *made->label_of);
    za_code code = made->name == NULL || made->label_of == NULL ? za_fail_memory(error) : ZA_OK;
    for (size_t i = 0; code == ZA_OK && i < count; i++) {
        code = add(made, symbols[i], labels[i], error);
    }
    if (code != ZA_OK) {
        za_labels_release(made);
        return NULL;
    }
    return made;
}

static void retain(za_labels *labels)
{
    (void)atomic_fetch_add_explicit(&labels->references, 1, memory_order_relaxed);
}

void za_labels_release(za_labels *labels)
{
    if (labels != NULL && atomic_fetch_sub_explicit(&labels->references, 1, memory_order_acq_rel) == 1) {
        za_text_set_free(&labels->symbols);
        za_text_set_free(&labels->labels);
        za_free(labels->label_of);
        za_free(labels->name);
        za_free(labels);
    }
}

/* The link that leads to the set of that name, or the last one. Under the lock. */
static za_labels **link_of(za_store *store, const char *name, size_t length)
{
    za_labels **link = &store->labels;
    while (*link != NULL && (strlen((*link)->name) != length || memcmp((*link)->name, name, length) != 0)) {
        link = &(*link)->next;
    }
    return link;
}

void za_store_put_labels(za_store *store, za_labels *labels)
{
    pthread_mutex_lock(&store->mutex);
    za_labels **link = link_of(store, labels->name, strlen(labels->name)), *old = *link;
    labels->next = old == NULL ? NULL : old->next;
    *link = labels;
    store->stats.labelled++;
    pthread_mutex_unlock(&store->mutex);
    za_labels_release(old);
}

/* Under the lock. */
static void fail_unknown(const za_store *store, za_symbol name, za_error *error)
{
    (void)za_fail(error, ZA_BAD_VALUE, "the store has no labels '%.*s'", za_symbol_shown(name), name.text);
    char others[ZA_ERROR_TEXT / 2];
    size_t length = 0;
    for (const za_labels *labels = store->labels; labels != NULL; labels = labels->next) {
        length += za_print(others + length, sizeof others - length, length == 0 ? "it has '%.64s'" : ", '%.64s'",
                           labels->name);
    }
    za_append_sentence(error, length > 0 ? others : "set_labels makes them");
}

za_labels *za_store_labels(za_store *store, za_symbol name, za_error *error)
{
    pthread_mutex_lock(&store->mutex);
    za_labels *labels = *link_of(store, name.text, name.length);
    if (labels != NULL) {
        retain(labels);
    } else {
        fail_unknown(store, name, error);
    }
    pthread_mutex_unlock(&store->mutex);
    return labels;
}

za_labels **za_store_all_labels(za_store *store, size_t *count)
{
    *count = 0;
    pthread_mutex_lock(&store->mutex);
    size_t sets = 0;
    for (const za_labels *labels = store->labels; labels != NULL; labels = labels->next) {
        sets++;
    }
    za_labels **all = za_alloc(sets, sizeof *all);
    for (za_labels *labels = store->labels; all != NULL && labels != NULL; labels = labels->next) {
        retain(labels);
        all[(*count)++] = labels;
    }
    pthread_mutex_unlock(&store->mutex);
    return all;
}

void za_store_free_labels(za_store *store)
{
    while (store->labels != NULL) {
        za_labels *labels = store->labels;
        store->labels = labels->next;
        za_labels_release(labels);
    }
}

void za_labels_codes(const za_labels *labels, const za_symbol *symbols, size_t count, int32_t *codes)
{
    for (size_t i = 0; i < count; i++) {
        int32_t code = za_text_set_find(&labels->symbols, symbols[i].text, symbols[i].length);
        codes[i] = code < 0 ? -1 : labels->label_of[code];
    }
}
