/* Decoders of texts, plain ones and those of dictionaries. */
#ifndef ZA_STORE_ARROW_TEXT_H
#define ZA_STORE_ARROW_TEXT_H

#include "store/arrow_rows.h"
#include "store/arrow_type.h"
#include "store/text_set.h"

/* Rows that are indices into a dictionary: one for each row, inside of the dictionary where the row is not null. */
typedef struct za_arrow_coded {
    za_arrow_rows rows, dictionary;
    za_arrow_type type; /* of the dictionary's values */
    int64_t *indices;
} za_arrow_coded;

/* Numbers of the texts in `texts`; nulls are -1. */
za_code za_arrow_read_texts(const za_arrow_rows *rows, za_arrow_type type, za_text_set *texts, int32_t *codes,
                            za_error *error);
/* The same where the texts lie in a dictionary. Texts that no row uses are not collected. */
za_code za_arrow_gather_texts(const za_arrow_coded *coded, za_text_set *texts, int32_t *codes, za_error *error);

#endif
