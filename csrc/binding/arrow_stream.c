/* Columns that Python holds, as an Arrow stream of one record batch that shares their memory. */

#include "binding/arrow_stream.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "base/memory.h"
#include "store/arrow.h"

enum { MOST_BUFFERS = 3, NULLABLE = 2 /* ARROW_FLAG_NULLABLE */ };

typedef struct stream_column {
    const char *name, *format; /* of the Python objects that frame.owner holds */
    int64_t rows, nulls, buffer_count;
    Py_buffer views[MOST_BUFFERS];
    const void *buffers[MOST_BUFFERS]; /* NULL: no bitmap, nothing is null */
    struct stream_column *dictionary;
    struct stream_column *children;
    int64_t child_count;
} stream_column;

/* Shared by a stream, its schemas and its arrays. Each of them holds a reference, children too: consumers may move a
 * child elsewhere and release it last. */
typedef struct stream_frame {
    atomic_long references;
    struct stream_frame *next; /* of those that nobody refers to */
    PyObject *owner;           /* the columns as Python gave them */
    stream_column table;
} stream_frame;

static void columns_free(stream_column *columns, int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        for (int64_t k = 0; k < columns[i].buffer_count; k++) {
            PyBuffer_Release(&columns[i].views[k]);
        }
        columns_free(columns[i].dictionary, columns[i].dictionary == NULL ? 0 : 1);
        columns_free(columns[i].children, columns[i].child_count);
    }
    za_free(columns);
}

static void frame_free(stream_frame *frame)
{
    columns_free(frame->table.children, frame->table.child_count);
    Py_XDECREF(frame->owner);
    za_free(frame);
}

/* Frames that were released by threads without the GIL, of which the objects must wait for one that has it. */
static _Atomic(stream_frame *) abandoned;

/* With the GIL: lets go of all of them. */
static int free_abandoned(void *unused)
{
    (void)unused;
    for (stream_frame *next, *frame = atomic_exchange(&abandoned, NULL); frame != NULL; frame = next) {
        next = frame->next;
        frame_free(frame);
    }
    return 0;
}

/* Asks the main thread to let go of it; where its list of such calls is full, the next stream does. */
static void abandon(stream_frame *frame)
{
    frame->next = atomic_load(&abandoned);
    while (!atomic_compare_exchange_weak(&abandoned, &frame->next, frame)) {
    }
    (void)Py_AddPendingCall(free_abandoned, NULL);
}

/* Any thread. A frame that outlives the interpreter is left to the end of the process. */
static void frame_release(stream_frame *frame)
{
    if (atomic_fetch_sub(&frame->references, 1) != 1 || !Py_IsInitialized()) {
        return;
    }
    if (PyGILState_Check()) {
        frame_free(frame);
    } else {
        abandon(frame);
    }
}

static void schema_release(struct ArrowSchema *schema)
{
    for (int64_t i = 0; i < schema->n_children && schema->children[i] != NULL; i++) {
        if (schema->children[i]->release != NULL) {
            schema->children[i]->release(schema->children[i]);
        }
        za_free(schema->children[i]);
    }
    za_free(schema->children);
    if (schema->dictionary != NULL && schema->dictionary->release != NULL) {
        schema->dictionary->release(schema->dictionary);
    }
    za_free(schema->dictionary);
    schema->release = NULL;
    frame_release(schema->private_data);
}

static void array_release(struct ArrowArray *array)
{
    for (int64_t i = 0; i < array->n_children && array->children[i] != NULL; i++) {
        if (array->children[i]->release != NULL) {
            array->children[i]->release(array->children[i]);
        }
        za_free(array->children[i]);
    }
    za_free(array->children);
    if (array->dictionary != NULL && array->dictionary->release != NULL) {
        array->dictionary->release(array->dictionary);
    }
    za_free(array->dictionary);
    array->release = NULL;
    frame_release(array->private_data);
}

/* 0, or ENOMEM; `schema` is to be released either way. */
static int schema_fill(struct ArrowSchema *schema, stream_frame *frame, const stream_column *column)
{
    *schema = (struct ArrowSchema){.format = column->format,
                                   .name = column->name,
                                   .flags = NULLABLE,
                                   .release = schema_release,
                                   .private_data = frame};
    atomic_fetch_add(&frame->references, 1);
    if (column->dictionary != NULL) {
        schema->dictionary = za_alloc_zeroed(1, sizeof *schema->dictionary);
        if (schema->dictionary == NULL || schema_fill(schema->dictionary, frame, column->dictionary) != 0) {
            return ENOMEM;
        }
    }
    schema->children = za_alloc_zeroed((size_t)column->child_count, sizeof *schema->children);
    if (schema->children == NULL) {
        return ENOMEM;
    }
    schema->n_children = column->child_count;
    for (int64_t i = 0; i < column->child_count; i++) {
        schema->children[i] = za_alloc_zeroed(1, sizeof **schema->children);
        if (schema->children[i] == NULL || schema_fill(schema->children[i], frame, &column->children[i]) != 0) {
            return ENOMEM;
        }
    }
    return 0;
}

/* 0, or ENOMEM; `array` is to be released either way. */
static int array_fill(struct ArrowArray *array, stream_frame *frame, stream_column *column)
{
    *array = (struct ArrowArray){.length = column->rows,
                                 .null_count = column->nulls,
                                 .n_buffers = column->buffer_count,
                                 .buffers = column->buffers,
                                 .release = array_release,
                                 .private_data = frame};
    atomic_fetch_add(&frame->references, 1);
    if (column->dictionary != NULL) {
        array->dictionary = za_alloc_zeroed(1, sizeof *array->dictionary);
        if (array->dictionary == NULL || array_fill(array->dictionary, frame, column->dictionary) != 0) {
            return ENOMEM;
        }
    }
    array->children = za_alloc_zeroed((size_t)column->child_count, sizeof *array->children);
    if (array->children == NULL) {
        return ENOMEM;
    }
    array->n_children = column->child_count;
    for (int64_t i = 0; i < column->child_count; i++) {
        array->children[i] = za_alloc_zeroed(1, sizeof **array->children);
        if (array->children[i] == NULL || array_fill(array->children[i], frame, &column->children[i]) != 0) {
            return ENOMEM;
        }
    }
    return 0;
}

typedef struct stream_reading {
    stream_frame *frame;
    bool is_over;
} stream_reading;

static int stream_schema(struct ArrowArrayStream *stream, struct ArrowSchema *schema)
{
    stream_reading *reading = stream->private_data;
    int failed = schema_fill(schema, reading->frame, &reading->frame->table);
    if (failed != 0) {
        schema_release(schema);
    }
    return failed;
}

static int stream_next(struct ArrowArrayStream *stream, struct ArrowArray *array)
{
    stream_reading *reading = stream->private_data;
    if (reading->is_over) {
        *array = (struct ArrowArray){.release = NULL};
        return 0;
    }
    int failed = array_fill(array, reading->frame, &reading->frame->table);
    if (failed != 0) {
        array_release(array);
    }
    reading->is_over = failed == 0;
    return failed;
}

static const char *stream_error(struct ArrowArrayStream *stream)
{
    (void)stream;
    return "out of memory";
}

static void stream_release(struct ArrowArrayStream *stream)
{
    stream_reading *reading = stream->private_data;
    frame_release(reading->frame);
    za_free(reading);
    stream->release = NULL;
}

static void capsule_free(PyObject *capsule)
{
    struct ArrowArrayStream *stream = PyCapsule_GetPointer(capsule, "arrow_array_stream");
    if (stream->release != NULL) {
        stream->release(stream);
    }
    za_free(stream);
}

static stream_column *columns_of(PyObject *tuple, int64_t *count);

/* (name, format, rows, nulls, buffers, dictionary): a buffer or None each, and None or (column,). */
static int column_read(stream_column *column, PyObject *tuple)
{
    PyObject *buffers, *dictionary;
    long long rows, nulls;
    int64_t count = 0;
    if (!PyArg_ParseTuple(tuple, "ssLLO!O!", &column->name, &column->format, &rows, &nulls, &PyTuple_Type, &buffers,
                          &PyTuple_Type, &dictionary)) {
        return -1;
    }
    column->rows = rows;
    column->nulls = nulls;
    if (PyTuple_GET_SIZE(buffers) > MOST_BUFFERS) {
        PyErr_Format(PyExc_ValueError, "a column has at most %d buffers", MOST_BUFFERS);
        return -1;
    }
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(buffers); i++, column->buffer_count++) {
        PyObject *buffer = PyTuple_GET_ITEM(buffers, i);
        if (buffer != Py_None && PyObject_GetBuffer(buffer, &column->views[i], PyBUF_SIMPLE) < 0) {
            return -1;
        }
        column->buffers[i] = column->views[i].buf;
    }
    if (PyTuple_GET_SIZE(dictionary) == 1) {
        column->dictionary = columns_of(dictionary, &count);
        return column->dictionary == NULL ? -1 : 0;
    }
    return 0;
}

/* NULL with an exception raised. */
static stream_column *columns_of(PyObject *tuple, int64_t *count)
{
    int64_t wanted = PyTuple_GET_SIZE(tuple);
    stream_column *columns = za_alloc_zeroed((size_t)wanted, sizeof *columns);
    if (columns == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    for (*count = 0; *count < wanted; ++*count) {
        if (column_read(&columns[*count], PyTuple_GET_ITEM(tuple, (Py_ssize_t)*count)) < 0) {
            columns_free(columns, *count + 1);
            return NULL;
        }
    }
    return columns;
}

/* NULL with an exception raised. */
static stream_frame *frame_of(PyObject *columns, long long rows)
{
    stream_frame *frame = za_alloc_zeroed(1, sizeof *frame);
    if (frame == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    frame->table = (stream_column){.name = "", .format = "+s", .rows = rows, .buffer_count = 1};
    frame->table.children = columns_of(columns, &frame->table.child_count);
    if (frame->table.children == NULL) {
        za_free(frame);
        return NULL;
    }
    atomic_init(&frame->references, 1);
    frame->owner = Py_NewRef(columns);
    return frame;
}

PyObject *za_arrow_stream(PyObject *module, PyObject *arguments)
{
    (void)module;
    PyObject *columns, *capsule = NULL;
    long long rows;
    struct ArrowArrayStream *stream = NULL;
    stream_reading *reading = NULL;
    stream_frame *frame = NULL;
    if (!PyArg_ParseTuple(arguments, "O!L", &PyTuple_Type, &columns, &rows)) {
        return NULL;
    }
    (void)free_abandoned(NULL);
    stream = za_alloc_zeroed(1, sizeof *stream);
    reading = za_alloc_zeroed(1, sizeof *reading);
    if (stream == NULL || reading == NULL) {
        PyErr_NoMemory();
        goto done;
    }
    frame = frame_of(columns, rows);
    capsule = frame == NULL ? NULL : PyCapsule_New(stream, "arrow_array_stream", capsule_free);
    if (capsule == NULL) {
        goto done;
    }
    reading->frame = frame;
    *stream = (struct ArrowArrayStream){stream_schema, stream_next, stream_error, stream_release, reading};
    return capsule;

done:
    if (frame != NULL) {
        frame_release(frame);
    }
    za_free(reading);
    za_free(stream);
    return NULL;
}
