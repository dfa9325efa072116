#include "store/arrow_type.h"

#include <stdio.h>
#include <string.h>

static const int64_t ns_per_second = INT64_C(1000000000);

/* The formats of one letter, and those of few that carry no parameter. Binary values are texts if they are UTF-8. */
static const struct {
    const char *format;
    za_arrow_storage storage;
    za_column_kind kind;
} plain_types[] = {
    {"n", ZA_ARROW_NULL, ZA_COLUMN_NUMBER},     {"c", ZA_ARROW_INT8, ZA_COLUMN_WHOLE},
    {"C", ZA_ARROW_UINT8, ZA_COLUMN_WHOLE},     {"s", ZA_ARROW_INT16, ZA_COLUMN_WHOLE},
    {"S", ZA_ARROW_UINT16, ZA_COLUMN_WHOLE},    {"i", ZA_ARROW_INT32, ZA_COLUMN_WHOLE},
    {"I", ZA_ARROW_UINT32, ZA_COLUMN_WHOLE},    {"l", ZA_ARROW_INT64, ZA_COLUMN_WHOLE},
    {"L", ZA_ARROW_UINT64, ZA_COLUMN_UNSIGNED}, {"e", ZA_ARROW_HALF, ZA_COLUMN_NUMBER},
    {"f", ZA_ARROW_FLOAT, ZA_COLUMN_NUMBER},    {"g", ZA_ARROW_DOUBLE, ZA_COLUMN_NUMBER},
    {"u", ZA_ARROW_TEXT32, ZA_COLUMN_TEXT},     {"U", ZA_ARROW_TEXT64, ZA_COLUMN_TEXT},
    {"vu", ZA_ARROW_TEXT_VIEW, ZA_COLUMN_TEXT}, {"z", ZA_ARROW_TEXT32, ZA_COLUMN_TEXT},
    {"Z", ZA_ARROW_TEXT64, ZA_COLUMN_TEXT},     {"vz", ZA_ARROW_TEXT_VIEW, ZA_COLUMN_TEXT},
};

/* Timestamps "ts" unit ":" zone, and dates. A zone says how to show an instant, not which one it is; without a zone the
 * time is read as UTC, so it can be ignored. */
static bool time_type(const char *format, za_arrow_type *type)
{
    type->kind = ZA_COLUMN_TIME;
    if (strcmp(format, "tdD") == 0) {
        type->storage = ZA_ARROW_INT32;
        type->nanoseconds = 86400 * ns_per_second;
        return true;
    }
    type->storage = ZA_ARROW_INT64;
    if (strcmp(format, "tdm") == 0) {
        type->nanoseconds = ns_per_second / 1000;
        return true;
    }
    if (strncmp(format, "ts", 2) != 0 || format[2] == '\0' || (format[3] != ':' && format[3] != '\0')) {
        return false;
    }
    switch (format[2]) {
    case 's':
        type->nanoseconds = ns_per_second;
        return true;
    case 'm':
        type->nanoseconds = ns_per_second / 1000;
        return true;
    case 'u':
        type->nanoseconds = 1000;
        return true;
    case 'n':
        type->nanoseconds = 1;
        return true;
    default:
        return false;
    }
}

/* "d:precision,scale" or "d:precision,scale,128". 128 bits hold 38 digits; the same bound keeps scales sane. */
static bool decimal_type(const char *format, za_arrow_type *type)
{
    int precision, scale, bits = 128, used = 0;
    if (sscanf(format, "d:%9d,%9d%n", &precision, &scale, &used) != 2) {
        return false;
    }
    if (format[used] != '\0') {
        int more = 0;
        if (sscanf(format + used, ",%9d%n", &bits, &more) != 1 || format[used + more] != '\0') {
            return false;
        }
    }
    *type = (za_arrow_type){.storage = ZA_ARROW_DECIMAL128, .kind = ZA_COLUMN_NUMBER, .scale = scale};
    return bits == 128 && precision >= 1 && precision <= 38 && scale >= -38 && scale <= 38;
}

za_arrow_type za_arrow_type_of(const char *format)
{
    za_arrow_type type = {0};
    for (size_t i = 0; i < sizeof plain_types / sizeof plain_types[0]; i++) {
        if (strcmp(format, plain_types[i].format) == 0) {
            type.storage = plain_types[i].storage;
            type.kind = plain_types[i].kind;
            return type;
        }
    }
    if (time_type(format, &type) || decimal_type(format, &type)) {
        return type;
    }
    return (za_arrow_type){.storage = ZA_ARROW_OTHER, .kind = ZA_COLUMN_UNSUPPORTED};
}

bool za_arrow_type_is_index(za_arrow_type type)
{
    return type.kind == ZA_COLUMN_WHOLE || type.kind == ZA_COLUMN_UNSIGNED;
}
