"""Formulas as the nodes of a plan. Indicators that are made of others are replaced by what they are made of, and what
is computed on other bars goes into plans of its own."""

import math
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from ziggy_async import _core
from ziggy_async.features.catalog import rows
from ziggy_async.features.errors import FormulaError
from ziggy_async.features.formula import Formula, formula_of_row
from ziggy_async.features.graph import Graph, Node
from ziggy_async.features.periods import period_of
from ziggy_async.features.stages import Names, PlanNodes, Source, Stages, plan_of

OWN_BARS = ("of", "every")
"""Kinds of nodes whose input is computed on other bars than the node itself."""
ONE = Node("constant", "", (), (1.0,))


def plan_nodes(formulas: Sequence[Formula]) -> PlanNodes:
    """Returns the nodes that all of the formulas need, each once."""
    lowering = _Lowering(formulas)
    roots = tuple(lowering.lower(formula.graph, formula.root, lowering.asked) for formula in formulas)
    return lowering.plan(lowering.asked, roots)


def plan_of_formulas(formulas: Sequence[Formula], nodes: PlanNodes | None = None, names: Names = ()) -> _core.Plan:
    """Returns the plan of the formulas, or of `nodes` that they need. Raises `FormulaError` for windows that would take
    more than a gigabyte: of the first formula with which they do."""
    try:
        return plan_of(plan_nodes(formulas) if nodes is None else nodes, names)
    except ValueError as error:
        before_last = range(1, len(formulas))
        at = bisect_left(before_last, True, key=lambda count: _is_too_large(formulas[:count]))
        text = formulas[at].text
        raise FormulaError(str(error), text, 0, len(text)) from None


def _is_too_large(formulas: Sequence[Formula]) -> bool:
    try:
        plan_of(plan_nodes(formulas))
    except ValueError:
        return True
    return False


class LiveNodes(NamedTuple):
    """The plan that is kept current bar by bar, and the one that compares tickers: a plan whose columns are the results
    of the first; None without a cross-section."""

    kept: PlanNodes
    compared: PlanNodes | None


REMEMBERING = ("cumsum", "bars_since", "value_when", "highest_since", "lowest_since", "total_since")
"""Operations that depend on bars before."""
POWERS = ("power", "signed_power")
"""Operations that have a value where an input is NaN: 1 to the power of it, and it to the power of 0."""


def live_nodes(formulas: Sequence[Formula]) -> LiveNodes:
    """Returns the nodes that all of the formulas need, for values that are kept current.

    Raises `FormulaError` for a formula that reads earlier values of a cross-section.
    """
    lowering = _Lowering(formulas)
    roots = tuple(lowering.lower(formula.graph, formula.root, lowering.asked) for formula in formulas)
    graph = lowering.asked.graph
    compared: set[int] = set()
    for at in graph.needed(roots):
        if graph.nodes[at].kind == "across" or compared.intersection(graph.nodes[at].inputs):
            compared.add(at)
    if not compared:
        return LiveNodes(lowering.plan(lowering.asked, roots), None)
    remembering: set[int] = set()
    for at in sorted(compared):
        if _remembers(graph.nodes[at]) or remembering.intersection(graph.nodes[at].inputs):
            remembering.add(at)
    for formula, root in zip(formulas, roots, strict=True):
        if root in remembering:
            name = next(iter(formula.calls))
            raise formula.unavailable(name, "live features keep no earlier values of a cross-section")
    return lowering.split(roots, compared)


def _remembers(node: Node) -> bool:
    return node.kind in ("kernel", "lag", "skip") or (node.kind == "operation" and node.name in REMEMBERING)


@dataclass
class _Bars:
    """The nodes that are computed on bars of one kind; `read` says how another plan reads these. `wanted` are the nodes
    that are read so, each with its number."""

    read: tuple[str, tuple[int, ...]]
    columns: Mapping[str, int]
    graph: Graph
    wanted: dict[int, int] = field(default_factory=dict)

    def output(self, at: int) -> int:
        return self.wanted.setdefault(at, len(self.wanted))


class _Lowering:
    def __init__(self, formulas: Sequence[Formula]) -> None:
        self._columns = tuple(dict.fromkeys(name for formula in formulas for name in formula.columns))
        self._tickers = tuple(dict.fromkeys(name for formula in formulas for name in formula.tickers))
        self._labels = tuple(dict.fromkeys(name for formula in formulas for name in formula.labels))
        self._others: list[_Bars] = []
        self._places: dict[tuple[object, ...], int] = {}
        self._made: dict[int, PlanNodes] = {}
        self.asked = self._bars(("value", ()))

    def _bars(self, read: tuple[str, tuple[int, ...]]) -> _Bars:
        graph = Graph()
        columns = {name: graph.add("column", "", (), (float(at),)) for at, name in enumerate(self._columns)}
        return _Bars(read, columns, graph)

    def plan(self, bars: _Bars, roots: tuple[int, ...]) -> PlanNodes:
        """Returns the plan of what `roots` are, and the plans that it needs."""
        if self._others or any(node.kind == "across" for node in bars.graph.nodes):
            labels = {name: at for at, name in enumerate(self._labels)}
            return Stages(bars.graph, roots, labels, self._source).plan(self._columns, self._tickers, self._labels)
        return PlanNodes(self._columns, *bars.graph.numbered(roots), (), self._tickers, self._labels)

    def split(self, roots: tuple[int, ...], compared: set[int]) -> LiveNodes:
        """Returns the nodes that do not depend on a cross-section, and those that do, which read their results."""
        graph, target = self.asked.graph, Graph()
        wanted: list[int] = []
        places: dict[int, int] = {}

        def place(at: int) -> int:
            node = graph.nodes[at]
            if node.kind == "constant":
                places[at] = target.add_node(node)
            elif at not in places:
                wanted.append(at)
                places[at] = target.add("column", "", (), (float(len(wanted) - 1),))
            return places[at]

        needed = [at for at in graph.needed(roots) if at in compared]
        begins = self._begins([at for at in needed if graph.nodes[at].name in POWERS])
        for at in needed:
            node = graph.nodes[at]
            inputs = tuple(place(each) for each in node.inputs)
            places[at] = target.add(node.kind, node.name, inputs, node.parameters, node.by)
            if at in begins:
                places[at] = target.operation("multiply", places[at], place(begins[at]))
        shown = tuple(place(root) for root in roots)
        wanted = wanted or [graph.constant(0.0)]
        kept = Stages(graph, tuple(wanted), {}, self._source).plan(self._columns, self._tickers, ())
        labels = {name: at for at, name in enumerate(self._labels)}
        names = tuple(str(number) for number in range(len(wanted)))
        return LiveNodes(kept, Stages(target, shown, labels, self._source).plan(names, (), self._labels))

    def _begins(self, nodes: Sequence[int]) -> dict[int, int]:
        """Returns node -> a node that is NaN before the lookback of the first and 1 from there on; not of those that
        have none. The columns of a plan over the last rows are NaN before a lookback and where data are missing, which
        a power tells apart."""
        if not nodes:
            return {}
        graph = self.asked.graph
        lookbacks = plan_of(self.plan(self.asked, tuple(nodes))).lookbacks
        one = graph.constant(1.0)
        return {at: graph.skip(one, bars) for at, bars in zip(nodes, lookbacks, strict=True) if bars > 0}

    def _source(self, node: Node) -> Source | None:
        if node.kind != "other":
            return None
        at, output = map(int, node.parameters)
        bars = self._others[at]
        if at not in self._made:
            self._made[at] = self.plan(bars, tuple(bars.wanted))
        kind, more = bars.read
        return Source(kind, self._made[at], output, more)

    def lower(self, source: Graph, root: int, bars: _Bars) -> int:
        """Adds what `root` is made of to the graph of `bars`. The node that gives its value."""
        return self._lower(source, root, bars, bars.columns)

    def _lower(self, source: Graph, root: int, bars: _Bars, columns: Mapping[str, int]) -> int:
        target = bars.graph
        lowered: dict[int, int] = {}
        for at in source.needed((root,), OWN_BARS, ("output",)):
            node = source.nodes[at]
            output = 0
            if node.kind == "output":
                output = int(node.parameters[0])
                node = source.nodes[node.inputs[0]]
            kind, name, parts, parameters, by = node
            if kind == "column":
                lowered[at] = columns[name]
                continue
            if kind in OWN_BARS:
                lowered[at] = self._other(source, node, bars)
                continue
            inputs = tuple([lowered[each] for each in parts])
            if kind == "call":
                lowered[at] = self._lower_call(node, output, inputs, bars)
            elif kind == "constant":
                lowered[at] = target.constant(parameters[0])
            elif kind == "operation":
                lowered[at] = _operation(name, inputs, target)
            else:
                lowered[at] = target.add(kind, name, inputs, parameters, by)
        return lowered[root]

    def _lower_call(self, call: Node, output: int, inputs: tuple[int, ...], bars: _Bars) -> int:
        row = rows()[call.name]
        made_of = formula_of_row(row, call.parameters, output)
        if made_of is None:
            return bars.graph.output(bars.graph.add("kernel", call.name, inputs, call.parameters), output)
        return self._lower(*made_of, bars, dict(zip(row.inputs, inputs, strict=True)))

    def _other(self, source: Graph, node: Node, bars: _Bars) -> int:
        """Returns a node in the graph of `bars` that reads a result on other bars.

        Nodes that read a ticker inside of another one's bars are kept apart from the others, so that no two plans need
        each other.
        """
        (x,) = node.inputs
        if node.kind == "of":
            key: tuple[object, ...] = (node.name, _height(source, x))
            read: tuple[str, tuple[int, ...]] = ("ticker", (self._tickers.index(node.name),))
        else:
            period = period_of(node.name)
            assert period is not None  # it has been read
            key = (id(bars), period, node.parameters)
            read = ("period", (period.unit, period.minutes, int(node.parameters[0])))
        if key not in self._places:
            self._places[key] = len(self._others)
            self._others.append(self._bars(read))
        at = self._places[key]
        other = self._others[at]
        return bars.graph.add("other", "", (), (float(at), float(other.output(self.lower(source, x, other)))))


def _operation(name: str, inputs: tuple[int, ...], target: Graph) -> int:
    """Returns the operation, or its value: an input may have become a constant. A division by a power of two becomes a
    multiplication by its reciprocal, which is exact and much faster; what is multiplied by 1 stays;
    `a / b if b != 0 else c` is one operation."""
    if name == "divide" and (divisor := target.nodes[inputs[1]]).kind == "constant":
        mantissa, exponent = math.frexp(divisor.parameters[0])
        if abs(mantissa) == 0.5 and abs(exponent) < 1000:
            name, inputs = "multiply", (inputs[0], target.constant(1.0 / divisor.parameters[0]))
    if name == "multiply" and target.nodes[inputs[1]] == ONE:
        return inputs[0]
    if name == "where":
        asked, chosen = (target.nodes[at] for at in inputs[:2])
        divides = (asked.name, chosen.name) == ("not_equal", "divide")
        if divides and asked.inputs == (chosen.inputs[1], target.constant(0.0)):
            return target.operation("ratio", *chosen.inputs, inputs[2])
    return target.operation(name, *inputs)


def _height(graph: Graph, root: int) -> int:
    """Returns how many nodes of other bars are inside of each other there."""
    heights: dict[int, int] = {}
    for at in graph.needed((root,)):
        node = graph.nodes[at]
        heights[at] = max((heights[each] for each in node.inputs), default=0) + (node.kind in OWN_BARS)
    return heights[root]
