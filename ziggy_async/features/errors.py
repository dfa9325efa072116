"""The error of a formula, and its place."""

from ziggy_async.messages import shown

MARGIN = "    "
LONGEST_EXCERPT = 100
"""Characters of a formula that a message shows; of a longer one, those about the place."""
BEFORE_PLACE = 40
"""Characters of them in front of the place."""


class FormulaError(ValueError):
    """A formula that cannot be used: `message` says why, `formula[start:end]` is the place.

    As text: the message, below it the formula, and a caret under the place.
    """

    def __init__(self, message: str, formula: str, start: int, end: int) -> None:
        super().__init__(message, formula, start, end)
        self.message = message
        self.formula = formula
        self.start = start
        self.end = end

    @property
    def line(self) -> str:
        """The message, the formula and the place in one line."""
        return f"{self.message} (character {self.start + 1} of {shown(self.formula)})"

    def __str__(self) -> str:
        first = 0 if len(self.formula) <= LONGEST_EXCERPT else max(0, self.start - BEFORE_PLACE)
        excerpt = self.formula[first : first + LONGEST_EXCERPT]
        text = "".join(each if each.isprintable() else " " for each in excerpt)
        before = "..." if first > 0 else ""
        after = "..." if first + len(excerpt) < len(self.formula) else ""
        blanks = " " * (len(before) + self.start - first)
        carets = "^" * max(1, min(self.end, first + len(excerpt)) - self.start)
        return f"{self.message}\n{MARGIN}{before}{text}{after}\n{MARGIN}{blanks}{carets}"
