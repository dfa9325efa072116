#include "store/arrow_rows.h"

za_code za_arrow_rows_fail(const za_arrow_rows *rows, int64_t i, const char *fault, za_error *error)
{
    if (rows->fault_row != NULL) {
        *rows->fault_row = rows->counted_from + i;
    }
    return za_fail(error, ZA_BAD_VALUE, "column '%.100s', %s %lld: %s", rows->column, rows->unit,
                   (long long)(rows->counted_from + i), fault);
}

za_code za_arrow_fail_column(const char *column, const char *fault, za_error *error)
{
    return za_fail(error, ZA_BAD_VALUE, "column '%.100s': %s", column, fault);
}

za_code za_arrow_rows_need(const za_arrow_rows *rows, int64_t buffers, za_error *error)
{
    const struct ArrowArray *array = rows->array;
    if (array->n_buffers < buffers || array->buffers == NULL) {
        return za_arrow_fail_column(rows->column, "the array has too few buffers", error);
    }
    if (rows->count > 0 && array->buffers[1] == NULL) {
        return za_arrow_fail_column(rows->column, "the array has rows but no values", error);
    }
    return ZA_OK;
}

/* The bitmap of nulls, or NULL if there is no null. The first buffer of every layout but that of type null. */
static za_code find_nulls(za_arrow_rows *rows, za_error *error)
{
    const struct ArrowArray *array = rows->array;
    if (array->null_count == 0 || rows->count == 0) {
        return ZA_OK;
    }
    if (array->n_buffers > 0 && array->buffers != NULL) {
        rows->valid = array->buffers[0];
    }
    /* A count of -1 says that no one has counted. */
    if (array->null_count < -1 || array->null_count > array->length || (array->null_count > 0 && rows->valid == NULL)) {
        return za_arrow_fail_column(rows->column, "the count of nulls is wrong, or their bitmap is missing", error);
    }
    return ZA_OK;
}

za_code za_arrow_rows_select(za_arrow_rows *rows, const struct ArrowArray *array, bool nullable, za_error *error)
{
    if (array == NULL) {
        return za_arrow_fail_column(rows->column, "the array is missing", error);
    }
    if (array->length < 0 || array->offset < 0 || array->length > ZA_MOST_ROWS - array->offset) {
        return za_arrow_fail_column(rows->column, "the array's length or offset is negative or too large", error);
    }
    if (rows->first > array->length || rows->count > array->length - rows->first) {
        return za_arrow_fail_column(rows->column, "the array is shorter than the batch", error);
    }
    rows->array = array;
    rows->first += array->offset;
    rows->valid = NULL;
    return nullable ? find_nulls(rows, error) : ZA_OK;
}
