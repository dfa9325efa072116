"""The functions of formulas that read other tickers: `of`, and cross-sections."""

import ast
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from ziggy_async.features.formula import Reader

OF = "of"
CROSS_SECTIONS = ("rank", "scale", "demean", "standardize", "winsorize")
MOST_SHARE = 0.5
"""The quantiles `p` and 1 - `p` of `winsorize` meet there."""


class Arguments(NamedTuple):
    """What a call takes: names, and those of them that may be left out."""

    names: tuple[str, ...]
    optional: tuple[str, ...] = ()


def of(reader: "Reader", name: str, node: ast.Call) -> int:
    """The expression on the bars of another ticker."""
    given = reader.arguments(name, Arguments(("ticker", "x")), node)
    ticker = reader.text(given["ticker"], f'the ticker of {name} is a text, as in {name}("SPY", close)')
    reader.tickers.setdefault(ticker, given["ticker"])
    x = reader.value(given["x"])
    reader.refuse(given["x"], x, ("across",), f"a cross-section inside of {name}()")
    return reader.graph.add(OF, ticker, (x,))


def across(reader: "Reader", name: str, node: ast.Call) -> int:
    """The expression, compared with that of the other tickers at the same time."""
    names = ("x", "p", "by") if name == "winsorize" else ("x", "by")
    given = reader.arguments(name, Arguments(names, ("by",)), node)
    x = reader.value(given["x"])
    parameters = (_share(reader, given["p"]),) if "p" in given else ()
    label = ""
    if "by" in given:
        label = reader.text(given["by"], f'by is the name of labels, a text, as in {name}(x, by="sector")')
        reader.labels.setdefault(label, given["by"])
    return reader.graph.add("across", name, (x,), parameters, label)


def _share(reader: "Reader", node: ast.expr) -> float:
    share = reader.number(node)
    if share is None:
        raise reader.error("p of winsorize is a number, not a formula", node)
    if not 0.0 <= share <= MOST_SHARE:
        raise reader.error(f"p of winsorize is not from 0 to {MOST_SHARE}", node)
    return share + 0.0  # -0 is 0


OTHER_BARS: dict[str, tuple[str, Callable[["Reader", str, ast.Call], int]]] = {
    OF: (OF, of),
    **dict.fromkeys(CROSS_SECTIONS, ("across", across)),
}
"""Function -> the kind of its node, and what reads a call of it."""
