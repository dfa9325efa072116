"""What the extension takes from the interpreter and what it gives: by its table of symbols."""

import subprocess
import sysconfig

from ziggy_async import _core

PRIVATE_OF_MACROS = {
    *("_Py_NoneStruct", "_Py_TrueStruct", "_Py_FalseStruct", "_Py_Dealloc"),
    *("_PyArg_ParseTuple_SizeT", "_PyArg_ParseTupleAndKeywords_SizeT", "_Py_BuildValue_SizeT"),
}
"""What `Py_None`, `Py_DECREF`, `PyArg_ParseTuple` and other macros of the public headers stand for."""


def symbols(kind: str) -> set[str]:
    """The names of the extension's dynamic symbols, `defined` or `undefined`."""
    command = ["nm", "--dynamic", f"--{kind}-only", "--format=posix", _core.__file__]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return {line.split()[0].partition("@")[0] for line in done.stdout.splitlines()}


def test_the_extension_exports_its_init_function_alone() -> None:
    assert symbols("defined") == {"PyInit__core"}


def test_the_extension_calls_public_functions_of_python_alone() -> None:
    names = symbols("undefined")
    assert "PyErr_SetString" in names
    assert {name for name in names if name.startswith("_Py")} <= PRIVATE_OF_MACROS


def test_the_extension_is_for_this_interpreter_alone() -> None:
    assert _core.__file__.endswith(sysconfig.get_config_var("EXT_SUFFIX"))
