"""What `ziggy_async/talib.pyi` says; `python tests/reference/talib_stub.py` writes it anew."""

import inspect
from pathlib import Path

from ziggy_async.features.arrays import ArrayFunction, functions

PATH = Path(__file__).parents[2] / "ziggy_async" / "talib.pyi"
WIDTH = 120
HEAD = '''from typing import TypeVar

from ziggy_async.features.arrays import MovingAverageTypes

_Values = TypeVar("_Values")
"""An array of float64, `(bars,)` or `(symbols, bars)`, or a Series; what comes back is of the same kind."""

MA_Type: MovingAverageTypes

def get_functions() -> list[str]: ...
def get_function_groups() -> dict[str, list[str]]: ...
'''


def stub() -> str:
    return HEAD + "".join(map(declaration, functions().values()))


def declaration(function: ArrayFunction) -> str:
    arguments = [argument(each) for each in function.signature.parameters.values()]
    count = len(function.outputs)
    result = "_Values" if count == 1 else f"tuple[{', '.join(['_Values'] * count)}]"
    line = f"def {function.name}({', '.join(arguments)}) -> {result}: ...\n"
    if len(line) <= WIDTH + 1:
        return line
    return f"def {function.name}(\n" + "".join(f"    {each},\n" for each in arguments) + f") -> {result}: ...\n"


def argument(parameter: inspect.Parameter) -> str:
    if parameter.default is inspect.Parameter.empty:
        return f"{parameter.name}: _Values"
    return f"{parameter.name}: {type(parameter.default).__name__} = {parameter.default!r}"


if __name__ == "__main__":
    PATH.write_text(stub(), encoding="utf-8")
