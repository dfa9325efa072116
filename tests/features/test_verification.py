"""The checks of `ziggy_async.features.verification`: each finds a plan that breaks what it checks, and the catalog
passes them all."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from reference.bars import walk
from reference.strategies import STRATEGIES

from ziggy_async.features import FormulaError
from ziggy_async.features.verification import (
    CHECKS,
    KEPT,
    NONE,
    Bars,
    Subject,
    catalog_formulas,
    long_series,
    verify,
)

Floats = NDArray[np.float64]


def ticker(count: int, seed: int) -> Bars:
    bars = walk(count, seed=seed)
    return Bars(f"T{seed}", bars.timestamp, bars.columns())


MARKET = [ticker(300 - 13 * seed, seed) for seed in range(11)]
LONG = long_series(MARKET)


def faults(formula: str) -> dict[str, str]:
    return {name: said for name, said in verify(Subject(formula, MARKET, LONG)).items() if said not in (KEPT, NONE)}


@pytest.mark.parametrize("formula", catalog_formulas())
def test_the_catalog_keeps_what_it_promises(formula: str) -> None:
    assert faults(formula) == {}


@pytest.mark.parametrize("name", sorted(STRATEGIES))
def test_strategies_keep_what_they_promise(name: str) -> None:
    assert faults(STRATEGIES[name]) == {}


@pytest.mark.parametrize(
    "formula",
    [
        *("close", "5", "nan", "hour()", "lag(close, 3)", "cumsum(volume)", "sma(5 + 0, 3)"),
        *("sma(close, 2)", "sma(close, 90)", "ema(close, 2)", "stddev(close, 33) / sma(7)"),
        "rank(every('1w', ema(5)))",
        "every('1w', volume, 1) / of('T3', every('1w', volume, 1))",
    ],
)
def test_other_formulas_keep_what_they_promise(formula: str) -> None:
    assert faults(formula) == {}


OF_OTHERS = {"pieces", "outlier", "missing", "short"}
"""What is not checked of formulas that read other tickers."""
OF_PERIODS = {"outlier", "missing"}


@pytest.mark.parametrize(
    ("formula", "left_out"),
    [
        ("sma(close, 20)", set()),
        ("ema(close, 20)", {"outlier"}),  # a recursion never forgets one
        ("rank(close)", OF_OTHERS),
        ("rank(sma(5), by='sector') - demean(volume)", OF_OTHERS),
        ("covariance(returns(close), of('T1', returns(close)), 20) / of('T1', var(returns(close), 20))", OF_OTHERS),
        ("rank(close / of('T3', of('T2', sma(5))))", OF_OTHERS),
        # Of a cross-section that feeds an indicator or a lag no value is kept current.
        ("sma(rank(delta(close, 5)), 20) - rank(volume)", OF_OTHERS | {"live"}),
        ("ema(demean(rsi(14), by='sector'), 10)", OF_OTHERS | {"live"}),
        ("standardize(lag(winsorize(returns(close), 0.1), 2))", OF_OTHERS | {"live"}),
        ("every('1w', ema(5))", OF_PERIODS),
        ("every('1w', rsi(3), 1)", OF_PERIODS),
        ("ema(every('1mo', close), 5) > sma(every('1w', high - low, 1), 20)", OF_PERIODS),
        ("every('1d', macd(3, 5, 2).signal, forming=1)", OF_PERIODS),
        ("every('1mo', sma(2)) - lag(close, 2)", OF_PERIODS),
    ],
)
def test_which_promises_a_formula_makes(formula: str, left_out: set[str]) -> None:
    found = verify(Subject(formula, MARKET, LONG))
    assert set(found.values()) <= {KEPT, NONE}
    assert {name for name, said in found.items() if said == NONE} == left_out


def test_a_column_that_the_bars_have_not() -> None:
    with pytest.raises(FormulaError, match="vwap"):
        verify(Subject("sma(vwap, 3)", MARKET, LONG))


class Broken:
    """A plan for the mean of five closes that breaks one promise."""

    def __init__(self, plan: Any, over: Callable[..., Floats], tails: Callable[..., Floats] | None = None) -> None:
        self.lookbacks, self.reaches = plan.lookbacks, plan.reaches
        self.over = lambda *arguments, **options: over(plan, *arguments, **options)
        self.tails = plan.tails if tails is None else lambda *arguments, **options: tails(plan, *arguments, **options)


def nearly(plan: Any, *arguments: Any, **options: Any) -> Floats:
    return np.nextafter(plan.tails(*arguments, **options), np.inf)


def in_four_lanes(plan: Any, *arguments: Any, lanes: int = 0, **options: Any) -> Floats:
    return plan.over(*arguments, lanes=lanes, **options) * (1.0 if lanes in (0, 8) else 1.0 + 1e-15)


def in_small_blocks(plan: Any, *arguments: Any, block: int = 0, **options: Any) -> Floats:
    return plan.over(*arguments, block=block, **options) * (1.0 + 1e-15 * (block == 16))


def in_pieces(plan: Any, *arguments: Any, pieces: bool = True, **options: Any) -> Floats:
    return plan.over(*arguments, pieces=pieces, **options) * (1.0 + 1e-15 * pieces)


def by_length(
    plan: Any, columns: tuple[Floats, ...], offsets: NDArray[np.int64], *others: Any, **options: Any
) -> Floats:
    lengths = np.repeat(np.diff(offsets), np.diff(offsets))[:, None]
    return plan.over(columns, offsets, *others, **options) + lengths


def of_the_next_bar(plan: Any, columns: tuple[Floats, ...], *others: Any, **options: Any) -> Floats:
    later = np.append(columns[0][1:], columns[0][-1:])
    return plan.over(columns, *others, **options) + later[:, None]


def with_a_running_sum(plan: Any, columns: tuple[Floats, ...], *others: Any, **options: Any) -> Floats:
    total = np.cumsum(np.nan_to_num(columns[0], posinf=0.0, neginf=0.0))
    return plan.over(columns, *others, **options) + total[:, None] - total[:, None]


def without_holes(plan: Any, columns: tuple[Floats, ...], *others: Any, **options: Any) -> Floats:
    filled = np.where(np.isfinite(columns[0]), columns[0], 0.0)
    return plan.over((filled,), *others, **options)


def from_the_first_bar(plan: Any, *arguments: Any, **options: Any) -> Floats:
    return np.nan_to_num(plan.over(*arguments, **options))


@pytest.mark.parametrize(
    ("check", "over", "tails"),
    [
        ("latest", lambda plan, *arguments, **options: plan.over(*arguments, **options), nearly),
        ("lanes", in_four_lanes, None),
        ("blocks", in_small_blocks, None),
        ("pieces", in_pieces, None),
        ("live", lambda plan, *arguments, **options: plan.over(*arguments, **options) * (1.0 + 1e-15), None),
        ("prefix", by_length, None),
        ("later bars", of_the_next_bar, None),
        ("outlier", with_a_running_sum, None),
        ("missing", without_holes, None),
        ("short", from_the_first_bar, None),
    ],
)
def test_each_check_finds_what_is_broken(check: str, over: Callable[..., Floats], tails: Any) -> None:
    subject = Subject("sma(close, 5)", MARKET, LONG)
    plan = subject.plan
    subject.__dict__["plan"] = Broken(plan, over, tails)
    said = verify(subject)[check]
    assert said not in (KEPT, NONE)
    assert any(character.isdigit() for character in said)


def test_there_is_a_broken_plan_for_each_check() -> None:
    (mark,) = (mark for mark in test_each_check_finds_what_is_broken.pytestmark if mark.name == "parametrize")
    assert [case[0] for case in mark.args[1]] == list(CHECKS)
