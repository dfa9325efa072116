"""Prints a plan of each formula of the catalog, for `tests/native/catalog_bits.c`.

A plan is a line `plan FORMULA`, a line for each node, `kind name inputs... : parameters...`, in order of evaluation,
and a line `end NODE` with the number of the node whose values are wanted. Column 0 is the open, 4 the volume. Formulas
of powers, which are the C library's, are left out: they differ between C libraries.
"""

from ziggy_async.features.formula import read_formula
from ziggy_async.features.lowering import plan_nodes
from ziggy_async.features.verification import catalog_formulas

COLUMNS = ("open", "high", "low", "close", "volume")
C_LIBRARY = {"power", "signed_power"}
OF_EACH_BAR = (
    *("cumsum(close - open)", "bars_since(close > open)", "value_when(close > open, high)", "close % 7"),
    *("highest_since(close < open, high)", "lowest_since(close > open, low)", "total_since(close > open, volume)"),
    *("clip(close, lag(low, 3), lag(high, 2))", "fill(lag(sqrt(close), 4), 0)", "floor(close) + ceil(open)"),
    *("(close if not (close > open or low == open) else abs(low - high))", "crossed_above(close, sma(close, 3))"),
    *("skip(sign(-close), 3)", "kama(value_when(close > open, close), 3)"),
    *("log(close)", "log10(close - open)", "exp(close - 200)", "tanh(returns(close))", "cosh(close / 9)"),
    *("sinh(close)", "sin(close)", "cos(1e9 * close)", "tan(volume)", "asin(open / high)", "acos(low - open)"),
    "atan(close - open)",
)
"""Formulas of the language's operations, beside those of the catalog's rows."""


def text_of(formula: str) -> str:
    """The lines of a plan; nothing if the C library decides its values."""
    made = plan_nodes([read_formula(formula)])
    if any(node.kind == "operation" and node.name in C_LIBRARY for node in made.nodes):
        return ""
    lines = [f"plan {formula}"]
    for kind, name, inputs, parameters, _ in made.nodes:
        values = [float(COLUMNS.index(made.columns[int(parameters[0])]))] if kind == "column" else parameters
        lines.append(" ".join([kind, name or "-", *map(str, inputs), ":", *(float(value).hex() for value in values)]))
    return "\n".join([*lines, f"end {made.outputs[0]}", ""])


if __name__ == "__main__":
    print("".join(text_of(formula) for formula in (*catalog_formulas(), *OF_EACH_BAR)), end="")
