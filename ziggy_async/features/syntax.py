"""The part of Python's syntax that formulas have, and the messages for the rest."""

import ast

OPERATORS: dict[type[ast.AST], str] = {
    ast.Add: "add",
    ast.Sub: "subtract",
    ast.Mult: "multiply",
    ast.Div: "divide",
    ast.Pow: "power",
    ast.Mod: "remainder",
    ast.USub: "negative",
    ast.Not: "not",
    ast.And: "and",
    ast.Or: "or",
    ast.Lt: "less",
    ast.LtE: "less_equal",
    ast.Gt: "greater",
    ast.GtE: "greater_equal",
    ast.Eq: "equal",
    ast.NotEq: "not_equal",
}
"""Operator of Python -> operation per bar."""

INSTEAD: dict[type[ast.AST], str] = {
    ast.FloorDiv: "// is not an operator of formulas; write floor(a / b)",
    ast.BitAnd: "& is not an operator of formulas; write a and b",
    ast.BitOr: "| is not an operator of formulas; write a or b",
    ast.BitXor: "^ is not an operator of formulas; write a ** b for a power, a != b for either but not both",
    ast.LShift: "<< is not an operator of formulas; write a * 2 ** b",
    ast.RShift: ">> is not an operator of formulas; write floor(a / 2 ** b)",
    ast.MatMult: "@ is not an operator of formulas; write a * b",
    ast.UAdd: "a sign + is refused; leave it out",
    ast.Invert: "~ is not an operator of formulas; write not a",
    ast.Is: "is compares no values; write a == b",
    ast.IsNot: "is not compares no values; write a != b",
    ast.In: "in is not an operator of formulas; write a == b or a == c",
    ast.NotIn: "not in is not an operator of formulas; write a != b and a != c",
}
"""Syntax that formulas do not have -> what to write instead."""

OTHER_LANGUAGES: dict[str, str] = {
    "&&": "and",
    "||": "or",
    "AND": "and",
    "OR": "or",
    "NOT": "not",
    "!": "not",
    "=": "==",
    "<>": "!=",
    "?": "a if condition else b",
}
"""Operator of other languages, at which Python's parser stops -> what formulas write."""

BARE_PART = ":= names a part within parentheses: (x := sma(20)) - lag(x, 1)"

SYNTAX: dict[type[ast.AST], str] = {
    ast.List: "a list",
    ast.Tuple: "a tuple",
    ast.Dict: "a dict",
    ast.Set: "a set",
    ast.ListComp: "a comprehension",
    ast.SetComp: "a comprehension",
    ast.DictComp: "a comprehension",
    ast.GeneratorExp: "a comprehension",
    ast.Lambda: "a lambda",
    ast.JoinedStr: "an f-string",
    ast.Starred: "a starred argument",
    ast.Slice: "a slice",
}
"""The message for the other kinds."""
