/* What the kernels know of their catalog rows: parameters by name, the number of outputs, the block of their window. */
#ifndef ZA_KERNELS_PARAMS_H
#define ZA_KERNELS_PARAMS_H

#include <string.h>

#include "kernels/catalog.h"

/* The parameters of a row are doubles in its order, as in za_params, so that one is a prefix of the other. */
#define PARAMS(...)      __VA_ARGS__
#define WHOLE(name, ...) double name;
#define REAL(name, ...)  double name;
#define OUTPUTS(...)     (int)(sizeof((const char *[]){__VA_ARGS__}) / sizeof(const char *))
#define INDICATOR(name, group, inputs, params, lookback, memory, outputs, summary)                                     \
    typedef struct name##_params {                                                                                     \
        params                                                                                                         \
    } name##_params;                                                                                                   \
    static inline name##_params name##_params_of(const za_params *values)                                              \
    {                                                                                                                  \
        name##_params named;                                                                                           \
        memcpy(&named, values->value, sizeof named);                                                                   \
        return named;                                                                                                  \
    }                                                                                                                  \
    enum { name##_output_count = outputs };
#include "kernels/catalog.def"
#undef INDICATOR
#undef OUTPUTS
#undef REAL
#undef WHOLE
#undef PARAMS

/* Bars in a block of the indicator's window; 0 when its memory reaches back for ever. */
int64_t za_block_size(za_indicator indicator, const za_params *params);

#endif
