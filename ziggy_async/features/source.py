"""The text of a formula as a syntax tree of bounded size, and the places of its parts. No text is ever evaluated."""

import ast
import re
from contextlib import suppress
from functools import cached_property

from ziggy_async.features.errors import FormulaError
from ziggy_async.features.syntax import BARE_PART, OTHER_LANGUAGES

MOST_CHARACTERS = 10_000
MOST_NODES = 1_000
MOST_DEPTH = 100
TOO_DEEP = f"the formula is nested deeper than {MOST_DEPTH} levels"

SIGNS = re.compile(rf"[-+~](?:\s*[-+~]){{{MOST_DEPTH}}}")
"""More signs in a row than there may be: where stacks are small, Python's parser crashes on thousands of them."""
MOST_TRIES = 100
"""Times that a text is parsed anew because another thread has parsed one meanwhile."""
OTHER_OPERATOR = re.compile(r"&&|\|\||<>|\?|:=|!(?!=)|(?<![=<>!:])=(?!=)|\b(?:AND|OR|NOT)\b")
"""The operators of `OTHER_LANGUAGES`, and `:=`."""
LINE_END = re.compile(r"\r\n|\r|\n")


class Source:
    """`text` and its `tree`. Raises `FormulaError` for text that is not a Python expression, or a larger one than is
    allowed."""

    def __init__(self, text: str) -> None:
        self.text = text.strip()
        if not self.text:
            raise FormulaError("the formula is empty", self.text, 0, 0)
        if len(self.text) > MOST_CHARACTERS:
            fault = f"the formula has {len(self.text):,} characters; {MOST_CHARACTERS:,} are allowed"
            raise FormulaError(fault, self.text, MOST_CHARACTERS, MOST_CHARACTERS + 1)
        if (signs := SIGNS.search(self.text)) is not None:
            raise FormulaError(TOO_DEEP, self.text, signs.start(), signs.end())
        self.tree = self._parsed()
        self._refuse_size()

    def error(self, message: str, node: ast.AST) -> FormulaError:
        """Returns an error that points at `node`."""
        start, end = self.place(node)
        return FormulaError(message, self.text, start, end)

    def place(self, node: ast.AST) -> tuple[int, int]:
        """Returns the first character of `node` and the one after its last."""
        line, column = node.lineno, node.col_offset  # type: ignore[attr-defined]
        end_line, end_column = node.end_lineno, node.end_col_offset  # type: ignore[attr-defined]
        return self._character(line, column), self._character(end_line, end_column)

    def _character(self, line: int, column: int) -> int:
        """Returns the place of a line counted from 1 and a column counted in bytes of UTF-8, as `ast` has them."""
        start = self._line_starts[line - 1] if line > 1 else 0
        if self.text.isascii():
            return start + column
        return start + len(self.text[start:].encode()[:column].decode(errors="ignore"))

    @cached_property
    def _line_starts(self) -> list[int]:
        return [0, *(match.end() for match in LINE_END.finditer(self.text))]

    def _parsed(self) -> ast.expr:
        try:
            return parsed(self.text)
        except SyntaxError as error:
            raise self._syntax_error(error) from None
        except (MemoryError, RecursionError):
            raise FormulaError(TOO_DEEP, self.text, 0, 0) from None
        except UnicodeEncodeError as error:
            fault = "a character that is not Unicode text"
            raise FormulaError(fault, self.text, error.start, error.end) from None
        except ValueError as error:  # a null character, a number of thousands of digits: as versions of Python go
            raise FormulaError(f"not a formula: {error}", self.text, 0, len(self.text)) from None

    def _syntax_error(self, error: SyntaxError) -> FormulaError:
        """Python gives no line for a null character, and column 0 for an end that comes too early."""
        start = len(self.text)
        if error.lineno is None:
            start = max(0, self.text.find("\0"))
        elif error.offset and error.lineno <= len(self._line_starts):
            start = min(self._line_starts[error.lineno - 1] + error.offset - 1, start)
        for other in OTHER_OPERATOR.finditer(self.text):
            if other.start() <= start <= other.end() + 1:
                ours = OTHER_LANGUAGES.get(other[0])
                fault = BARE_PART if ours is None else f"{other[0]} is not an operator of formulas; write {ours}"
                return FormulaError(fault, self.text, *other.span())
        return FormulaError(f"not a formula: {error.msg}", self.text, start, start + 1)

    def _refuse_size(self) -> None:
        if len(self.text) <= MOST_DEPTH:
            return  # each part has a character of its own
        count = 0
        level = [self.tree]
        for _ in range(MOST_DEPTH):
            count += len(level)
            level = [part for node in level for part in parts_of(node)]
            if count + len(level) > MOST_NODES:
                raise self.error(f"the formula has more than {MOST_NODES:,} parts", level[-1])
            if not level:
                return
        raise self.error(TOO_DEEP, level[0])


def parsed(text: str) -> ast.expr:
    """Returns the syntax tree of `text`; raises what `ast.parse` does.

    CPython 3.11 counts the depth of the tree that it makes for all threads together: a switch to another one that
    parses ends in "recursion depth mismatch", of which the next try knows nothing.
    """
    for _ in range(MOST_TRIES):
        with suppress(SystemError):
            return ast.parse(text, mode="eval").body
    return ast.parse(text, mode="eval").body


def parts_of(node: ast.AST) -> list[ast.expr]:
    """Returns the expressions right below `node`; what stands in between (keywords, clauses of a comprehension) is
    passed."""
    parts: list[ast.expr] = []
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.expr):
            parts.append(child)
        elif child._fields:
            parts += parts_of(child)
    return parts
