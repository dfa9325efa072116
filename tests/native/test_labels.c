#include "bars_sample.h"
#include "base/memory.h"
#include "check.h"
#include "store/labels.h"

enum { COUNT = 4 };

static const char *const names[COUNT] = {"AAPL", "XOM", "MSFT", "SPY"};
static const char *const sectors[COUNT] = {"Tech", "Energy", "Tech", "Tech"};

static za_code set(za_store *store, const char *name, size_t count, za_error *error)
{
    za_symbol symbols[COUNT], labels[COUNT];
    for (size_t i = 0; i < count; i++) {
        symbols[i] = symbol_of(names[i]);
        labels[i] = symbol_of(sectors[i]);
    }
    za_labels *made = za_labels_new(symbol_of(name), symbols, labels, count, error);
    if (made == NULL) {
        return error->code;
    }
    za_store_put_labels(store, made);
    return ZA_OK;
}

static void test_codes(void)
{
    za_store *store = store_of(4);
    za_error error;
    CHECK(set(store, "sector", 3, &error) == ZA_OK);
    za_labels *labels = za_store_labels(store, symbol_of("sector"), &error);
    za_symbol asked[] = {symbol_of("MSFT"), symbol_of("SPY"), symbol_of("XOM"), symbol_of("AAPL"), symbol_of("")};
    int32_t codes[5], expected[] = {0, -1, 1, 0, -1};
    za_labels_codes(labels, asked, 5, codes);
    CHECK(memcmp(codes, expected, sizeof codes) == 0);
    CHECK(labels->labels.count == 2);
    za_store_free(store); /* whoever holds a set keeps it */
    za_labels_codes(labels, asked, 5, codes);
    CHECK(memcmp(codes, expected, sizeof codes) == 0);
    za_labels_release(labels);
}

static void test_a_set_is_replaced_and_readers_keep_theirs(void)
{
    za_store *store = store_of(4);
    za_error error;
    CHECK(set(store, "sector", 3, &error) == ZA_OK && set(store, "country", 1, &error) == ZA_OK);
    za_labels *before = za_store_labels(store, symbol_of("sector"), &error);
    CHECK(set(store, "sector", 4, &error) == ZA_OK);
    za_labels *after = za_store_labels(store, symbol_of("sector"), &error);
    CHECK(before != after && before->symbols.count == 3 && after->symbols.count == 4);
    size_t count;
    za_labels **all = za_store_all_labels(store, &count);
    CHECK(count == 2 && strcmp(all[0]->name, "sector") == 0 && strcmp(all[1]->name, "country") == 0);
    za_labels_release(all[0]);
    za_labels_release(all[1]);
    za_free(all);
    za_labels_release(before);
    za_labels_release(after);
    za_store_free(store);
}

static void test_an_unknown_set_is_named_with_those_that_there_are(void)
{
    za_store *store = store_of(4);
    za_error error;
    CHECK(za_store_labels(store, symbol_of("secotr"), &error) == NULL && error.code == ZA_BAD_VALUE);
    CHECK(strcmp(error.text, "the store has no labels 'secotr'; set_labels makes them") == 0);
    CHECK(set(store, "sector", 3, &error) == ZA_OK && set(store, "country", 3, &error) == ZA_OK);
    CHECK(za_store_labels(store, symbol_of("secotr"), &error) == NULL);
    CHECK(strcmp(error.text, "the store has no labels 'secotr'; it has 'sector', 'country'") == 0);
    za_store_free(store);
}

static void test_without_memory_nothing_changes(void)
{
    za_store *store = store_of(4);
    za_error error;
    CHECK(set(store, "sector", 1, &error) == ZA_OK);
    za_code code = ZA_NO_MEMORY;
    for (long successes = 0; code != ZA_OK; successes++) {
        za_memory_fail_after(successes);
        code = set(store, "sector", 4, &error);
        za_memory_fail_after(-1);
        za_labels *labels = za_store_labels(store, symbol_of("sector"), &error);
        CHECK(labels->symbols.count == (code == ZA_OK ? 4 : 1) && (code == ZA_OK || code == ZA_NO_MEMORY));
        za_labels_release(labels);
    }
    size_t count;
    za_memory_fail_after(0);
    CHECK(za_store_all_labels(store, &count) == NULL && count == 0);
    za_memory_fail_after(-1);
    za_store_free(store);
}

int main(void)
{
    test_codes();
    test_a_set_is_replaced_and_readers_keep_theirs();
    test_an_unknown_set_is_named_with_those_that_there_are();
    test_without_memory_nothing_changes();
    return check_report("labels");
}
