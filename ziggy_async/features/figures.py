"""Plans of the application's own sets of figures, whose formulas are rows of the core's tables."""

from collections.abc import Mapping
from functools import lru_cache

from ziggy_async import _core
from ziggy_async.features.formula import read_formula
from ziggy_async.features.lowering import plan_of_formulas

PER_YEAR = "per_year"
"""The name in formulas of the number of bars in a year, which is the store's."""


class Figures:
    """The formulas of a set of figures, by their names. It never changes: its plans are found by its identity, since
    each await of a single ticker looks for one."""

    def __init__(self, formulas: Mapping[str, str]) -> None:
        """An empty formula's figure is 0, put in by the core."""
        self.formulas = dict(formulas)


@lru_cache(maxsize=64)
def plan_of_figures(figures: Figures, bars_per_year: float) -> _core.Plan:
    """Returns the plan that makes each of the figures, under its name. Raises `FormulaError` as for `FeatureSet`."""
    return _plan(tuple(figures.formulas.items()), float(bars_per_year))


@lru_cache(maxsize=64)
def _plan(formulas: tuple[tuple[str, str], ...], bars_per_year: float) -> _core.Plan:
    """Copies of a set share its plans."""
    read = [read_formula(text.replace(PER_YEAR, repr(bars_per_year)) or "0") for _, text in formulas]
    for formula in read:
        formula.refuse_other_bars()
    return plan_of_formulas(read, names=tuple(name for name, _ in formulas))
