"""The number of bars that a ticker has to have before formulas have a value, also where they gather bars into
periods."""

import dataclasses

import numpy as np

from ziggy_async.features.formula import Formula
from ziggy_async.features.functions import MOST_BARS
from ziggy_async.features.graph import Graph
from ziggy_async.features.lowering import plan_of_formulas
from ziggy_async.features.periods import Period, period_of
from ziggy_async.store import BarStore

MINUTE = 60 * 10**9
SAMPLED = 100
"""Bars of which the distance is measured."""


def bars_needed(formula: Formula, distance: int | None) -> int | None:
    """Bars up to the first value, where they are `distance` nanoseconds apart around the clock.

    None where it takes the distance to know. Other tickers are taken to have a bar with each of the ticker's own.
    """
    graph = Graph()
    root = _with_skips(formula, formula.root, graph, distance)
    return None if root is None else _lookback(dataclasses.replace(formula, graph=graph, root=root)) + 1


def _lookback(formula: Formula) -> int:
    return plan_of_formulas([formula]).lookbacks[0]


def _with_skips(formula: Formula, root: int, graph: Graph, distance: int | None) -> int | None:
    """Adds `root` to `graph`, with what skips as many bars in place of what gathers them. The node of it."""
    places: dict[int, int] = {}
    for at in formula.graph.needed((root,), ("every",)):
        node = formula.graph.nodes[at]
        if node.kind == "every":
            period = period_of(node.name)
            if distance is None or period is None:
                return None
            periods = _lookback(dataclasses.replace(formula, root=node.inputs[0])) + 1
            places[at] = _skip(graph, periods * _bars_of(period, distance) - 1)
        elif node.kind == "of":
            places[at] = places[node.inputs[0]]
        else:
            inputs = tuple(places[each] for each in node.inputs)
            places[at] = graph.add_node(node._replace(inputs=inputs))
    return places[root]


def _skip(graph: Graph, bars: int) -> int:
    node = graph.constant(0.0)
    while bars > 0:
        node = graph.skip(node, min(bars, MOST_BARS))
        bars -= MOST_BARS
    return node


def _bars_of(period: Period, distance: int) -> int:
    return max(1, -(-period.most_minutes * MINUTE // distance))


def distance_of(store: BarStore) -> int | None:
    """Returns the nanoseconds between two bars of the first ticker that has several; None: no ticker has."""
    for symbol in store.symbols():
        times = store.bars(symbol)["timestamp"][-SAMPLED:].view(np.int64)
        if len(times) > 1:
            return int(np.median(np.diff(times)))
    return None


def warning_of(bars: int | None, store: BarStore) -> str | None:
    """Returns the warning for a store that keeps fewer bars than are needed."""
    if bars is None or bars <= store.capacity:
        return None
    return f"it needs {bars:,} bars, and BarStore(capacity={store.capacity}) keeps {store.capacity:,}"
