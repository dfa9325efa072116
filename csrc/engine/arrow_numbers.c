/* Everything of fixed width. Buffers need not be aligned, so values are copied out; compilers make plain loads of that.
 */
#include <math.h>
#include <string.h>

#include "engine/arrow_column.h"

/* name, type in the buffer, type of the column */
#define LOADERS(LOADER)                                                                                                \
    LOADER(load_int8, int8_t, int64_t)                                                                                 \
    LOADER(load_uint8, uint8_t, int64_t)                                                                               \
    LOADER(load_int16, int16_t, int64_t)                                                                               \
    LOADER(load_uint16, uint16_t, int64_t)                                                                             \
    LOADER(load_int32, int32_t, int64_t)                                                                               \
    LOADER(load_uint32, uint32_t, int64_t)                                                                             \
    LOADER(load_int64, int64_t, int64_t)                                                                               \
    LOADER(load_uint64, uint64_t, int64_t)                                                                             \
    LOADER(load_float, float, double)                                                                                  \
    LOADER(load_double, double, double)

#define LOADER(name, stored, wanted)                                                                                   \
    static void name(const za_arrow_rows *rows, wanted *values)                                                        \
    {                                                                                                                  \
        const char *from = (const char *)rows->array->buffers[1] + (size_t)rows->first * sizeof(stored);               \
        for (int64_t i = 0; i < rows->count; i++) {                                                                    \
            stored value;                                                                                              \
            memcpy(&value, from + (size_t)i * sizeof value, sizeof value);                                             \
            values[i] = (wanted)value;                                                                                 \
        }                                                                                                              \
    }
LOADERS(LOADER)
#undef LOADER

static void load_whole(const za_arrow_rows *rows, za_arrow_storage storage, int64_t *values)
{
    switch (storage) {
    case ZA_ARROW_INT8:
        load_int8(rows, values);
        break;
    case ZA_ARROW_UINT8:
        load_uint8(rows, values);
        break;
    case ZA_ARROW_INT16:
        load_int16(rows, values);
        break;
    case ZA_ARROW_UINT16:
        load_uint16(rows, values);
        break;
    case ZA_ARROW_INT32:
        load_int32(rows, values);
        break;
    case ZA_ARROW_UINT32:
        load_uint32(rows, values);
        break;
    case ZA_ARROW_UINT64:
        load_uint64(rows, values);
        break;
    default:
        load_int64(rows, values);
        break;
    }
}

za_code za_arrow_read_whole(const za_arrow_rows *rows, za_arrow_type type, int64_t *values, za_error *error)
{
    za_code code = za_arrow_rows_need(rows, 2, error);
    if (code != ZA_OK || rows->count == 0) {
        return code;
    }
    load_whole(rows, type.storage, values);
    if (type.storage == ZA_ARROW_UINT64) {
        for (int64_t i = 0; i < rows->count; i++) {
            if (values[i] < 0 && !za_arrow_rows_null(rows, i)) {
                return za_arrow_rows_fail(rows, i, "the whole number is above 9223372036854775807", error);
            }
        }
    }
    return ZA_OK;
}

za_code za_arrow_read_times(const za_arrow_rows *rows, za_arrow_type type, int64_t *values, za_error *error)
{
    za_code code = za_arrow_read_whole(rows, type, values, error);
    if (code != ZA_OK) {
        return code;
    }
    for (int64_t i = 0; i < rows->count; i++) {
        if (values[i] == INT64_MIN || za_arrow_rows_null(rows, i)) {
            values[i] = INT64_MIN;
        } else if (__builtin_mul_overflow(values[i], type.nanoseconds, &values[i])) {
            return za_arrow_rows_fail(rows, i, "the time does not fit nanoseconds since 1970 (1677 to 2262)", error);
        }
    }
    return ZA_OK;
}

/* IEEE 754 binary16: 1 bit of sign, 5 of exponent (bias 15), 10 of fraction. */
static double half_value(uint16_t half)
{
    int exponent = half >> 10 & 31, fraction = half & 1023;
    double size;
    if (exponent == 31) {
        size = fraction == 0 ? INFINITY : NAN;
    } else if (exponent == 0) {
        size = ldexp(fraction, -24);
    } else {
        size = ldexp(1024 + fraction, exponent - 25);
    }
    return half >> 15 != 0 ? -size : size;
}

static void load_half(const za_arrow_rows *rows, double *values)
{
    const char *from = (const char *)rows->array->buffers[1] + (size_t)rows->first * sizeof(uint16_t);
    for (int64_t i = 0; i < rows->count; i++) {
        uint16_t half;
        memcpy(&half, from + (size_t)i * sizeof half, sizeof half);
        values[i] = half_value(half);
    }
}

static void load_bool(const za_arrow_rows *rows, double *values)
{
    const uint8_t *bits = rows->array->buffers[1];
    for (int64_t i = 0; i < rows->count; i++) {
        values[i] = za_arrow_rows_bit(bits, rows->first + i) ? 1.0 : 0.0;
    }
}

/* Powers of ten up to 10^22 are doubles; one division by such a one rounds once, so that an unscaled value below 2^53
 * gives the double nearest to the decimal. */
static double power_of_ten(int exponent)
{
    double power = 1.0;
    for (int i = 0; i < exponent; i++) {
        power *= 10.0;
    }
    return power;
}

static void load_decimal(const za_arrow_rows *rows, int scale, double *values)
{
    const char *from = (const char *)rows->array->buffers[1] + (size_t)rows->first * 16;
    double power = power_of_ten(scale < 0 ? -scale : scale);
    for (int64_t i = 0; i < rows->count; i++) {
        uint64_t low;
        int64_t high;
        memcpy(&low, from + i * 16, sizeof low);
        memcpy(&high, from + i * 16 + 8, sizeof high);
        double unscaled = (double)(((__int128)high * ((__int128)1 << 64)) + low);
        values[i] = scale < 0 ? unscaled * power : unscaled / power;
    }
}

za_code za_arrow_read_numbers(const za_arrow_rows *rows, za_arrow_type type, double *values, za_error *error)
{
    if (type.storage == ZA_ARROW_NULL) {
        for (int64_t i = 0; i < rows->count; i++) {
            values[i] = NAN;
        }
        return ZA_OK;
    }
    za_code code = za_arrow_rows_need(rows, 2, error);
    if (code != ZA_OK || rows->count == 0) {
        return code;
    }
    switch (type.storage) {
    case ZA_ARROW_BOOL:
        load_bool(rows, values);
        break;
    case ZA_ARROW_HALF:
        load_half(rows, values);
        break;
    case ZA_ARROW_FLOAT:
        load_float(rows, values);
        break;
    case ZA_ARROW_DECIMAL128:
        load_decimal(rows, type.scale, values);
        break;
    default:
        load_double(rows, values);
        break;
    }
    for (int64_t i = 0; rows->valid != NULL && i < rows->count; i++) {
        if (za_arrow_rows_null(rows, i)) {
            values[i] = NAN;
        }
    }
    return ZA_OK;
}

void za_arrow_whole_to_numbers(const za_arrow_rows *rows, void *values)
{
    char *at = values;
    for (int64_t i = 0; i < rows->count; i++, at += sizeof(double)) {
        int64_t whole;
        memcpy(&whole, at, sizeof whole);
        double number = za_arrow_rows_null(rows, i) ? NAN : (double)whole;
        memcpy(at, &number, sizeof number);
    }
}
