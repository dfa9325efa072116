/* The parameters that one use of an indicator has. */
#ifndef ZA_KERNELS_PARAM_VALUES_H
#define ZA_KERNELS_PARAM_VALUES_H

enum { ZA_MAX_INPUTS = 5, ZA_MAX_PARAMS = 8, ZA_MAX_OUTPUTS = 8 };

/* Values in the order of the catalog row; whole-number parameters are held as doubles too. */
typedef struct za_params {
    double value[ZA_MAX_PARAMS];
} za_params;

#endif
