#include "binding/store_append.h"

#include "binding/arguments.h"
#include "binding/convert.h"
#include "binding/numpy.h"
#include "binding/universe_type.h"

#include "base/memory.h"
#include "store/store.h"

static const za_store_object *object_of(PyObject *self)
{
    return (za_store_object *)self;
}

/* A number; -1 with an exception that names symbol, column and value. */
static int figure_of(PyObject *symbol, const char *name, PyObject *object, double *value)
{
    if (za_number_of(object, value) == 0) {
        return 0;
    }
    if (PyErr_ExceptionMatches(PyExc_TypeError)) {
        PyErr_Format(PyExc_TypeError, "%.200U: %s must be a number, not %.200R", symbol, name, object);
    } else if (PyErr_ExceptionMatches(PyExc_OverflowError)) {
        PyErr_Format(PyExc_ValueError, "%.200U: %s is too large for a double", symbol, name);
    }
    return -1;
}

/* The five figures behind the timestamp. */
static int figures_of(PyObject *symbol, PyObject *const *objects, za_bar *bar)
{
    for (int i = 0; i < ZA_FIGURE_COUNT; i++) {
        if (figure_of(symbol, za_figure_name((za_figure)i), objects[i], &bar->figure[i]) < 0) {
            return -1;
        }
    }
    return 0;
}

/* The bar's time; what is wrong with it is said with the symbol in front. */
static int bar_time_of(za_state *state, PyObject *symbol, PyObject *object, PyObject *unit, za_bar *bar)
{
    if (za_time_of(state, object, unit, &bar->time, &bar->naive) == 0) {
        return 0;
    }
    PyObject *kind = PyErr_ExceptionMatches(PyExc_TypeError) ? PyExc_TypeError
                     : PyErr_ExceptionMatches(PyExc_ValueError) || PyErr_ExceptionMatches(PyExc_OverflowError)
                         ? PyExc_ValueError
                         : NULL;
    if (kind != NULL) {
        PyObject *exception = za_take_exception();
        PyErr_Format(kind, "%.200U: %S", symbol, exception);
        Py_DECREF(exception);
    }
    return -1;
}

/* The store's further columns, borrowed, out of the keywords of a call: objects[i] is NULL where one is not given.
 * Returns the other keywords as a new dict. */
static PyObject *without_further(PyObject *columns, PyObject *keywords, PyObject **objects)
{
    PyObject *others = PyDict_Copy(keywords);
    for (Py_ssize_t i = 0; others != NULL && i < PyTuple_GET_SIZE(columns); i++) {
        PyObject *name = PyTuple_GET_ITEM(columns, i);
        objects[i] = PyDict_GetItemWithError(keywords, name);
        if (objects[i] == NULL ? PyErr_Occurred() != NULL : PyDict_DelItem(others, name) < 0) {
            Py_CLEAR(others);
        }
    }
    return others;
}

/* The numbers of those objects; NaN for what is not given. */
static int further_of(PyObject *columns, PyObject *symbol, PyObject *const *objects, double *values)
{
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(columns); i++) {
        const char *name = PyUnicode_AsUTF8(PyTuple_GET_ITEM(columns, i));
        values[i] = NAN;
        if (name == NULL || (objects[i] != NULL && figure_of(symbol, name, objects[i], &values[i]) < 0)) {
            return -1;
        }
    }
    return 0;
}

/* objects, values: of the further columns. */
static PyObject *append(PyObject *self, PyObject *arguments, PyObject *keywords, PyObject *const *objects,
                        double *values)
{
    static char *names[] = {"symbol", "timestamp", "open", "high", "low", "close", "volume", "unit", NULL};
    PyObject *symbol_object, *time_object, *figures[ZA_FIGURE_COUNT], *unit = Py_None;
    if (za_check_keywords("append", names, keywords) < 0 ||
        !PyArg_ParseTupleAndKeywords(arguments, keywords, "OOOOOOO|$O:append", names, &symbol_object, &time_object,
                                     &figures[0], &figures[1], &figures[2], &figures[3], &figures[4], &unit)) {
        return NULL;
    }
    za_symbol symbol;
    za_bar bar = {.further = values};
    za_error error;
    if (za_symbol_of(symbol_object, &symbol) < 0 || figures_of(symbol_object, figures, &bar) < 0 ||
        (values != NULL && further_of(object_of(self)->columns, symbol_object, objects, values) < 0) ||
        bar_time_of(za_state_of_type(Py_TYPE(self)), symbol_object, time_object, unit, &bar) < 0) {
        return NULL;
    }
    if (za_store_append(object_of(self)->store, symbol, &bar, &error) != ZA_OK) {
        return za_raise(&error);
    }
    Py_RETURN_NONE;
}

PyObject *za_store_append_method(PyObject *self, PyObject *arguments, PyObject *keywords)
{
    PyObject *columns = object_of(self)->columns;
    size_t count = (size_t)PyTuple_GET_SIZE(columns);
    if (count == 0 || keywords == NULL) {
        return append(self, arguments, keywords, NULL, NULL);
    }
    PyObject *others = NULL, *result = NULL;
    PyObject **objects = za_alloc(count, sizeof *objects);
    double *values = za_alloc(count, sizeof *values);
    if (objects == NULL || values == NULL) {
        PyErr_NoMemory();
    } else if ((others = without_further(columns, keywords, objects)) != NULL) {
        result = append(self, arguments, others, objects, values);
    }
    za_free(objects);
    za_free(values);
    Py_XDECREF(others);
    return result;
}

/* Returns whether it is one of numpy.ma, which as a plain array has values where none are meant. */
static bool is_masked(PyObject *object)
{
    return !PyArray_CheckExact(object) && PyArray_Check(object) && PyObject_HasAttrString(object, "filled");
}

/* Names what the array holds instead of numbers, though NumPy makes numbers of it; NULL if it holds numbers. */
static const char *others_than_numbers(PyArrayObject *array)
{
    return PyArray_ISBOOL(array) ? "booleans" : PyArray_ISSTRING(array) ? "texts" : NULL;
}

/* The figures of a cross-section, `width` to a symbol. */
static PyArrayObject *doubles_of(PyObject *object, Py_ssize_t width)
{
    PyArrayObject *doubles = NULL, *array = (PyArrayObject *)PyArray_FROM_O(object);
    const char *others = array == NULL ? NULL : others_than_numbers(array);
    if (others != NULL) {
        PyErr_Format(PyExc_TypeError, "ohlcv holds %s and no numbers", others);
    } else if (array != NULL) {
        doubles = (PyArrayObject *)PyArray_FROM_OTF((PyObject *)array, NPY_DOUBLE, NPY_ARRAY_IN_ARRAY);
    }
    if (doubles == NULL && others == NULL &&
        (PyErr_ExceptionMatches(PyExc_TypeError) || PyErr_ExceptionMatches(PyExc_ValueError))) {
        PyErr_Format(PyExc_TypeError, "ohlcv must be float64, of shape (n_symbols, %zd)", width);
    }
    Py_XDECREF(array);
    return doubles;
}

/* The matrix of a cross-section, of `count` rows. It may be the caller's own, which another thread goes on writing. */
static PyArrayObject *matrix_of(PyObject *self, PyObject *object, Py_ssize_t count)
{
    Py_ssize_t width = ZA_FIGURE_COUNT + PyTuple_GET_SIZE(object_of(self)->columns);
    if (is_masked(object)) {
        PyErr_SetString(PyExc_TypeError, "ohlcv is a masked array: say what its masked values are, as by "
                                         "ohlcv.filled(numpy.nan)");
        return NULL;
    }
    PyArrayObject *matrix = doubles_of(object, width);
    if (matrix == NULL) {
        return NULL;
    }
    if (PyArray_NDIM(matrix) != 2 || PyArray_DIM(matrix, 0) != count || PyArray_DIM(matrix, 1) != width) {
        PyErr_Format(PyExc_ValueError, "ohlcv must have the shape (%zd, %zd): a row for each symbol%s", count, width,
                     width > ZA_FIGURE_COUNT ? ", with the further columns of the store behind the volume" : "");
        Py_CLEAR(matrix);
    }
    return matrix;
}

/* The rows of the matrix as bars of one time, from za_alloc, whose further columns are borrowed from it; NULL with an
 * exception raised. */
static za_bar *bars_of(PyArrayObject *matrix, int64_t time, bool naive)
{
    size_t count = (size_t)PyArray_DIM(matrix, 0), width = (size_t)PyArray_DIM(matrix, 1);
    za_bar *bars = za_alloc(count, sizeof *bars);
    if (bars == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    const double *row = PyArray_DATA(matrix);
    for (size_t i = 0; i < count; i++, row += width) {
        bars[i] = (za_bar){.time = time, .naive = naive, .further = row + ZA_FIGURE_COUNT};
        memcpy(bars[i].figure, row, sizeof bars[i].figure);
    }
    return bars;
}

/* One bar of a time for each symbol of a list. */
static PyObject *append_list(PyObject *self, PyObject *symbols_object, PyObject *matrix_object, za_matrix *of)
{
    PyObject *tuple = NULL, *result = NULL;
    PyArrayObject *matrix = NULL;
    za_symbol *symbols = NULL;
    za_bar *bars = NULL;
    if ((tuple = za_symbol_tuple(symbols_object)) == NULL || (symbols = za_symbols_of(tuple)) == NULL ||
        (matrix = matrix_of(self, matrix_object, PyTuple_GET_SIZE(tuple))) == NULL ||
        (bars = bars_of(matrix, of->time, of->naive)) == NULL) {
        goto done;
    }
    za_error error;
    za_code code;
    Py_BEGIN_ALLOW_THREADS
    code = za_store_append_all(object_of(self)->store, symbols, bars, (size_t)PyTuple_GET_SIZE(tuple), &error);
    Py_END_ALLOW_THREADS
    result = code == ZA_OK ? Py_NewRef(Py_None) : za_raise(&error);
done:
    za_free(bars);
    za_free(symbols);
    Py_XDECREF((PyObject *)matrix);
    Py_XDECREF(tuple);
    return result;
}

static PyObject *append_universe(PyObject *self, za_universe_object *universe, PyObject *matrix_object, za_matrix *of)
{
    if (universe->store != object_of(self)) {
        PyErr_SetString(PyExc_ValueError, "the universe is of another store");
        return NULL;
    }
    PyArrayObject *matrix = matrix_of(self, matrix_object, (Py_ssize_t)za_universe_count(universe->universe));
    if (matrix == NULL) {
        return NULL;
    }
    of->values = PyArray_DATA(matrix);
    za_error error;
    za_code code;
    Py_BEGIN_ALLOW_THREADS
    code = za_universe_append(object_of(self)->store, universe->universe, of, &error);
    Py_END_ALLOW_THREADS
    Py_DECREF((PyObject *)matrix);
    if (code != ZA_OK) {
        return za_raise(&error);
    }
    Py_RETURN_NONE;
}

PyObject *za_store_append_cross_section_method(PyObject *self, PyObject *arguments, PyObject *keywords)
{
    static char *names[] = {"timestamp", "symbols", "ohlcv", "unit", NULL};
    PyObject *time_object, *symbols, *ohlcv, *unit = Py_None;
    za_state *state = za_state_of_type(Py_TYPE(self));
    za_matrix matrix;
    if (za_check_keywords("append_cross_section", names, keywords) < 0 ||
        !PyArg_ParseTupleAndKeywords(arguments, keywords, "OOO|$O:append_cross_section", names, &time_object, &symbols,
                                     &ohlcv, &unit) ||
        za_time_of(state, time_object, unit, &matrix.time, &matrix.naive) < 0) {
        return NULL;
    }
    return Py_IS_TYPE(symbols, (PyTypeObject *)state->universe_type)
               ? append_universe(self, (za_universe_object *)symbols, ohlcv, &matrix)
               : append_list(self, symbols, ohlcv, &matrix);
}
