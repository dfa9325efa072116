"""The functions of formulas that read other bars: `of`, `every`, and cross-sections."""

import ast
from collections.abc import Callable, Collection
from typing import NamedTuple, Protocol

from ziggy_async.features.errors import FormulaError
from ziggy_async.features.graph import Graph
from ziggy_async.features.periods import no_period, period_of

OF, EVERY = "of", "every"
CROSS_SECTIONS = ("rank", "scale", "demean", "standardize", "winsorize")
MOST_SHARE = 0.5
"""The quantiles `p` and 1 - `p` of `winsorize` meet there."""


class Arguments(NamedTuple):
    """The arguments of a call: names, and those of them that may be left out."""

    names: tuple[str, ...]
    optional: tuple[str, ...] = ()


class Reader(Protocol):
    """Reads the rest of the formula: see `formula.Reader`."""

    graph: Graph
    tickers: dict[str, ast.AST]
    labels: dict[str, ast.AST]

    def value(self, node: ast.AST) -> int: ...
    def number(self, node: ast.AST) -> float | None: ...
    def text(self, node: ast.expr, fault: str) -> str: ...
    def arguments(self, name: str, taken: Arguments, node: ast.Call) -> dict[str, ast.expr]: ...
    def refuse(self, node: ast.expr, root: int, kinds: Collection[str], fault: str) -> None: ...
    def error(self, message: str, node: ast.AST) -> FormulaError: ...


def of(reader: Reader, name: str, node: ast.Call) -> int:
    """Returns the expression on the bars of another ticker."""
    given = reader.arguments(name, Arguments(("ticker", "x")), node)
    ticker = reader.text(given["ticker"], f'the ticker of {name} is a text, as in {name}("SPY", close)')
    reader.tickers.setdefault(ticker, given["ticker"])
    x = reader.value(given["x"])
    reader.refuse(given["x"], x, ("across",), f"a cross-section inside of {name}()")
    return reader.graph.add(OF, ticker, (x,))


def every(reader: Reader, name: str, node: ast.Call) -> int:
    """Returns the expression on the ticker's bars gathered into periods."""
    given = reader.arguments(name, Arguments(("period", "x", "forming"), ("forming",)), node)
    text = reader.text(given["period"], f'the period of {name} is a text, as in {name}("1h", close)')
    period = period_of(text)
    if period is None:
        raise reader.error(no_period(text), given["period"])
    x = reader.value(given["x"])
    reader.refuse(given["x"], x, ("across", OF, EVERY), f"what reads other bars, inside of {name}(),")
    forming = reader.number(given["forming"]) if "forming" in given else 0.0
    if forming not in (0.0, 1.0):
        raise reader.error(f"forming of {name} is 0 or 1", given["forming"])
    return reader.graph.add(EVERY, period.text, (x,), (forming + 0.0,))


def across(reader: Reader, name: str, node: ast.Call) -> int:
    """Returns the expression, compared with that of the other tickers at the same time."""
    names = ("x", "p", "by") if name == "winsorize" else ("x", "by")
    given = reader.arguments(name, Arguments(names, ("by",)), node)
    x = reader.value(given["x"])
    parameters = (_share(reader, given["p"]),) if "p" in given else ()
    label = ""
    if "by" in given:
        label = reader.text(given["by"], f'by is the name of labels, a text, as in {name}(x, by="sector")')
        reader.labels.setdefault(label, given["by"])
    return reader.graph.add("across", name, (x,), parameters, label)


def _share(reader: Reader, node: ast.expr) -> float:
    share = reader.number(node)
    if share is None:
        raise reader.error("p of winsorize is a number, not a formula", node)
    if not 0.0 <= share <= MOST_SHARE:
        raise reader.error(f"p of winsorize is not from 0 to {MOST_SHARE}", node)
    return share + 0.0  # -0 is 0


OTHER_BARS: dict[str, tuple[str, Callable[[Reader, str, ast.Call], int]]] = {
    OF: (OF, of),
    EVERY: (EVERY, every),
    **dict.fromkeys(CROSS_SECTIONS, ("across", across)),
}
"""Function -> the kind of its node, and what reads a call of it."""
