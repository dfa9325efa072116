"""Series of a chart: bars and lines of one ticker, together."""

import numpy as np
import pytest
from served import load

from ziggy_async import FeatureSet, FormulaError
from ziggy_async.charts.series import ChartFormulas, outputs_of


def test_bars_and_formulas_in_their_panes(store):
    load(store, "SPY", 60)
    series = ChartFormulas(["ema(20)", "close"], ["rsi(14)", ["sma(5)", "sma(9)"]]).series("SPY")
    bars = store.bars("SPY")
    for name in ("open", "high", "low", "close", "volume"):
        np.testing.assert_array_equal(getattr(series, name), bars[name])
    np.testing.assert_array_equal(series.timestamps, bars["timestamp"])
    assert [(line.name, line.pane) for line in series.lines] == [
        ("ema(20)", 0),
        ("close", 0),
        ("rsi(14)", 1),
        ("sma(5)", 2),
        ("sma(9)", 2),
    ]
    for line in series.lines:
        np.testing.assert_array_equal(line.values, FeatureSet(line.name).history(["SPY"])[line.name])


@pytest.mark.parametrize(
    ("formula", "lines"),
    [
        ("macd()", ["macd().macd", "macd().signal", "macd().histogram"]),
        (" bbands(10) ", ["bbands(10).upper", "bbands(10).middle", "bbands(10).lower"]),
        ("macd().signal", ["macd().signal"]),
        ("macd() + 1", ["macd() + 1"]),
        ("sma(5)", ["sma(5)"]),
        ("abs(close)", ["abs(close)"]),
    ],
)
def test_an_indicator_is_a_line_for_each_output(formula, lines):
    assert outputs_of(formula) == lines


async def test_the_newest_bars_have_the_values_of_all(store):
    load(store, "SPY", 200)
    formulas = ChartFormulas(["ema(20)"])
    whole = formulas.series("SPY")
    newest = await formulas.series_async("SPY", bars=7)
    np.testing.assert_array_equal(newest.lines[0].values, whole.lines[0].values[-7:])
    np.testing.assert_array_equal(newest.timestamps, whole.timestamps[-7:])
    later = formulas.series("SPY", bars=7, start=whole.timestamps[-3])
    np.testing.assert_array_equal(later.timestamps, whole.timestamps[-3:])
    assert len(formulas.series("SPY", bars=1000)) == 200
    assert len(formulas.series("NONE", bars=7)) == 0


def test_as_json_what_is_missing_is_null(store):
    load(store, "SPY", 3)
    content = ChartFormulas(["sma(3)"]).series("SPY").to_dict()
    assert content["lines"] == [{"name": "sma(3)", "pane": 0}]
    assert [bar[0] for bar in content["bars"]] == [1577836800.0, 1577923200.0, 1578009600.0]
    assert [bar[6] for bar in content["bars"]] == [None, None, pytest.approx(100 + (np.sin(1) + np.sin(2)) / 3)]
    assert content["bars"][0][1:6] == [100.0, 101.0, 99.0, 100.0, 100.0]
    assert ChartFormulas().series("NONE").to_dict()["bars"] == []


def test_a_formula_that_cannot_be_drawn():
    with pytest.raises(FormulaError, match="did you mean 'rsi'"):
        ChartFormulas(["rsl(14)"])
