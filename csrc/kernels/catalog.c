#include "kernels/catalog.h"

#include <math.h>

#include "kernels/params.h"

/* The expressions of a row, as functions of its parameters. */
#define LOOKBACK(bars)  bars
#define REACH(bars)     {ZA_REACH, (int64_t)(bars), false, 0, false}
#define PAIR(bars, lag) {ZA_REACH, (int64_t)(bars), true, (int64_t)(lag), false}
#define ALONE           {ZA_REACH, 1, true, 0, false}
#define FADING(bars)    {ZA_FADING, (int64_t)(bars), false, 0, false}
#define FOREVER         {ZA_FOREVER, 0, false, 0, false}
#define TOTAL           {ZA_FOREVER, 0, false, 0, true}
#define INDICATOR(name, talib, group, inputs, params, lookback, memory, outputs, summary)                              \
    static double name##_lookback(const za_params *values)                                                             \
    {                                                                                                                  \
        name##_params p = name##_params_of(values);                                                                    \
        (void)p;                                                                                                       \
        return lookback;                                                                                               \
    }                                                                                                                  \
    static za_memory name##_memory(const za_params *values)                                                            \
    {                                                                                                                  \
        name##_params p = name##_params_of(values);                                                                    \
        (void)p;                                                                                                       \
        za_memory of_row = memory;                                                                                     \
        return of_row;                                                                                                 \
    }
#include "kernels/catalog.def"
#undef INDICATOR
#undef TOTAL
#undef FOREVER
#undef FADING
#undef ALONE
#undef PAIR
#undef REACH
#undef LOOKBACK

typedef struct row {
    za_indicator_info info;
    double (*lookback)(const za_params *values);
    za_memory (*memory)(const za_params *values);
} row;

/* The numbers of a formula's inputs, parameters and outputs. */
#define COUNT_OF_FIVE(a, b, c, d, e, count, ...) count
#define INPUTS(...)                              COUNT_OF_FIVE(__VA_ARGS__, 5, 4, 3, 2, 1, 0)
#define PARAMS(...)                              0 __VA_ARGS__
#define WHOLE(...)                               +1
#define REAL(...)                                +1
#define OUTPUTS(...)                             0 __VA_ARGS__
#define OUT(...)                                 +1
#define FORMULA(name, talib, group, columns, parameters, outputs, summary)                                             \
    enum { name##_formula_inputs = columns, name##_formula_params = parameters, name##_formula_outputs = outputs };
#include "kernels/formulas.def"
#undef FORMULA
#undef OUT
#undef OUTPUTS
#undef REAL
#undef WHOLE
#undef PARAMS
#undef INPUTS
#undef COUNT_OF_FIVE

#define OPEN                                     ZA_OPEN
#define HIGH                                     ZA_HIGH
#define LOW                                      ZA_LOW
#define CLOSE                                    ZA_CLOSE
#define VOLUME                                   ZA_VOLUME
#define INPUTS(...)                              {__VA_ARGS__}
#define PARAMS(...)                              {__VA_ARGS__}
#define WHOLE(name, talib, initial, least, most) {#name, #talib, true, (initial), (least), (most)},
#define REAL(name, talib, initial, least, most)  {#name, #talib, false, (initial), (least), (most)},
#define OUTPUTS(...)                             {__VA_ARGS__}
#define OUT(name, talib)                         {#name, #talib, NULL},
#define INDICATOR(name, talib, group, columns, parameters, lookback, memory, names, summary)                           \
    {{#name, talib, #group, summary, name##_input_count, (int)(sizeof(name##_params) / sizeof(double)),                \
      name##_output_count, columns, parameters, names},                                                                \
     name##_lookback,                                                                                                  \
     name##_memory},
static const row rows[ZA_INDICATOR_COUNT] = {
#include "kernels/catalog.def"
};
#undef INDICATOR
#undef OUT

#define OUT(name, talib, formula) {#name, #talib, formula},
#define FORMULA(name, talib, group, columns, parameters, names, summary)                                               \
    {#name,   talib,      #group, summary, name##_formula_inputs, name##_formula_params, name##_formula_outputs,       \
     columns, parameters, names},
static const za_indicator_info formula_rows[ZA_FORMULA_COUNT] = {
#include "kernels/formulas.def"
};
#undef FORMULA
#undef OUT
#undef OUTPUTS
#undef REAL
#undef WHOLE
#undef PARAMS
#undef INPUTS
#undef VOLUME
#undef CLOSE
#undef LOW
#undef HIGH
#undef OPEN

const char *za_field_name(za_field field)
{
    static const char *const names[ZA_FIELD_COUNT] = {"open", "high", "low", "close", "volume"};
    return names[field];
}

const za_indicator_info *za_indicator_info_of(za_indicator indicator)
{
    return &rows[indicator].info;
}

const za_indicator_info *za_formula_info_of(int number)
{
    return &formula_rows[number];
}

za_indicator za_indicator_find(const char *name)
{
    int found = 0;
    while (found < ZA_INDICATOR_COUNT && strcmp(rows[found].info.name, name) != 0) {
        ++found;
    }
    return (za_indicator)found;
}

za_params za_params_default(za_indicator indicator)
{
    const za_indicator_info *info = &rows[indicator].info;
    za_params params = {{0.0}};
    for (int i = 0; i < info->param_count; ++i) {
        params.value[i] = info->params[i].initial;
    }
    return params;
}

za_code za_params_check(za_indicator indicator, const za_params *params, za_error *error)
{
    const za_indicator_info *info = &rows[indicator].info;
    for (int i = 0; i < info->param_count; ++i) {
        const za_param_info *param = &info->params[i];
        double value = params->value[i];
        bool within = value >= param->least && value <= param->most; /* false for NaN */
        if (!within || (param->whole && value != floor(value))) {
            return za_fail(error, ZA_BAD_VALUE, "%s: %s must be a %s from %g to %.10g, not %.10g", info->name,
                           param->name, param->whole ? "whole number" : "number", param->least, param->most, value);
        }
    }
    return ZA_OK;
}

int64_t za_lookback(za_indicator indicator, const za_params *params)
{
    return (int64_t)rows[indicator].lookback(params);
}

za_memory za_memory_of(za_indicator indicator, const za_params *params)
{
    return rows[indicator].memory(params);
}
