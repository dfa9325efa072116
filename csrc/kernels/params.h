/* The catalog rows as the kernels see them: parameters by name, the numbers of inputs and outputs. */
#ifndef ZA_KERNELS_PARAMS_H
#define ZA_KERNELS_PARAMS_H

#include <string.h>

#include "kernels/param_values.h"

/* The parameters of a row are doubles in its order, as in za_params, so that one is a prefix of the other. */
#define COUNT_OF_FIVE(a, b, c, d, e, count, ...) count
#define INPUTS(...)                              COUNT_OF_FIVE(__VA_ARGS__, 5, 4, 3, 2, 1, 0)
#define PARAMS(...)                              __VA_ARGS__
#define WHOLE(name, ...)                         double name;
#define REAL(name, ...)                          double name;
#define OUTPUTS(...)                             0 __VA_ARGS__
#define OUT(name, talib)                         +1
#define INDICATOR(name, talib, group, inputs, params, lookback, memory, outputs, summary)                              \
    typedef struct name##_params {                                                                                     \
        params                                                                                                         \
    } name##_params;                                                                                                   \
    static inline name##_params name##_params_of(const za_params *values)                                              \
    {                                                                                                                  \
        name##_params named;                                                                                           \
        memcpy(&named, values->value, sizeof named);                                                                   \
        return named;                                                                                                  \
    }                                                                                                                  \
    enum { name##_input_count = inputs, name##_output_count = outputs };
#include "kernels/catalog.def"
#undef INDICATOR
#undef OUT
#undef OUTPUTS
#undef REAL
#undef WHOLE
#undef PARAMS
#undef INPUTS
#undef COUNT_OF_FIVE

#endif
