"""Formulas as the nodes of a plan. Indicators that are made of others are replaced by what they are made of."""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ziggy_async.features.catalog import rows
from ziggy_async.features.formula import Formula, formula_of_row
from ziggy_async.features.graph import Graph, Node


class PlanNodes(NamedTuple):
    """What a plan is made from: names of columns, nodes in order of evaluation, and the node of each output."""

    columns: tuple[str, ...]
    nodes: list[Node]
    outputs: tuple[int, ...]


def plan_nodes(formulas: Sequence[Formula]) -> PlanNodes:
    """The nodes that all of the formulas need, each once."""
    columns = tuple(dict.fromkeys(name for formula in formulas for name in formula.columns))
    graph = Graph()
    places = {name: graph.add("column", "", (), (float(at),)) for at, name in enumerate(columns)}
    roots = tuple(_lower(formula.graph, formula.root, graph, places) for formula in formulas)
    needed = graph.needed(roots)
    new = {old: at for at, old in enumerate(needed)}
    nodes = [
        Node(kind, name, tuple([new[at] for at in inputs]), parameters)
        for kind, name, inputs, parameters in map(graph.nodes.__getitem__, needed)
    ]
    return PlanNodes(columns, nodes, tuple(new[root] for root in roots))


def _lower(source: Graph, root: int, target: Graph, columns: Mapping[str, int]) -> int:
    """Adds what `root` is made of to `target`, where `columns` are nodes. The node that gives its value."""
    lowered: dict[int, int] = {}
    for at in source.needed((root,)):
        node = source.nodes[at]
        if node.kind == "column":
            lowered[at] = columns[node.name]
            continue
        call, output = (source.nodes[node.inputs[0]], int(node.parameters[0])) if node.kind == "output" else (node, 0)
        inputs = tuple(lowered[each] for each in call.inputs)
        if call.kind == "call":
            lowered[at] = _lower_call(call, output, inputs, target)
        elif call.kind == "constant":
            lowered[at] = target.constant(call.parameters[0])
        elif call.kind == "operation":
            lowered[at] = _lower_operation(call.name, inputs, target)
        else:
            lowered[at] = target.add(call.kind, call.name, inputs, call.parameters)
    return lowered[root]


def _lower_operation(name: str, inputs: tuple[int, ...], target: Graph) -> int:
    """The operation, or its value: an input may have become a constant. What is divided by a power of two is
    multiplied by its reciprocal, which is exact and much faster."""
    if name == "divide" and (divisor := target.nodes[inputs[1]]).kind == "constant":
        mantissa, exponent = math.frexp(divisor.parameters[0])
        if abs(mantissa) == 0.5 and abs(exponent) < 1000:
            return target.operation("multiply", inputs[0], target.constant(1.0 / divisor.parameters[0]))
    return target.operation(name, *inputs)


def _lower_call(call: Node, output: int, inputs: tuple[int, ...], target: Graph) -> int:
    row = rows()[call.name]
    made_of = formula_of_row(row, call.parameters, output)
    if made_of is None:
        return target.output(target.add("kernel", call.name, inputs, call.parameters), output)
    return _lower(*made_of, target, dict(zip(row.inputs, inputs, strict=True)))
