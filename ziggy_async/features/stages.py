"""Graphs as the nodes of plans. A cross-section cuts a graph: what feeds it is a plan of its own, finished for all
tickers before the next one begins, whose columns are the bars' and what the plans before have made."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from ziggy_async import _core
from ziggy_async.features.graph import Graph, Node

Names = tuple[str, ...]


class Source(NamedTuple):
    """A column that another plan makes: its result number `output`, as `kind` says.

    Kinds: ``value`` (as it is), ``across`` (compared: what is done, a share, which labels or -1), ``ticker`` (of
    another ticker: which one), ``period`` (over periods: unit, minutes, whether they are forming).
    """

    kind: str
    plan: "PlanNodes"
    output: int
    more: tuple[Any, ...] = ()


class PlanNodes(NamedTuple):
    """The parts of a plan: names of columns of the bars, nodes in order of evaluation, the node of each output.

    `sources`: where the columns behind those of the bars come from; `tickers` and `labels` are what these number.
    """

    columns: Names
    nodes: list[Node]
    outputs: tuple[int, ...]
    sources: tuple[Source, ...] = ()
    tickers: Names = ()
    labels: Names = ()


def all_nodes(made: PlanNodes) -> list[Node]:
    """Returns the stages of the plan and of all plans that it needs."""
    found = {id(made): made}
    waiting = [made]
    while waiting:
        for source in waiting.pop().sources:
            if id(source.plan) not in found:
                found[id(source.plan)] = source.plan
                waiting.append(source.plan)
    return [node for each in found.values() for node in each.nodes]


def plan_of(made: PlanNodes, names: Names = ()) -> _core.Plan:
    """Returns the plan, with those that make its columns. Raises `ValueError` for windows of more than a gigabyte."""
    plans: dict[int, _core.Plan] = {}

    def build(nodes: PlanNodes, named: Names) -> _core.Plan:
        sources = []
        for kind, inner, output, more in nodes.sources:
            if id(inner) not in plans:
                plans[id(inner)] = build(inner, ())
            sources.append((kind, plans[id(inner)], output, *more))
        numbered = [(node.kind, node.name, node.inputs, node.parameters) for node in nodes.nodes]
        return _core.Plan(nodes.columns, numbered, nodes.outputs, named, tuple(sources), nodes.tickers, nodes.labels)

    return build(made, names)


LEAVES = ("column", "constant", "calendar")
"""Kinds of nodes that each stage has for itself."""


class Stages:
    """The graph `graph` in stages, with what its columns and its nodes of other bars are.

    `source_of(node)` is the source of a node that reads other bars, None for all other nodes.
    """

    def __init__(
        self,
        graph: Graph,
        roots: tuple[int, ...],
        labels: Mapping[str, int],
        source_of: Callable[[Node], Source | None],
    ) -> None:
        self._graph = graph
        self._roots = roots
        self._labels = labels
        self._source_of = source_of
        self._needed = graph.needed(roots)
        self._earliest: dict[int, int] = {}
        for at in self._needed:
            node = graph.nodes[at]
            earliest = max((self._earliest[each] for each in node.inputs), default=0)
            self._earliest[at] = earliest + (node.kind == "across")
        self._last = max((self._earliest[root] for root in roots), default=0)
        self._stage = self._stages()
        self._shown = {
            at for at in graph.needed(roots, ("across",)) if self._earliest[at] > 0 and graph.nodes[at].kind != "across"
        }

    def plan(self, columns: Names, tickers: Names, labels: Names) -> PlanNodes:
        """Returns the nodes of the last stage, whose sources hold those of the others."""
        made: list[_Stage] = []
        for number in range(self._last + 1):
            stage = _Stage(columns)
            for at in self._needed:
                if self._is_in(at, number) and self._graph.nodes[at].kind != "across":
                    self._place(at, number, stage, made)
            for at in self._outputs(number):
                self._place(at, number, stage, made)
            made.append(stage)
            if number == self._last:
                outputs = tuple(stage.places[root] for root in self._roots)
            else:
                stage.outputs = {at: output for output, at in enumerate(self._outputs(number))}
                outputs = tuple(stage.places[at] for at in stage.outputs)
            stage.made = PlanNodes(columns, stage.graph.nodes, outputs, tuple(stage.sources), tickers, labels)
        return made[-1].made

    def _stages(self) -> dict[int, int]:
        """Returns node -> its first stage. A cross-section is in the first that it can be in, anything else in the
        last: so what no cross-section reads is kept nowhere between two stages."""
        stage = dict.fromkeys(self._needed, self._last)
        for at in reversed(self._needed):
            node = self._graph.nodes[at]
            if node.kind == "across":
                stage[at] = self._earliest[at]
            for each in node.inputs:
                stage[each] = min(stage[each], stage[at] - (node.kind == "across"))
        return stage

    def _outputs(self, number: int) -> list[int]:
        """Returns the nodes of a stage that later ones read; of the last one the roots."""
        if number == self._last:
            return list(self._roots)
        read = {root for root in self._roots if self._is_read(root, self._last, number)}
        for at in self._needed:
            node = self._graph.nodes[at]
            readers = {self._stage[at], self._last} if at in self._shown else {self._stage[at]}
            for reader in readers:
                if node.kind == "across":
                    read |= {x for x in node.inputs if self._stage[x] == number < reader}
                else:
                    read |= {x for x in node.inputs if self._is_read(x, reader, number)}
        return sorted(read)

    def _is_in(self, at: int, number: int) -> bool:
        """Returns whether a stage computes the node. The last one computes anew what its results are made of by way of
        a cross-section: a ticker that is not at the newest time has none there in its latest row, and has one where
        others are compared with it."""
        return self._stage[at] == number or (number == self._last and at in self._shown)

    def _is_read(self, at: int, reader: int, number: int) -> bool:
        """Returns whether the stage `reader` takes the node over from the stage `number`."""
        return self._stage[at] == number < reader and not (self._is_in(at, reader) or self._is_leaf(at))

    def _is_leaf(self, at: int) -> bool:
        node = self._graph.nodes[at]
        return node.kind in LEAVES or self._source_of(node) is not None

    def _place(self, at: int, number: int, stage: "_Stage", made: list["_Stage"]) -> int:
        """Returns the place of a node in a stage; its inputs in that stage have theirs."""
        if at in stage.places:
            return stage.places[at]
        node = self._graph.nodes[at]
        source = self._source_of(node)
        if source is not None:
            place = stage.source(source)
        elif node.kind in LEAVES:
            place = stage.graph.add_node(node)
        elif not self._is_in(at, number):
            before = made[self._stage[at]]
            place = stage.source(Source("value", before.made, before.outputs[at]))
        elif node.kind == "across":
            before = made[number - 1]
            (x,) = node.inputs
            share = node.parameters[0] if node.parameters else 0.0
            more = (node.name, share, self._labels[node.by] if node.by else -1)
            place = stage.source(Source("across", before.made, before.outputs[x], more))
        else:
            inputs = tuple(self._place(each, number, stage, made) for each in node.inputs)
            place = stage.graph.add(node.kind, node.name, inputs, node.parameters)
        stage.places[at] = place
        return place


class _Stage:
    """A plan in the making."""

    made: PlanNodes

    def __init__(self, columns: Names) -> None:
        self.graph = Graph()
        self.places: dict[int, int] = {}
        self.sources: list[Source] = []
        self.outputs: dict[int, int] = {}
        self._first = len(columns)

    def source(self, source: Source) -> int:
        """Returns the node of a column that is made so."""
        self.sources.append(source)
        return self.graph.add("column", "", (), (float(self._first + len(self.sources) - 1),))
