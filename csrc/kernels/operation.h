/* The operations of formulas; all of it derives from operations.def. */
#ifndef ZA_KERNELS_OPERATION_H
#define ZA_KERNELS_OPERATION_H

#include <stdbool.h>
#include <stdint.h>

/* ZA_OPERATION_add, ... ZA_OPERATION_COUNT */
typedef enum za_operation {
#define OPERATION(name, ...) ZA_OPERATION_##name,
#define MAPPED               OPERATION
#define RUNNING              OPERATION
#include "kernels/operations.def"
#undef RUNNING
#undef MAPPED
#undef OPERATION
    ZA_OPERATION_COUNT
} za_operation;

enum { ZA_MAX_ARGUMENTS = 3 };

typedef struct za_operation_info {
    const char *name;
    int arguments;
    bool mapped;    /* a function of the C library, lane by lane: a power or a remainder */
    bool running;   /* it remembers: one number a lane */
    double initial; /* that number before the first bar */
} za_operation_info;

/* The static row of `operation`. */
const za_operation_info *za_operation_info_of(za_operation operation);
/* The operation of that name, or ZA_OPERATION_COUNT. */
za_operation za_operation_find(const char *name);

/* Bars of one operation: arguments and values are [bar][lane]; the value may take an argument's place. */
typedef struct za_operation_block {
    za_operation operation;
    int64_t bars;
    const double *in[ZA_MAX_ARGUMENTS];
    unsigned constants; /* bit i: argument i is the same in all bars; one of them is there */
    double *out;
    double *state; /* one number a lane, of an operation that remembers */
} za_operation_block;

#endif
