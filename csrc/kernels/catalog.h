/* The indicators: names, inputs, parameters, lookbacks, outputs. All of it derives from catalog.def, of
 * those that are kernels, and formulas.def, of those that are made of others. */
#ifndef ZA_KERNELS_CATALOG_H
#define ZA_KERNELS_CATALOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "kernels/param_values.h"

/* The columns that an indicator reads unless the caller gives other ones. */
typedef enum za_field { ZA_OPEN, ZA_HIGH, ZA_LOW, ZA_CLOSE, ZA_VOLUME, ZA_FIELD_COUNT } za_field;

typedef struct za_param_info {
    const char *name, *talib; /* ours, and TA-Lib's */
    bool whole;               /* must be a whole number */
    double initial, least, most;
} za_param_info;

typedef struct za_output_info {
    const char *name, *talib;
    const char *formula; /* NULL of a kernel */
} za_output_info;

typedef struct za_indicator_info {
    const char *name, *talib, *group, *summary; /* talib: NULL where TA-Lib has no such function */
    int input_count, param_count, output_count;
    za_field inputs[ZA_MAX_INPUTS]; /* in the order in which a kernel block holds them */
    za_param_info params[ZA_MAX_PARAMS];
    za_output_info outputs[ZA_MAX_OUTPUTS];
} za_indicator_info;

/* The reach of an indicator: how far back its outputs depend on its bars. */
typedef enum za_memory_kind {
    ZA_REACH,  /* on the last `bars`, this one included */
    ZA_FADING, /* on all, but after about `bars` two starts have come to the same bits */
    ZA_FOREVER /* on all; `bars` is 0 */
} za_memory_kind;

typedef struct za_memory {
    za_memory_kind kind;
    int64_t bars;
    bool beside; /* of these bars the last one and the one `lag` before it alone count: no bar waits for another */
    int64_t lag;
    bool total; /* of all bars the running total of what each gives by itself, and nothing else */
} za_memory;

/* ZA_INDICATOR_sma, ZA_INDICATOR_ema, ... ZA_INDICATOR_COUNT */
typedef enum za_indicator {
#define INDICATOR(name, ...) ZA_INDICATOR_##name,
#include "kernels/catalog.def"
#undef INDICATOR
    ZA_INDICATOR_COUNT
} za_indicator;

enum {
    ZA_FORMULA_COUNT = 0
#define FORMULA(...) +1
#include "kernels/formulas.def"
#undef FORMULA
};

/* "open", "high", "low", "close", "volume". */
const char *za_field_name(za_field field);
/* The static row of `indicator`. */
const za_indicator_info *za_indicator_info_of(za_indicator indicator);
/* The static row of formulas.def of that number. */
const za_indicator_info *za_formula_info_of(int number);
/* The indicator of that name, or ZA_INDICATOR_COUNT. */
za_indicator za_indicator_find(const char *name);
/* The catalog's defaults. */
za_params za_params_default(za_indicator indicator);
/* ZA_BAD_VALUE naming indicator, parameter and bounds when a value is out of bounds, not whole, or not finite. */
za_code za_params_check(za_indicator indicator, const za_params *params, za_error *error);

/* Bars before the first output: a series of n bars has n - lookback values. */
int64_t za_lookback(za_indicator indicator, const za_params *params);
za_memory za_memory_of(za_indicator indicator, const za_params *params);

#endif
