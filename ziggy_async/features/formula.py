"""Formulas: read from text into a graph, or refused with the place and what to write instead."""

import ast
import math
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache

from ziggy_async.features.across import CROSS_SECTIONS, OTHER_BARS, Arguments
from ziggy_async.features.catalog import Row, number_text, rows, usage_of
from ziggy_async.features.errors import FormulaError
from ziggy_async.features.functions import ELSEWHERE, FUNCTIONS, MOST_BARS, NAMES_ELSEWHERE, Function
from ziggy_async.features.graph import Graph
from ziggy_async.features.normal_form import normal_form
from ziggy_async.features.source import Source
from ziggy_async.features.syntax import INSTEAD, OPERATORS, SYNTAX
from ziggy_async.messages import kind_of, nearest, shortened
from ziggy_async.reading.spellings import PRICE_COLUMNS

LONGEST_NAME = 50
"""Characters of a name that others are compared with."""

COLUMN = "column"
"""The function that takes a column's name as a text."""

LEAST_LIKENESS = 0.65
"""Likeness that a suggested function has at least, unless it begins alike and is as long: below it the two are mostly
different things."""


@dataclass(frozen=True)
class Formula:
    """A formula as it was read from `text`: the node `root` of `graph`, and the names in it."""

    text: str
    graph: Graph
    root: int
    columns: Mapping[str, tuple[int, int]]
    """Column that is read -> where it is named first."""
    tickers: Mapping[str, tuple[int, int]]
    """The same of other tickers,"""
    labels: Mapping[str, tuple[int, int]]
    """of sets of labels,"""
    calls: Mapping[str, tuple[int, int]]
    """and of functions that read other bars than one ticker's as they are."""
    parts: tuple[str, ...]
    """Names given by `:=`."""

    @cached_property
    def normal_form(self) -> str:
        """The formula with every input and parameter written out; equal for formulas that compute the same nodes."""
        return normal_form(self.graph, self.root)

    @property
    def compares(self) -> bool:
        """True if there is a cross-section in it."""
        return any(name in CROSS_SECTIONS for name in self.calls)

    def refuse_other_bars(self) -> None:
        """Raises where it reads other bars than those of one ticker, as they are."""
        for name in self.calls:
            raise self.unavailable(name, "only a ticker's own bars are")

    def unavailable(self, name: str, reason: str) -> FormulaError:
        """Returns the error of a function of other bars that cannot be used here."""
        return FormulaError(f"{name}() is not available here: {reason}", self.text, *self.calls[name])

    def missing_column(self, name: str, present: Iterable[str]) -> FormulaError:
        """Returns the message for a table or store without the column `name`; `present` are those it has."""
        if name in FUNCTIONS or name in OTHER_BARS or name in rows():
            advice = f"; the function is called: {name}()"
        elif name in self.parts:
            advice = f"; the part of this name is known from ({name} := ...) on"
        elif name in NAMES_ELSEWHERE:
            advice = f"; write {NAMES_ELSEWHERE[name]}"
        else:
            advice = nearest(name, (*present, *self.parts))
        return FormulaError(f"no column {_shown(name)}{advice}", self.text, *self.columns[name])

    def missing_ticker(self, name: str) -> FormulaError:
        """Returns the same of another ticker."""
        return FormulaError(f"no ticker {_shown(name)}", self.text, *self.tickers[name])

    def missing_labels(self, name: str, present: Iterable[str]) -> FormulaError:
        """Returns the same of labels."""
        present = list(present)
        advice = nearest(name, present) or (f"; there are {_listed(present)}" if present else "")
        return FormulaError(f"no labels {_shown(name)}{advice}", self.text, *self.labels[name])


@lru_cache(maxsize=1024)
def read_formula(text: str) -> Formula:
    """Raises `FormulaError` for whatever formulas do not have."""
    source = Source(text)
    reader = Reader(source)
    root = reader.value(source.tree)

    def places(named: Mapping[str, ast.AST]) -> dict[str, tuple[int, int]]:
        return {name: source.place(node) for name, node in named.items()}

    named = places(reader.columns), places(reader.tickers), places(reader.labels), places(reader.calls)
    return Formula(source.text, reader.graph, root, *named, tuple(reader.parts))


@lru_cache(maxsize=4096)
def formula_of_row(row: Row, parameters: tuple[float, ...], output: int) -> tuple[Graph, int] | None:
    """Returns an output of an indicator that is made of others, as a graph whose columns are the inputs; None: of a
    kernel.

    Raises `ValueError` where these parameters make one of the others impossible.
    """
    numbers = dict(zip((parameter.name for parameter in row.parameters), parameters, strict=True))
    text = row.formula(output, numbers)
    if text is None:
        return None
    source = Source(text)
    reader = RowReader(source, row, numbers)
    return reader.graph, reader.value(source.tree)


class Reader:
    """Reads the parts of one formula, in the order of the text, into nodes of `graph`."""

    least_bars = 1

    def __init__(self, source: Source) -> None:
        self.graph = Graph()
        self.columns: dict[str, ast.AST] = {}
        self.tickers: dict[str, ast.AST] = {}
        self.labels: dict[str, ast.AST] = {}
        self.calls: dict[str, ast.AST] = {}
        self.parts: dict[str, int] = {}
        self._source = source

    def value(self, node: ast.AST) -> int:
        """Returns the node of an expression."""
        read = READ.get(type(node))
        if read is None:
            raise self.error(f"{SYNTAX.get(type(node), 'this')} is not a part of formulas", node)
        return read(self, node)

    def error(self, message: str, node: ast.AST) -> FormulaError:
        return self._source.error(message, node)

    def number(self, node: ast.AST) -> float | None:
        """Returns the value of a parameter: of a number, signed or a product of numbers. None: `node` is something
        else."""
        if isinstance(node, ast.Constant):
            return self._number(node) if type(node.value) in (int, float) else None
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            value = self.number(node.operand)
            return None if value is None else -value
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
            left, right = self.number(node.left), self.number(node.right)
            return None if left is None or right is None else left * right
        return None

    def _number(self, node: ast.Constant) -> float:
        try:
            value = float(node.value)  # type: ignore[arg-type]
        except OverflowError:
            value = math.inf
        if math.isinf(value):
            raise self.error("the number is too large", node)
        return value

    def constant(self, node: ast.Constant) -> int:
        match node.value:
            case bool():
                raise self.error(f"{node.value} is not a number; write {int(node.value)}", node)
            case int() | float():
                return self.graph.constant(self._number(node))
            case None:
                raise self.error("None is not a number; write nan", node)
            case str():
                raise self.error(
                    f'a text stands only in {COLUMN}("..."), of("...", x), every("...", x), by="..."', node
                )
        raise self.error(f"{kind_of(node.value)} is not a number of formulas", node)

    def name(self, node: ast.Name) -> int:
        part = self.parts.get(node.id)
        if part is not None:
            return part
        return self.graph.constant(math.nan) if node.id == "nan" else self.column(node.id, node)

    def column(self, name: str, node: ast.AST) -> int:
        lower = name.lower()
        name = lower if lower in PRICE_COLUMNS else name
        self.columns.setdefault(name, node)
        return self.graph.add("column", name)

    def part(self, node: ast.NamedExpr) -> int:
        name = node.target.id
        value = self.value(node.value)
        if name in self.parts:
            raise self.error(f"{_shown(name)} is named twice", node.target)
        if name == "nan":
            raise self.error("nan is a number and no name", node.target)
        self.parts[name] = value
        return value

    def binary(self, node: ast.BinOp) -> int:
        operation = self._operation(node.op, node)
        return self.graph.operation(operation, self.value(node.left), self.value(node.right))

    def unary(self, node: ast.UnaryOp) -> int:
        return self.graph.operation(self._operation(node.op, node), self.value(node.operand))

    def truth(self, node: ast.BoolOp) -> int:
        operation = OPERATORS[type(node.op)]
        result, *others = map(self.value, node.values)
        for other in others:
            result = self.graph.operation(operation, result, other)
        return result

    def comparison(self, node: ast.Compare) -> int:
        """Returns a node for the chain, which holds where each of its comparisons does."""
        left = self.value(node.left)
        result = None
        for operator, part in zip(node.ops, node.comparators, strict=True):
            operation = self._operation(operator, node)
            right = self.value(part)
            link = self.graph.operation(operation, left, right)
            result = link if result is None else self.graph.operation("and", result, link)
            left = right
        assert result is not None  # Python's grammar has no comparison of one value
        return result

    def choice(self, node: ast.IfExp) -> int:
        yes, condition, no = map(self.value, (node.body, node.test, node.orelse))
        return self.graph.operation("where", condition, yes, no)

    def _operation(self, operator: ast.AST, node: ast.AST) -> str:
        operation = OPERATORS.get(type(operator))
        if operation is None:
            raise self.error(INSTEAD[type(operator)], node)
        return operation

    def call(self, node: ast.Call) -> int:
        name = self._called(node)
        if name in OTHER_BARS:
            _, read = OTHER_BARS[name]
            self.calls.setdefault(name, node.func)
            return read(self, name, node)
        function = FUNCTIONS.get(name)
        if function is not None:
            return self._call_function(name, function, node)
        if name == COLUMN:
            return self._named_column(node)
        return self._output(node, 0)

    def attribute(self, node: ast.Attribute) -> int:
        row = self._row_of_output(node.value, node)
        names = [(output.name, output.talib) for output in row.outputs]
        for at, both in enumerate(names):
            if node.attr in both:
                return self._output(node.value, at)
        ours, talib = zip(*names, strict=True)
        advice = nearest(node.attr, (*ours, *talib)) or f"; it has {_listed(ours)}"
        raise self.error(f"{row.name} has no output {_shown(node.attr)}{advice}", node)

    def index(self, node: ast.Subscript) -> int:
        row = self._row_of_output(node.value, node)
        last = len(row.outputs) - 1
        match node.slice:
            case ast.Constant(value=int(at)) if not isinstance(at, bool) and at <= last:
                return self._output(node.value, at)
        raise self.error(f"{row.name} has the outputs 0 to {last}" if last else f"{row.name} has output 0", node.slice)

    def _called(self, node: ast.Call) -> str:
        """Returns the name that is called. Raises `FormulaError` unless there is such a function."""
        match node.func:
            case ast.Name(id=name):
                if _is_function(name):
                    return name
                fault = f"no function {_shown(name)}"
            case ast.Attribute(attr=name):  # of a module or a value, as elsewhere
                fault = "only a name can be called"
            case _:
                raise self.error("only a name can be called", node.func)
        lower = name.lower()
        if name in PRICE_COLUMNS:
            advice = f"; the column is {name}, without brackets"
        elif isinstance(node.func, ast.Attribute) and _is_function(lower):
            advice = f"; write {lower}(...)"
        elif lower in ELSEWHERE:
            advice = f"; write {ELSEWHERE[lower]}"
        else:
            known = [each for each in (*FUNCTIONS, *OTHER_BARS, *rows(), COLUMN) if each[0] == lower[0]]
            advice = nearest(name, (each for each in known if abs(len(each) - len(name)) < 3), LEAST_LIKENESS)
        raise self.error(f"{fault}{advice}", node.func)

    def _row_of_output(self, called: ast.expr, node: ast.AST) -> Row:
        """Returns the row whose output is taken."""
        if not isinstance(called, ast.Call):
            raise self.error("an output is taken of a call, as in macd().signal; earlier bars are lag(x, n)", node)
        row = rows().get(self._called(called))
        if row is None:
            raise self.error("only indicators have outputs to choose from", node)
        return row

    def text(self, node: ast.expr, fault: str) -> str:
        """Returns the text that `node` is, and not an empty one; else `fault` is said."""
        match node:
            case ast.Constant(value=str(text)) if text:
                return text
        start, end = self._source.place(node)
        raise self.error(f"{fault}, not {shortened(self._source.text[start:end], LONGEST_NAME)}", node)

    def refuse(self, node: ast.expr, root: int, kinds: Collection[str], fault: str) -> None:
        """Raises where `root`, read of `node`, holds a node of the kinds: at its call, or at `node` where a part that
        was named outside holds it."""
        if any(self.graph.nodes[at].kind in kinds for at in self.graph.needed((root,))):
            names = [name for name, (kind, _) in OTHER_BARS.items() if kind in kinds]
            calls = (each for each in ast.walk(node) if isinstance(each, ast.Call))
            found = (each for each in calls if isinstance(each.func, ast.Name) and each.func.id in names)
            raise self.error(f"{fault} is refused", next(found, node))

    def _named_column(self, node: ast.Call) -> int:
        match node:
            case ast.Call(args=[ast.Constant(value=str(name))], keywords=[]) if name:
                return self.column(name, node)
        raise self.error(f'one text is needed, as in {COLUMN}("adj close")', node)

    def _call_function(self, name: str, function: Function, node: ast.Call) -> int:
        optional = ("n",) if function.bars is not None else ()
        given = self.arguments(name, Arguments(function.signature, optional), node)
        number = given.pop("n", None) if function.takes_bars else None
        values = {argument: self.value(expression) for argument, expression in given.items()}  # in the text's order
        inputs = [values[argument] for argument in function.arguments]
        if not function.takes_bars:
            return function.build(self.graph, *inputs)
        return function.build(self.graph, *inputs, function.bars if number is None else self._bars(name, number))

    def arguments(self, name: str, taken: Arguments, node: ast.Call) -> dict[str, ast.expr]:
        """Returns argument -> expression, of a call that gives all that are needed."""
        names = taken.names
        usage = f"{name}({', '.join(names)})"
        if len(node.args) > len(names):
            raise self.error(f"{usage}: this is one argument too many", node.args[len(names)])
        given = dict(zip(names, node.args, strict=False))
        for keyword in node.keywords:
            if keyword.arg not in names:
                raise self.error(f"{usage}: no argument {_shown(keyword.arg or '**')}", keyword)
            if keyword.arg in given:
                raise self.error(f"{usage}: {keyword.arg} is given twice", keyword)
            given[keyword.arg] = keyword.value
        missing = [each for each in names if each not in given and each not in taken.optional]
        if missing:
            raise self.error(f"{usage}: {_listed(missing)} missing", node)
        return given

    def _bars(self, name: str, node: ast.expr) -> int:
        value = self.number(node)
        if value is None:
            raise self.error(f"n of {name} is a number of bars, not a formula", node)
        if not (value.is_integer() and self.least_bars <= value <= MOST_BARS):
            raise self.error(f"n of {name}: {number_text(value)} is not a whole number from 1 to {MOST_BARS}", node)
        return int(value)

    def _output(self, node: ast.expr, output: int) -> int:
        """Returns an output of a call of the catalog."""
        assert isinstance(node, ast.Call)
        row = rows()[self._called(node)]
        inputs, parameters = self._bound(row, node)
        self.check_row(row, parameters, output, node)
        return self.graph.output(self.graph.add("call", row.name, inputs, parameters), output)

    def check_row(self, row: Row, parameters: tuple[float, ...], output: int, node: ast.AST) -> None:
        """Raises where these parameters make what the row is made of impossible."""
        try:
            formula_of_row(row, parameters, output)
        except FormulaError as error:
            raise self.error(f"{row.name}: {error.message}", node) from None
        except ValueError as error:
            raise self.error(str(error), node) from None

    def _bound(self, row: Row, node: ast.Call) -> tuple[tuple[int, ...], tuple[float, ...]]:
        """Returns the inputs and all parameters of a call of `row`."""
        numbers = [self.number(argument) for argument in node.args]
        count = next((at for at, number in enumerate(numbers) if number is not None), len(numbers))
        inputs, after = node.args[:count], node.args[count:]
        if count > len(row.inputs):
            fault = f"{row.parameters[0].name} is a number, not a formula" if row.parameters else "one input too many"
            raise self.error(f"{usage_of(row)}: {fault}", inputs[len(row.inputs)])
        if 0 < count < len(row.inputs):
            fault = f"{count} of {len(row.inputs)} inputs; give all of them or none"
            raise self.error(f"{usage_of(row)}: {fault}", node)
        nodes = tuple(map(self.value, inputs)) or tuple(self.column(name, node) for name in row.inputs)
        return nodes, self._parameters(row, after, numbers[count:], node.keywords)

    def _parameters(
        self, row: Row, after: list[ast.expr], numbers: list[float | None], keywords: list[ast.keyword]
    ) -> tuple[float, ...]:
        """Returns the parameters: by position, `numbers` of the arguments `after` the inputs; by name; defaults."""
        if len(after) > len(row.parameters):
            fault = "this is one parameter too many" if None not in numbers else "inputs stand before parameters"
            raise self.error(f"{usage_of(row)}: {fault}", after[len(row.parameters)])
        places: list[tuple[tuple[int, ...], float | None, ast.AST]] = [
            ((at,), number, argument) for at, (number, argument) in enumerate(zip(numbers, after, strict=True))
        ]
        for keyword in keywords:
            if keyword.arg is None or keyword.arg not in row.keywords:
                ours = _listed(parameter.name for parameter in row.parameters) or "none"
                advice = nearest(keyword.arg or "", row.keywords) or f"; it has {ours}"
                raise self.error(f"{usage_of(row)}: no parameter {_shown(keyword.arg or '**')}{advice}", keyword)
            places.append((row.keywords[keyword.arg], self.number(keyword.value), keyword))
        values = [parameter.default for parameter in row.parameters]
        given: set[int] = set()
        for positions, value, argument in places:
            for at in positions:
                if at in given:
                    raise self.error(f"{usage_of(row)}: {row.parameters[at].name} is given twice", argument)
                given.add(at)
                values[at] = self._parameter(row, at, value, argument)
        return tuple(values)

    def _parameter(self, row: Row, at: int, value: float | None, node: ast.AST) -> float:
        parameter = row.parameters[at]
        if value is None:
            raise self.error(f"{usage_of(row)}: {parameter.name} is a number, not a formula", node)
        fault = parameter.fault(value)
        if fault is not None:
            raise self.error(f"{parameter.name} of {row.name}: {fault}", node)
        return value + 0.0  # -0 is 0


class RowReader(Reader):
    """Reads the formula of a row of the catalog: its columns are the row's inputs, its parameters are known, and
    parameters of what it calls may be arithmetic of them."""

    least_bars = 0

    def __init__(self, source: Source, row: Row, numbers: Mapping[str, float]) -> None:
        super().__init__(source)
        self._row = row
        self._numbers = numbers

    def name(self, node: ast.Name) -> int:
        number = self._numbers.get(node.id)
        return super().name(node) if number is None else self.graph.constant(number)

    def check_row(self, row: Row, parameters: tuple[float, ...], output: int, node: ast.AST) -> None:
        """Leaves the error as it is: the formula whose text a user knows gives it the place."""
        formula_of_row(row, parameters, output)

    def column(self, name: str, node: ast.AST) -> int:
        if name not in self._row.inputs:
            raise self.error(f"{name} is not an input of {self._row.name}", node)
        return super().column(name, node)

    def number(self, node: ast.AST) -> float | None:
        match node:
            case ast.Name():
                return self._numbers.get(node.id)
            case ast.BinOp() if type(node.op) in ARITHMETIC:
                left, right = self.number(node.left), self.number(node.right)
                return None if left is None or right is None else ARITHMETIC[type(node.op)](left, right)
            case ast.Call(func=ast.Name(id="maximum" | "minimum" as name), args=[first, second], keywords=[]):
                left, right = self.number(first), self.number(second)
                return None if left is None or right is None else (max if name == "maximum" else min)(left, right)
        return super().number(node)


ARITHMETIC: dict[type[ast.AST], Callable[[float, float], float]] = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: lambda a, b: a * b,
    ast.Div: lambda a, b: a / b,
    ast.FloorDiv: lambda a, b: a // b,
}
"""Functions with which a row may compute its parameters."""

READ: dict[type[ast.AST], Callable[..., int]] = {
    ast.Constant: Reader.constant,
    ast.Name: lambda reader, node: reader.name(node),
    ast.NamedExpr: Reader.part,
    ast.BinOp: Reader.binary,
    ast.UnaryOp: Reader.unary,
    ast.BoolOp: Reader.truth,
    ast.Compare: Reader.comparison,
    ast.IfExp: Reader.choice,
    ast.Call: Reader.call,
    ast.Attribute: Reader.attribute,
    ast.Subscript: Reader.index,
}
"""Kind of expression -> what reads it."""


def _is_function(name: str) -> bool:
    return name in FUNCTIONS or name in OTHER_BARS or name in rows() or name == COLUMN


def _shown(name: str) -> str:
    return repr(name if len(name) <= LONGEST_NAME else f"{name[:LONGEST_NAME]}...")


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)
