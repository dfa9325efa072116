/* The failure of anything below the binding: a code, and one sentence for a person. */
#ifndef ZA_BASE_STATUS_H
#define ZA_BASE_STATUS_H

#include "base/text.h"

typedef enum za_code {
    ZA_OK,
    ZA_NO_MEMORY, /* an allocation failed; MemoryError */
    ZA_BAD_VALUE, /* an argument's value, a bar, a column; ValueError */
    ZA_BAD_TYPE,  /* an argument's or a column's type; TypeError */
    ZA_CANCELLED, /* the job was cancelled before it was done; Stopped */
    ZA_EXPIRED,   /* the deadline passed before it was done; TimeoutError */
    ZA_SYSTEM     /* the operating system refused; RuntimeError */
} za_code;

enum { ZA_ERROR_TEXT = 400 };

typedef struct za_error {
    za_code code;
    char text[ZA_ERROR_TEXT];
} za_error;

/* Writes code and sentence into `error` (which may be NULL) and returns the code: `return za_fail(error, ...)`. */
ZA_LIKE_PRINTF(3, 4)
za_code za_fail(za_error *error, za_code code, const char *format, ...);

/* Adds "; sentence" to what `error` (which may be NULL) says. */
void za_append_sentence(za_error *error, const char *sentence);

/* The failure of an allocation, said without allocating. */
za_code za_fail_memory(za_error *error);

#endif
