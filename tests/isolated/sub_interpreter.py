"""Loads the extension in a sub-interpreter, by its path alone."""

import importlib.util
import sys

import ziggy_async._core  # noqa: F401

if sys.version_info >= (3, 13):
    import _interpreters as interpreters
else:
    import _xxsubinterpreters as interpreters

path = importlib.util.find_spec("ziggy_async._core").origin
within = interpreters.create()
interpreters.run_string(
    within,
    f"""
import importlib.util
spec = importlib.util.spec_from_file_location("ziggy_async._core", {path!r})
try:
    spec.loader.exec_module(importlib.util.module_from_spec(spec))
    print("loaded", flush=True)
except ImportError as error:
    print("refused", flush=True)
""",
)
interpreters.destroy(within)
