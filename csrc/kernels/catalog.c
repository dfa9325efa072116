#include "kernels/catalog.h"

#include <math.h>

#include "kernels/params.h"

/* The expressions of a row, as functions of its parameters. */
#define LOOKBACK(bars) bars
#define WINDOW(size)   size
#define FOREVER        0.0
#define INDICATOR(name, group, inputs, params, lookback, memory, outputs, summary)                                     \
    static double name##_lookback(const za_params *values)                                                             \
    {                                                                                                                  \
        name##_params p = name##_params_of(values);                                                                    \
        return lookback;                                                                                               \
    }                                                                                                                  \
    static double name##_block(const za_params *values)                                                                \
    {                                                                                                                  \
        name##_params p = name##_params_of(values);                                                                    \
        (void)p;                                                                                                       \
        return memory;                                                                                                 \
    }
#include "kernels/catalog.def"
#undef INDICATOR
#undef FOREVER
#undef WINDOW
#undef LOOKBACK

typedef struct row {
    za_indicator_info info;
    double (*lookback)(const za_params *values);
    double (*block)(const za_params *values);
} row;

enum {
    HIGH = 1u << ZA_HIGH,
    LOW = 1u << ZA_LOW,
    CLOSE = 1u << ZA_CLOSE,
    VOLUME = 1u << ZA_VOLUME,
    OTHER = 1u << ZA_OTHER,
};

#define INPUTS(columns)                   (columns)
#define PARAMS(...)                       {__VA_ARGS__}
#define WHOLE(name, initial, least, most) {#name, true, (initial), (least), (most)},
#define REAL(name, initial, least, most)  {#name, false, (initial), (least), (most)},
#define OUTPUTS(...)                      {__VA_ARGS__}
#define INDICATOR(name, group, columns, parameters, lookback, memory, names, summary)                                  \
    {{#name, #group, summary, columns, (int)(sizeof(name##_params) / sizeof(double)), name##_output_count, parameters, \
      names},                                                                                                          \
     name##_lookback,                                                                                                  \
     name##_block},
static const row rows[ZA_INDICATOR_COUNT] = {
#include "kernels/catalog.def"
};
#undef INDICATOR
#undef OUTPUTS
#undef REAL
#undef WHOLE
#undef PARAMS
#undef INPUTS

const char *za_field_name(za_field field)
{
    static const char *const names[ZA_FIELD_COUNT] = {"open", "high", "low", "close", "volume", "other"};
    return names[field];
}

const za_indicator_info *za_indicator_info_of(za_indicator indicator)
{
    return &rows[indicator].info;
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

int64_t za_block_size(za_indicator indicator, const za_params *params)
{
    return (int64_t)rows[indicator].block(params);
}

int64_t za_snapshot_start(za_indicator indicator, const za_params *params, int64_t bars)
{
    int64_t block = za_block_size(indicator, params);
    if (block == 0) {
        return 0;
    }
    /* The oldest bar that counts; a kernel of changes cuts its blocks one bar later, and looks back one bar more. */
    int64_t oldest = bars - 1 - za_lookback(indicator, params);
    return oldest - oldest % block;
}
