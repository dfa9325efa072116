"""The one way of writing a formula: every input and parameter there, every operation that is part of another in
parentheses. Read again it gives the same nodes."""

import itertools
import keyword
import math
from collections import Counter

from ziggy_async.features.catalog import number_text, rows
from ziggy_async.features.graph import Graph, Node

INFIX = {
    "add": "+",
    "subtract": "-",
    "multiply": "*",
    "divide": "/",
    "power": "**",
    "remainder": "%",
    "less": "<",
    "less_equal": "<=",
    "greater": ">",
    "greater_equal": ">=",
    "equal": "==",
    "not_equal": "!=",
    "and": "and",
    "or": "or",
}
PREFIX = {"negative": "-", "not": "not "}
CHAINS = ("add", "subtract", "multiply", "divide", "remainder", "and", "or")
"""Operators whose left operand of the same kind needs no parentheses."""
MOST_REPEATED = 1_000
"""Characters of a text in which equal parts are written out again; in a longer one they are named by `:=`, in the order
in which they are written."""

Pieces = list[str | int]
"""A text in which a number stands for that node's text."""


def normal_form(graph: Graph, root: int) -> str:
    """Returns the text of the node `root`."""
    needed = graph.needed((root,))
    pieces = {at: _pieces(graph, at) for at in needed}
    length: dict[int, int] = {}
    for at in needed:
        length[at] = sum(len(piece) if isinstance(piece, str) else length[piece] for piece in pieces[at])
    shared = _shared(graph, pieces) if length[root] > MOST_REPEATED else set()
    columns = {graph.nodes[at].name for at in needed if graph.nodes[at].kind == "column"}
    free = (name for name in map("part_{}".format, itertools.count(1)) if name not in columns)
    names: dict[int, str] = {}
    text: list[str] = []
    left: Pieces = [root]
    while left:
        piece = left.pop()
        if isinstance(piece, str):
            text.append(piece)
        elif piece in names:
            text.append(names[piece])
        elif piece in shared:
            names[piece] = next(free)
            left += [")", *reversed(pieces[piece]), f"({names[piece]} := "]
        else:
            left += reversed(pieces[piece])
    return "".join(text)


def _shared(graph: Graph, pieces: dict[int, Pieces]) -> set[int]:
    """Returns the nodes that are written more than once and are longer than a name."""
    uses = Counter(piece for each in pieces.values() for piece in each if isinstance(piece, int))
    return {at for at, count in uses.items() if count > 1 and graph.nodes[at].kind not in ("column", "constant")}


def _pieces(graph: Graph, at: int) -> Pieces:
    node = graph.nodes[at]
    match node.kind:
        case "column":
            return [node.name if _is_bare(node.name) else f"column({node.name!r})"]
        case "constant":
            return [constant_text(node.parameters[0])]
        case "call":
            return _call(graph, node)
        case "output":
            call = graph.nodes[node.inputs[0]]
            return [*_call(graph, call, int(node.parameters[0]))]
        case "lag" | "skip":
            return [f"{node.kind}(", node.inputs[0], f", {number_text(node.parameters[0])})"]
        case "calendar":
            return [f"{node.name}()"]
        case "of":
            return [f"of({node.name!r}, ", node.inputs[0], ")"]
        case "every":
            return [f"every({node.name!r}, ", node.inputs[0], ", 1)" if node.parameters[0] else ")"]
        case "across":
            more = [*map(number_text, node.parameters), *([f"by={node.by!r}"] if node.by else [])]
            return [f"{node.name}(", node.inputs[0], *(f", {each}" for each in more), ")"]
    return _operation(graph, node)


def _is_bare(name: str) -> bool:
    """Returns whether a column's name reads as itself. Python takes other letters for each other in names."""
    return name.isascii() and name.isidentifier() and not keyword.iskeyword(name) and name != "nan"


def _call(graph: Graph, node: Node, output: int = 0) -> Pieces:
    row = rows()[node.name]
    pieces: Pieces = [f"{node.name}("]
    for each in node.inputs:
        pieces += [each, ", "]
        if graph.nodes[each].kind == "constant":
            pieces.insert(-1, " - 0")  # a number alone would be a parameter
    pieces.append(", ".join(map(number_text, node.parameters)))
    if not node.parameters:
        pieces = pieces[:-2]
    pieces.append(")")
    if len(row.outputs) > 1:
        pieces.append(f".{row.outputs[output].name}")
    return pieces


def _operation(graph: Graph, node: Node) -> Pieces:
    inputs = [_operand(graph, at) for at in node.inputs]
    if node.name in CHAINS and graph.nodes[node.inputs[0]][:2] == node[:2]:
        inputs[0] = [node.inputs[0]]
    if node.name in PREFIX:
        return [PREFIX[node.name], *inputs[0]]
    if node.name in INFIX:
        return [*inputs[0], f" {INFIX[node.name]} ", *inputs[1]]
    if node.name == "where":
        condition, yes, no = inputs
        return [*yes, " if ", *condition, " else ", *no]
    arguments: Pieces = []
    for at in node.inputs:
        arguments += [", ", at]
    name = "abs" if node.name == "absolute" else node.name
    return [f"{name}(", *arguments[1:], ")"]


def _operand(graph: Graph, at: int) -> Pieces:
    """Returns the operand's text, in parentheses if it is an operation or signed."""
    node = graph.nodes[at]
    is_written_with_signs = node.kind == "operation" and node.name in (*INFIX, *PREFIX, "where")
    is_signed = node.kind == "constant" and not constant_text(node.parameters[0])[0].isalnum()
    return ["(", at, ")"] if is_written_with_signs or is_signed else [at]


def constant_text(value: float) -> str:
    if math.isinf(value):
        return "(1 / 0)" if value > 0 else "(-1 / 0)"
    return number_text(value)
