"""`ziggy-async screen`: which tickers it prints, in which order, and as what."""

import csv
import io
import json
from functools import partial

import numpy as np
import pytest

LAST = {"UP": 130.0, "DOWN": 70.0, "FLAT": 100.0, "NEW": 50.0, "^VIX": 15.0}
"""Close of the last bar; the first was 100. Of NEW and the index there is one bar."""


@pytest.fixture
def screen(command):
    return partial(command, "screen")


@pytest.fixture
def prices(tmp_path):
    path = tmp_path / "prices.csv"
    rows = ["symbol,date,open,high,low,close,volume"]
    for symbol, last in LAST.items():
        count = 30 if symbol in ("UP", "DOWN", "FLAT") else 1
        days = np.arange("2024-01-01", "2024-01-31", dtype="M8[D]")[-count:]
        closes = np.linspace(100.0, last, 30)[-count:]
        rows += [f"{symbol},{day},{c},{c},{c},{c},1000" for day, c in zip(days, closes.tolist(), strict=True)]
    path.write_text("\n".join(rows) + "\n")
    return path


def tickers(text):
    return [row["ticker"] for row in csv.DictReader(io.StringIO(text))]


def test_a_formula_that_is_missing(screen, prices):
    code, out, err = screen()
    assert (code, out) == (2, "")
    assert "required: FORMULA, as in: ziggy-async screen 'rsi(14) < 30 and close > sma(200)' prices.csv" in err
    assert screen(prices)[::2] == (2, f"ziggy-async: a formula comes before the files: '{prices}' is a file\n")


def test_a_table(screen, prices):
    code, out, err = screen("close > lag(close, 5)", prices, "--show", "close", "gain=delta(close, 29)")
    lines = out.splitlines()
    assert (code, err) == (0, "")
    assert lines[0].split() == ["ticker", "as", "of", "close", "gain"]
    assert lines[2].split() == ["UP", "2024-01-30", "130.00", "30.00"]
    assert lines[3].startswith("1 of 4 tickers in ")


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ((), ["UP", "DOWN", "FLAT", "NEW"]),
        (("--sort", "close"), ["NEW", "DOWN", "FLAT", "UP"]),
        (("--sort=-close",), ["UP", "FLAT", "DOWN", "NEW"]),
        (("--sort=-gain",), ["UP", "FLAT", "DOWN", "NEW"]),
        (("--sort", "gain", "--top", "2"), ["DOWN", "FLAT"]),
        (("--tickers", "up,^vix"), ["UP", "^VIX"]),
    ],
)
def test_order_and_choice(screen, prices, options, expected):
    code, out, err = screen("close > 0", prices, "--show", "gain=delta(close, 29)", "--csv", *options)
    assert (code, err) == (0, "")
    assert tickers(out) == expected


def test_json(screen, prices):
    _, out, _ = screen("close < 100", prices, "--show", "close", "sma(20)", "--sort", "close", "--json", "--top", "1")
    answer = json.loads(out)
    row = {"ticker": "NEW", "as_of": "2024-01-30T00:00:00+00:00", "features": {"close": 50.0, "sma(20)": None}}
    assert (answer["rows"], answer["matched"]) == ([row], 2)
    assert answer["seconds"] > 0


def test_what_is_not_shown_is_counted(screen, prices):
    _, out, _ = screen("close > 0", prices, "--top", "1")
    assert "Not shown: 3 more; --top shows them." in out


def test_the_made_up_market(screen):
    code, out, err = screen("rsi(14) < 30", "--csv")
    assert (code, err) == (0, "")
    assert 0 < len(tickers(out)) < 100


def test_an_unknown_ticker(screen, prices):
    code, out, err = screen("close > 0", prices, "--tickers", "up,upp", "--csv")
    assert (code, tickers(out)) == (1, ["UP"])
    assert err == "ziggy-async: no bars of upp (the nearest is UP)\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("clos > 1",), "no column 'clos'; did you mean 'close'? (character 1 of 'clos > 1')"),
        (("close > 1", "--show", "smaa(3)"), "no function 'smaa'; did you mean 'sma'? (character 1 of 'smaa(3)')"),
        (("close > 1", "--sort", "gain"), "no column 'gain' (character 1 of 'gain')"),
        (("close > 1", "--show", "a=close", "a=open"), "two features are called 'a'"),
    ],
)
def test_formulas_that_are_refused(screen, arguments, message):
    assert screen(*arguments) == (2, "", f"ziggy-async: {message}\n")


LONG = " and ".join(["close > 0"] * 40)


def test_a_formula_that_is_longer_than_names_of_files(screen, prices):
    code, out, err = screen(LONG, prices, "--csv")
    assert (code, err) == (0, "")
    assert tickers(out) == tickers(screen("close > 0", prices, "--csv")[1])


def test_an_empty_formula(screen, prices):
    code, out, err = screen("", prices)
    assert (code, out) == (2, "")
    assert err.startswith("ziggy-async: the formula is empty")
