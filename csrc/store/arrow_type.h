/* Arrow's format strings: how a column's values lie in memory, and what they become. */
#ifndef ZA_STORE_ARROW_TYPE_H
#define ZA_STORE_ARROW_TYPE_H

#include <stdbool.h>

#include "store/column.h"

typedef enum za_arrow_storage {
    ZA_ARROW_OTHER, /* not decoded */
    ZA_ARROW_NULL,  /* no buffers, no values */
    ZA_ARROW_INT8,
    ZA_ARROW_UINT8,
    ZA_ARROW_INT16,
    ZA_ARROW_UINT16,
    ZA_ARROW_INT32,
    ZA_ARROW_UINT32,
    ZA_ARROW_INT64,
    ZA_ARROW_UINT64,
    ZA_ARROW_HALF,
    ZA_ARROW_FLOAT,
    ZA_ARROW_DOUBLE,
    ZA_ARROW_DECIMAL128, /* two's complement, little endian */
    ZA_ARROW_TEXT32,     /* offsets of 32 bits into one buffer of bytes */
    ZA_ARROW_TEXT64,
    ZA_ARROW_TEXT_VIEW /* 16 bytes each, the text inside or in one of several buffers */
} za_arrow_storage;

typedef struct za_arrow_type {
    za_arrow_storage storage;
    za_column_kind kind;
    int64_t nanoseconds; /* times: how many one unit is */
    int scale;           /* decimals: digits behind the point, may be negative */
} za_arrow_type;

/* Any format has a type; one that is not decoded is ZA_ARROW_OTHER and ZA_COLUMN_UNSUPPORTED. */
za_arrow_type za_arrow_type_of(const char *format);
/* Returns whether dictionary indices may be of this type: whole numbers that are not times. */
bool za_arrow_type_is_index(za_arrow_type type);

#endif
