/* What indicators there are: names, inputs, parameters, lookbacks, outputs. All of it derives from catalog.def. */
#ifndef ZA_KERNELS_CATALOG_H
#define ZA_KERNELS_CATALOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

/* The columns a kernel may read. A kernel of one real-valued input reads ZA_CLOSE; the caller may put any other column
 * there. ZA_OTHER is the second series of a kernel that compares two. */
typedef enum za_field { ZA_OPEN, ZA_HIGH, ZA_LOW, ZA_CLOSE, ZA_VOLUME, ZA_OTHER, ZA_FIELD_COUNT } za_field;

enum { ZA_MAX_PARAMS = 4, ZA_MAX_OUTPUTS = 4 };

/* Values in the order of the catalog row; whole-number parameters are held as doubles too. */
typedef struct za_params {
    double value[ZA_MAX_PARAMS];
} za_params;

typedef struct za_param_info {
    const char *name;
    bool whole; /* must be a whole number */
    double initial, least, most;
} za_param_info;

typedef struct za_indicator_info {
    const char *name, *group, *summary;
    unsigned inputs; /* bit 1u << za_field for each column read */
    int param_count, output_count;
    za_param_info params[ZA_MAX_PARAMS];
    const char *outputs[ZA_MAX_OUTPUTS];
} za_indicator_info;

/* ZA_INDICATOR_sma, ZA_INDICATOR_ema, ... ZA_INDICATOR_COUNT */
typedef enum za_indicator {
#define INDICATOR(name, ...) ZA_INDICATOR_##name,
#include "kernels/catalog.def"
#undef INDICATOR
    ZA_INDICATOR_COUNT
} za_indicator;

/* "open", "high", "low", "close", "volume", "other". */
const char *za_field_name(za_field field);
/* The static row of `indicator`. */
const za_indicator_info *za_indicator_info_of(za_indicator indicator);
/* The indicator of that name, or ZA_INDICATOR_COUNT. */
za_indicator za_indicator_find(const char *name);
/* The catalog's defaults. */
za_params za_params_default(za_indicator indicator);
/* ZA_BAD_VALUE naming indicator, parameter and bounds when a value is out of bounds, not whole, or not finite. */
za_code za_params_check(za_indicator indicator, const za_params *params, za_error *error);

/* Bars before the first output: a series of n bars has n - lookback values. */
int64_t za_lookback(za_indicator indicator, const za_params *params);
/* The bar at which a snapshot of `bars` bars (> lookback) has to start so that its value has the bits of the series'
 * last value: 0 for a memory that reaches back for ever, else the block boundary before the window. */
int64_t za_snapshot_start(za_indicator indicator, const za_params *params, int64_t bars);

#endif
