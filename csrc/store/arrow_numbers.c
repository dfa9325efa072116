/* Everything of fixed width. Buffers need not be aligned, so values are copied out; compilers make plain loads of that.
 */
#include "store/arrow_numbers.h"

#include <math.h>
#include <string.h>

#include "base/text.h"

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
    if (code == ZA_OK && rows->count > 0) {
        load_whole(rows, type.storage, values);
    }
    return code;
}

static const char *unit_name(int64_t nanoseconds)
{
    switch (nanoseconds) {
    case 1:
        return "ns";
    case 1000:
        return "us";
    case 1000000:
        return "ms";
    case 1000000000:
        return "s";
    default:
        return "days";
    }
}

static za_code fail_time(const za_arrow_rows *rows, int64_t i, za_arrow_type type, int64_t value, za_error *error)
{
    char fault[100];
    (void)za_print(fault, sizeof fault, "%lld %s is out of range: nanoseconds reach from 1677-09-21 to 2262-04-11",
                   (long long)value, unit_name(type.nanoseconds));
    return za_arrow_rows_fail(rows, i, fault, error);
}

void za_arrow_scale_times(const za_arrow_rows *rows, za_arrow_type type, int64_t *values, za_error *fault)
{
    bool far = false;
    for (int64_t i = 0; i < rows->count; i++) {
        int64_t value = values[i];
        if (value == INT64_MIN || za_arrow_rows_null(rows, i)) {
            values[i] = INT64_MIN;
        } else if (__builtin_mul_overflow(value, type.nanoseconds, &values[i])) {
            values[i] = INT64_MIN;
            if (!far) {
                (void)fail_time(rows, i, type, value, fault);
            }
            far = true;
        }
    }
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
