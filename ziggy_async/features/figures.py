"""Plans of the application's own sets of figures, whose formulas are rows of the core's tables."""

from collections.abc import Mapping
from functools import lru_cache

from ziggy_async import _core
from ziggy_async.features.formula import read_formula
from ziggy_async.features.lowering import plan_of_formulas

PER_YEAR = "per_year"
"""The name in formulas of the number of bars in a year, which is the store's."""


class Figures:
    """The formulas of a set of figures, by their names. They never change."""

    def __init__(self, formulas: Mapping[str, str]) -> None:
        """An empty formula's figure is 0, put in by the core."""
        self.formulas = dict(formulas)
        self._planned: tuple[float, _core.Plan] | None = None  # the last plan, since each await of a ticker asks for it

    def __reduce__(self) -> tuple[type["Figures"], tuple[dict[str, str]]]:
        return Figures, (self.formulas,)

    def plan(self, bars_per_year: float) -> _core.Plan:
        """Returns the plan that makes each of the figures, under its name. Raises `FormulaError` as for `FeatureSet`.
        From any thread."""
        planned = self._planned
        if planned is None or planned[0] != bars_per_year:
            planned = bars_per_year, _plan(tuple(self.formulas.items()), float(bars_per_year))
            self._planned = planned
        return planned[1]


@lru_cache(maxsize=64)
def _plan(formulas: tuple[tuple[str, str], ...], bars_per_year: float) -> _core.Plan:
    """Copies of a set share its plans."""
    read = [read_formula(text.replace(PER_YEAR, repr(bars_per_year)) or "0") for _, text in formulas]
    for formula in read:
        formula.refuse_other_bars()
    return plan_of_formulas(read, names=tuple(name for name, _ in formulas))
