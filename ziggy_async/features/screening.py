"""Screening: the tickers for which a formula holds on their last bar, with features beside them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from ziggy_async import off_loop
from ziggy_async.arguments import whole
from ziggy_async.features.asking import FEW
from ziggy_async.features.feature_set import FeatureSet
from ziggy_async.features.table import FeatureTable
from ziggy_async.messages import shown
from ziggy_async.store import BarStore

Features = FeatureSet | Mapping[str, str] | Iterable[str] | str | None


def screen(
    where: str,
    features: Features = None,
    tickers: Iterable[str] | None = None,
    store: BarStore | None = None,
    sort: str | None = None,
    limit: int | None = None,
) -> FeatureTable:
    """Chooses the tickers for which the formula `where` is true on their last bar: neither 0 nor NaN.

    `features` stand beside them: a `FeatureSet`, formulas, or formulas by name; None: none. `sort` is a formula or the
    name of one of the features: the least first, or with a minus in front, as in "-rsi(14)", the greatest; NaN last.
    Equal ones, and all without `sort`, stay in the order asked; `tickers` None: all of the store, sorted. `limit`: how
    many there are at most.

    Returns one row a ticker. `missing` are the tickers asked for that are not in the store. Raises `FormulaError` as
    `FeatureSet` and its `latest` do, `ValueError` for a negative `limit`, `TypeError` for a `where` or `sort`
    that is not text and for a `limit` that is not a whole number.
    """
    screening = Screening.of(where, features, sort, limit)
    return screening.chosen(screening.figures.latest(tickers, store))


async def screen_async(
    where: str,
    features: Features = None,
    tickers: Iterable[str] | None = None,
    store: BarStore | None = None,
    sort: str | None = None,
    limit: int | None = None,
    *,
    deadline: float | None = None,
) -> FeatureTable:
    """Does what `screen` does, off the loop; `deadline` and cancelling as for `FeatureSet.latest_async`."""
    return await Screening.of(where, features, sort, limit).run_async(tickers, store, deadline)


@dataclass(frozen=True)
class Screening:
    """A question. The columns of `figures` are the condition, the key to sort by if there is one, and the
    features `names`; a formula that is several of these is computed once."""

    figures: FeatureSet
    names: tuple[str, ...]
    is_sorted: bool
    limit: int | None

    @classmethod
    def of(cls, where: str, features: Features, sort: str | None, limit: int | None) -> "Screening":
        """Raises as `screen` does."""
        for name, text in (("where", where), ("sort", "" if sort is None else sort)):
            if not isinstance(text, str):
                raise TypeError(f"{name}: {shown(text)} is not a str")
        beside = formulas_of(features)
        limit = None if limit is None else whole("limit", limit)
        if limit is not None and limit < 0:
            raise ValueError(f"limit: {shown(limit)} is negative")
        keys = [] if sort is None else [sort_key(sort, beside)]
        formulas = [where, *keys, *beside.values()]
        figures = FeatureSet(**{str(at): formula for at, formula in enumerate(formulas)})
        return cls(figures, tuple(beside), sort is not None, limit)

    async def run_async(
        self, tickers: Iterable[str] | None, store: BarStore | None, deadline: float | None
    ) -> FeatureTable:
        """Returns the answer of `screen_async`."""
        table = await self.figures.latest_async(tickers, store, deadline=deadline)
        return self.chosen(table) if len(table) <= FEW else await off_loop.short.run(self.chosen, table)

    def chosen(self, table: FeatureTable) -> FeatureTable:
        """Returns the rows of `table`, which `figures` gave, that are asked for, with the features alone."""
        figures = table.to_numpy()
        condition = figures[:, 0]
        rows = np.flatnonzero((condition != 0) & ~np.isnan(condition))
        if self.is_sorted:
            rows = rows[np.argsort(figures[rows, 1], kind="stable")]  # which puts NaN last
        return table.chosen(rows[: self.limit], slice(1 + self.is_sorted, None), self.names)


def formulas_of(features: Features) -> Mapping[str, str]:
    """Returns name -> formula. Raises as `FeatureSet` does, and `TypeError` for anything but `Features`."""
    if features is None:
        return {}
    if not isinstance(features, FeatureSet | Iterable):
        raise TypeError(f"features: {shown(features)} is neither a FeatureSet nor formulas, with names or without")
    if isinstance(features, FeatureSet):
        return features.formulas
    if isinstance(features, Mapping):
        for name in features:
            if not isinstance(name, str):
                raise TypeError(f"features: the name {shown(name)} is not a str")
        return FeatureSet(**features).formulas if features else {}
    formulas = [features] if isinstance(features, str) else list(features)
    return FeatureSet(*formulas).formulas if formulas else {}


def sort_key(sort: str, features: Mapping[str, str]) -> str:
    """Returns the formula to sort by."""
    if sort in features:
        return features[sort]
    is_reversed = sort.startswith("-") and sort[1:] in features
    return f"-({features[sort[1:]]})" if is_reversed else sort
