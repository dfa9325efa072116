#include "binding/live_states.h"

#include "base/memory.h"
#include "binding/convert.h"
#include "binding/live_object.h"
#include "live/record.h"

enum { HEAD_BYTES = 3 * sizeof(int64_t) };

static size_t state_bytes(const za_live *live)
{
    return (size_t)za_live_record_doubles(live) * sizeof(double);
}

static size_t record_bytes(const za_live *live)
{
    return HEAD_BYTES + state_bytes(live);
}

static int64_t rows_of(za_live *live)
{
    za_live_board *board = za_live_board_of(live);
    int64_t rows = board->rows;
    za_live_board_release(board);
    return rows;
}

/* 0, or -1 with a ValueError, if there are no such rows. */
static int check_rows(za_live *live, long long first, long long count)
{
    long long rows = rows_of(live);
    if (first < 0 || count < 0 || first > rows || count > rows - first) {
        PyErr_Format(PyExc_ValueError, "there are %lld rows, and not %lld from row %lld on", rows, count, first);
        return -1;
    }
    return 0;
}

/* Rows that have no states are zeros. Records need not be aligned as their numbers are. */
static bool take_records(za_live *live, int64_t first, int64_t count, char *to)
{
    za_live_record record = {.states = za_alloc(1, state_bytes(live))};
    memset(to, 0, (size_t)count * record_bytes(live));
    for (int64_t i = 0; record.states != NULL && i < count; i++, to += record_bytes(live)) {
        za_live_take(live, first + i, &record);
        if (record.bars > 0) {
            memcpy(to, &record.bars, sizeof record.bars);
            memcpy(to + sizeof record.bars, &record.time, sizeof record.time);
            memcpy(to + 2 * sizeof record.bars, &record.before, sizeof record.before);
            memcpy(to + HEAD_BYTES, record.states, state_bytes(live));
        }
    }
    bool done = record.states != NULL;
    za_free(record.states);
    return done;
}

PyObject *za_live_take_states_of(PyObject *self, PyObject *const *arguments, Py_ssize_t argument_count)
{
    za_live *live = ((za_live_object *)self)->live;
    if (argument_count == 0) {
        return PyLong_FromSize_t(record_bytes(live));
    }
    long long first = argument_count == 2 ? PyLong_AsLongLong(arguments[0]) : -1;
    long long count = first < 0 ? -1 : PyLong_AsLongLong(arguments[1]);
    if (PyErr_Occurred() || check_rows(live, first, count) < 0) {
        return NULL;
    }
    PyObject *records = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)(record_bytes(live) * (size_t)count));
    if (records == NULL) {
        return NULL;
    }
    bool done;
    Py_BEGIN_ALLOW_THREADS
    done = take_records(live, first, count, PyBytes_AS_STRING(records));
    Py_END_ALLOW_THREADS
    if (!done) {
        Py_CLEAR(records);
        PyErr_NoMemory();
    }
    return records;
}

static za_code put_records(za_live *live, int64_t first, int64_t count, const char *from, za_error *error)
{
    za_live_record record = {.states = za_alloc(1, state_bytes(live))};
    za_code code = record.states == NULL ? za_fail_memory(error) : ZA_OK;
    for (int64_t i = 0; code == ZA_OK && i < count; i++, from += record_bytes(live)) {
        memcpy(&record.bars, from, sizeof record.bars);
        memcpy(&record.time, from + sizeof record.bars, sizeof record.time);
        memcpy(&record.before, from + 2 * sizeof record.bars, sizeof record.before);
        memcpy(record.states, from + HEAD_BYTES, state_bytes(live));
        if (record.bars != 0) {
            code = za_live_put(live, first + i, &record, error);
        }
    }
    za_free(record.states);
    return code;
}

PyObject *za_live_put_states_of(PyObject *self, PyObject *const *arguments, Py_ssize_t argument_count)
{
    za_live *live = ((za_live_object *)self)->live;
    Py_buffer records;
    long long first = argument_count == 2 ? PyLong_AsLongLong(arguments[0]) : -1;
    if (PyErr_Occurred() || argument_count != 2 || PyObject_GetBuffer(arguments[1], &records, PyBUF_SIMPLE) < 0) {
        return PyErr_Occurred() ? NULL : PyErr_Format(PyExc_TypeError, "put() takes 2 arguments");
    }
    Py_ssize_t bytes = (Py_ssize_t)record_bytes(live);
    long long count = records.len / bytes;
    PyObject *result = NULL;
    if (records.len % bytes != 0) {
        PyErr_Format(PyExc_ValueError, "%zd bytes are not records of %zd bytes", records.len, bytes);
    } else if (check_rows(live, first, count) == 0) {
        za_error error;
        za_code code;
        Py_BEGIN_ALLOW_THREADS
        code = put_records(live, first, count, records.buf, &error);
        Py_END_ALLOW_THREADS
        result = code == ZA_OK ? Py_NewRef(Py_None) : za_raise(&error);
    }
    PyBuffer_Release(&records);
    return result;
}

PyObject *za_live_take_others_of(PyObject *self, PyObject *unused)
{
    (void)unused;
    za_live *live = ((za_live_object *)self)->live;
    size_t bytes;
    char *taken;
    Py_BEGIN_ALLOW_THREADS
    taken = za_live_take_others(live, &bytes);
    Py_END_ALLOW_THREADS
    PyObject *result = taken == NULL ? PyErr_NoMemory() : PyBytes_FromStringAndSize(taken, (Py_ssize_t)bytes);
    za_free(taken);
    return result;
}

PyObject *za_live_put_others_of(PyObject *self, PyObject *bytes)
{
    za_live *live = ((za_live_object *)self)->live;
    Py_buffer taken;
    if (PyObject_GetBuffer(bytes, &taken, PyBUF_SIMPLE) < 0) {
        return NULL;
    }
    za_error error;
    za_code code;
    Py_BEGIN_ALLOW_THREADS
    code = za_live_put_others(live, taken.buf, (size_t)taken.len, &error);
    Py_END_ALLOW_THREADS
    PyBuffer_Release(&taken);
    return code == ZA_OK ? Py_NewRef(Py_None) : za_raise(&error);
}
