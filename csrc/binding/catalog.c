/* The rows of the catalog as Python sees them. */
#include "binding/catalog.h"

#include "kernels/catalog.h"

static PyObject *make_input(const za_indicator_info *info, int i)
{
    return PyUnicode_FromString(za_field_name(info->inputs[i]));
}

static PyObject *make_parameter(const za_indicator_info *info, int i)
{
    const za_param_info *param = &info->params[i];
    return Py_BuildValue("{sssssOsdsdsd}", "name", param->name, "talib", param->talib, "whole",
                         param->whole ? Py_True : Py_False, "default", param->initial, "least", param->least, "most",
                         param->most);
}

static PyObject *make_output(const za_indicator_info *info, int i)
{
    return Py_BuildValue("{ssss}", "name", info->outputs[i].name, "talib", info->outputs[i].talib);
}

static PyObject *make_formula(const za_indicator_info *info, int i)
{
    return PyUnicode_FromString(info->outputs[i].formula);
}

/* A list of `count` items made by `make`; takes care of failures. */
static PyObject *list_of(int count, PyObject *(*make)(const za_indicator_info *, int), const za_indicator_info *info)
{
    PyObject *list = PyList_New(count);
    for (int i = 0; list != NULL && i < count; i++) {
        PyObject *item = make(info, i);
        if (item == NULL) {
            Py_CLEAR(list);
        } else {
            PyList_SET_ITEM(list, i, item);
        }
    }
    return list;
}

static PyObject *catalog_row(const za_indicator_info *info, const char *memory)
{
    bool is_kernel = info->outputs[0].formula == NULL;
    PyObject *inputs = list_of(info->input_count, make_input, info);
    PyObject *parameters = list_of(info->param_count, make_parameter, info);
    PyObject *outputs = list_of(info->output_count, make_output, info);
    PyObject *formulas = is_kernel ? Py_NewRef(Py_None) : list_of(info->output_count, make_formula, info);
    PyObject *row = NULL;
    if (inputs != NULL && parameters != NULL && outputs != NULL && formulas != NULL) {
        row = Py_BuildValue("{sssssssssssOsOsOsO}", "name", info->name, "talib", info->talib, "group", info->group,
                            "summary", info->summary, "memory", memory, "inputs", inputs, "parameters", parameters,
                            "outputs", outputs, "formulas", formulas);
    }
    Py_XDECREF(inputs);
    Py_XDECREF(parameters);
    Py_XDECREF(outputs);
    Py_XDECREF(formulas);
    return row;
}

static const char *memory_name(za_indicator indicator)
{
    static const char *const names[] = {[ZA_REACH] = "reach", [ZA_FADING] = "fading", [ZA_FOREVER] = "forever"};
    za_params params = za_params_default(indicator);
    return names[za_memory_of(indicator, &params).kind];
}

PyObject *za_catalog(PyObject *module, PyObject *unused)
{
    (void)module;
    (void)unused;
    PyObject *rows = PyList_New(ZA_INDICATOR_COUNT + ZA_FORMULA_COUNT);
    for (int i = 0; rows != NULL && i < ZA_INDICATOR_COUNT + ZA_FORMULA_COUNT; i++) {
        bool is_kernel = i < ZA_INDICATOR_COUNT;
        PyObject *row = is_kernel ? catalog_row(za_indicator_info_of((za_indicator)i), memory_name((za_indicator)i))
                                  : catalog_row(za_formula_info_of(i - ZA_INDICATOR_COUNT), "formula");
        if (row == NULL) {
            Py_CLEAR(rows);
        } else {
            PyList_SET_ITEM(rows, i, row);
        }
    }
    return rows;
}
