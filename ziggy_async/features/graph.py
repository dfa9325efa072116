"""Graphs of nodes in order of evaluation, in which equal nodes are one."""

import contextlib
import math
import operator
from collections.abc import Callable
from typing import NamedTuple

import numpy as np


class Node(NamedTuple):
    """The operations that are computed for each bar.

    `inputs` are indices of earlier nodes. Kinds: ``column`` (its name), ``constant`` (its value), ``call`` of a row of
    the catalog with all parameters, ``output`` (which one of a call; a call itself stands for its first), ``operation``
    per bar, ``lag`` and ``skip`` (by how many bars), ``calendar`` (which part of the time), ``of`` (on the bars of
    which ticker), ``every`` (on bars gathered into which periods, and whether they are forming), ``across`` (what is
    done across tickers; `by` is the name of the labels, if any).
    """

    kind: str
    name: str
    inputs: tuple[int, ...]
    parameters: tuple[float, ...]
    by: str = ""


class Graph:
    """Nodes that are added once, however often they are asked for; operators of constants are computed at once."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self._places: dict[tuple[object, ...], int] = {}
        self._constants: dict[str, int] = {}

    def add(
        self,
        kind: str,
        name: str = "",
        inputs: tuple[int, ...] = (),
        parameters: tuple[float, ...] = (),
        by: str = "",
    ) -> int:
        """Returns the index of this node, which is not a constant."""
        key = (kind, name, inputs, parameters, by)
        place = self._places.get(key)
        if place is None:
            place = self._places[key] = len(self.nodes)
            self.nodes.append(Node._make(key))
        return place

    def add_node(self, node: Node) -> int:
        return self.constant(node.parameters[0]) if node.kind == "constant" else self.add(*node)

    def constant(self, value: float) -> int:
        """0 and -0 are two constants, and NaN is one."""
        text = value.hex()
        place = self._constants.get(text)
        if place is None:
            place = self._constants[text] = len(self.nodes)
            self.nodes.append(Node("constant", "", (), (math.nan if math.isnan(value) else value,)))
        return place

    def operation(self, name: str, *inputs: int) -> int:
        """Adds one of the core's operations per bar, or its value where all inputs are constants."""
        if name in FOLDED and all(self.nodes[at].kind == "constant" for at in inputs):
            values = [np.float64(self.nodes[at].parameters[0]) for at in inputs]
            with np.errstate(all="ignore"), contextlib.suppress(ValueError, OverflowError):
                return self.constant(float(FOLDED[name](*values)))
        return self.add("operation", name, inputs)

    def lag(self, x: int, bars: int) -> int:
        """Adds `x`, `bars` bars earlier; 0 is `x` itself."""
        return self.add("lag", "", (x,), (float(bars),)) if bars else x

    def skip(self, x: int, bars: int) -> int:
        """Adds `x` without its first `bars` values; 0 is `x` itself."""
        return self.add("skip", "", (x,), (float(bars),)) if bars else x

    def output(self, call: int, at: int) -> int:
        return self.add("output", "", (call,), (float(at),)) if at else call

    def needed(self, roots: tuple[int, ...], without: tuple[str, ...] = (), past: tuple[str, ...] = ()) -> list[int]:
        """Returns the nodes that `roots` are made of, themselves included, in order of evaluation; not the inputs of
        nodes of the kinds `without`, and for the one input of a node of the kinds `past` the inputs of that."""
        nodes = self.nodes
        wanted = bytearray(len(nodes))
        for root in roots:
            wanted[root] = True
        for at in range(len(nodes) - 1, -1, -1):
            if wanted[at] and nodes[at].kind not in without:
                node = nodes[at]
                for part in nodes[node.inputs[0]].inputs if node.kind in past else node.inputs:
                    wanted[part] = True
        return [at for at, is_wanted in enumerate(wanted) if is_wanted]

    def numbered(self, roots: tuple[int, ...]) -> tuple[list[Node], tuple[int, ...]]:
        """Returns the nodes that `roots` are made of, numbered anew, and the numbers of the roots."""
        places: dict[int, int] = {}
        nodes = []
        for at in self.needed(roots):
            kind, name, inputs, parameters, by = self.nodes[at]
            nodes.append(Node(kind, name, tuple([places[each] for each in inputs]), parameters, by))
            places[at] = len(places)
        return nodes, tuple([places[root] for root in roots])


def _of_numbers(compute: Callable[..., float]) -> Callable[..., float]:
    """Returns `compute`, but NaN where an argument is."""
    return lambda *values: math.nan if any(map(math.isnan, values)) else float(compute(*values))


FOLDED: dict[str, Callable[..., float]] = {
    "add": operator.add,
    "subtract": operator.sub,
    "multiply": operator.mul,
    "divide": operator.truediv,
    "remainder": operator.mod,
    "power": math.pow,
    "negative": operator.neg,
    "less": _of_numbers(operator.lt),
    "less_equal": _of_numbers(operator.le),
    "greater": _of_numbers(operator.gt),
    "greater_equal": _of_numbers(operator.ge),
    "equal": _of_numbers(operator.eq),
    "not_equal": _of_numbers(operator.ne),
    "and": _of_numbers(lambda a, b: a != 0.0 and b != 0.0),
    "or": _of_numbers(lambda a, b: a != 0.0 or b != 0.0),
    "not": _of_numbers(lambda a: a == 0.0),
    "where": lambda condition, yes, no: math.nan if math.isnan(condition) else yes if condition else no,
}
"""Operation -> its value for `numpy.float64` arguments, as the core has it. `math.pow` is the C library's, as there; it
raises where the answer is infinite or no number."""
