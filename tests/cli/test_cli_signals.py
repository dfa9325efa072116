"""`ziggy-async signals`: which tickers it shows and in which order, by which rules, as CSV, and from standard input."""

import csv
import io
import json
import subprocess
import sys

import pytest

from ziggy_async.cli import main
from ziggy_async.cli.signals import CSV_COLUMNS
from ziggy_async.market_brain.signals import DEFAULT_PARAMETERS, signal_generator

HEADER = "date,open,high,low,close,volume\n"


@pytest.fixture
def signals(capsys, store, monkeypatch):
    """Runs the command in this process, which has to end well: the rows of its CSV."""
    monkeypatch.setattr(signal_generator, "params", dict(DEFAULT_PARAMETERS))

    def run(*arguments):
        assert main(["signals", "--csv", *arguments]) == 0
        captured = capsys.readouterr()
        assert captured.err == ""
        return list(csv.DictReader(io.StringIO(captured.out)))

    return run


def figures(rows, name):
    return [float(row[name]) for row in rows]


def bars(closes):
    rows = [f"2024-{day // 28 + 1:02}-{day % 28 + 1:02},{c},{c + 1},{c - 1},{c},1000\n" for day, c in enumerate(closes)]
    return HEADER + "".join(rows)


def long_table(**closes):
    """The bars of several symbols."""
    rows = [f"{symbol},{row}\n" for symbol in closes for row in bars(closes[symbol]).splitlines()[1:]]
    return f"symbol,{HEADER}" + "".join(rows)


def test_the_most_confident_come_first(signals):
    rows = signals()
    assert len(rows) > 50
    assert all(row["direction"] in ("LONG", "SHORT") for row in rows)
    confidences = figures(rows, "confidence")
    assert confidences == sorted(confidences, reverse=True)
    assert signals("--top", "3") == rows[:3]


def test_what_csv_says_is_what_json_says(signals, capsys):
    [row] = signals("--tickers", "AUTO07")
    assert tuple(row) == CSV_COLUMNS
    assert main(["signals", "--json", "--tickers", "AUTO07"]) == 0
    [answer] = json.loads(capsys.readouterr().out)["signals"]
    signal = answer["signal"]
    assert row["signal_type"] == signal["signal_type"]
    assert float(row["confidence"]) == signal["confidence"]
    assert float(row["stop_loss"]) == signal["price_levels"]["stop_loss"]
    assert float(row["expected_return"]) == signal["context"]["expected_return"]
    assert row["reason"] == signal["reason"]


def test_csv_of_tickers_without_a_signal(signals):
    [row] = signals("--tickers", "spy")
    assert (row["ticker"], row["as_of"], row["reason"]) == ("SPY", "2024-12-05T00:00:00+00:00", "no_trade_edge")
    assert (row["direction"], row["confidence"], row["entry"]) == ("", "", "")


@pytest.mark.parametrize(
    ("sort", "column", "falls"),
    [
        ("rsi", "rsi_14", True),
        ("-rsi", "rsi_14", False),
        ("return", "expected_return", True),
        ("-close", "close", False),
    ],
)
def test_sorted_by_a_figure(signals, sort, column, falls):
    values = figures(signals(f"--sort={sort}"), column)
    assert values == sorted(values, reverse=falls)
    assert len(values) > 50


def test_sorted_by_name_and_as_given(signals):
    names = [row["ticker"] for row in signals("--sort", "ticker", "--all")]
    assert len(names) == 500
    assert names == sorted(names)
    asked = "TELE01,SPY,AUTO07,AUTO13"
    assert [row["ticker"] for row in signals("--tickers", asked)] == asked.split(",")
    by_confidence = [row["ticker"] for row in signals("--tickers", asked, "--sort", "confidence")]
    assert by_confidence == ["AUTO13", "AUTO07", "TELE01", "SPY"], "those without a signal last, in the order given"


def test_a_regime_that_is_given(signals):
    assert {row["regime"] for row in signals()} == {"RiskOn"}
    rows = signals("--regime", "riskoff")
    assert {row["regime"] for row in rows} == {"RiskOff"}
    assert {(row["signal_type"], row["direction"]) for row in rows} == {("MeanReversion", "LONG")}
    assert signals("--regime", "Panic") == []


def test_a_market_that_is_given(capsys, refused, tmp_path):
    path = tmp_path / "bars.csv"
    path.write_text(long_table(UP=range(100, 160), DOWN=range(160, 100, -1)))

    def last_but_one(*arguments):
        assert main(["signals", str(path), *arguments]) == 0
        return capsys.readouterr().out.splitlines()[-2]

    assert last_but_one() == "Chop: no features of SPY. --market TICKER reads the regime from another one."
    assert "UP slope +" in last_but_one("--market", "up")
    assert "DOWN slope -" in last_but_one("--market", "DOWN")
    assert refused("signals", path, "--market", "upp") == "ziggy-async: --market: no bars of upp (the nearest is UP)\n"


def test_parameters_that_are_given(signals):
    usual = signals()
    rows = signals("--param", "mr_rsi_oversold=40", "--param", "mom_trend_strength=1e9")
    assert {row["signal_type"] for row in rows} == {"MeanReversion"}
    lows = [row for row in rows if row["direction"] == "LONG"]
    assert 30 < max(figures(lows, "rsi_14")) < 40
    assert max(figures([row for row in usual if "above -" not in row["reason"]], "rsi_14")) > 70


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ("--regime calm", "'calm'"),
        ("--param mr_rsi_oversold", "NAME=VALUE"),
        ("--param mr_rsi_oversold=low", "NAME=VALUE"),
        ("--param mr_rsi_oversold=nan", "mr_rsi_oversold"),
        ("--param oversold=30", "mr_rsi_oversold"),
        ("--regime Chop --market SPY", "--market"),
        ("--sort volume", "z-score"),
        ("--top 0", "'0'"),
        ("--top many", "'many'"),
        ("--json --csv", "--csv"),
        ("- A=-", "only once"),
    ],
)
def test_arguments_that_are_wrong(refused, arguments, named):
    assert named in refused("signals", *arguments.split())


def piped(text, *arguments):
    return subprocess.run(
        [sys.executable, "-m", "ziggy_async", *arguments], input=text, capture_output=True, text=True, timeout=60
    )


def test_bars_from_standard_input():
    closes = range(100, 160)
    done = piped(bars(closes), "features", "UP=-", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    [features] = json.loads(done.stdout)["features"]
    assert (features["ticker"], features["bars"], features["close"]) == ("UP", 60, 159.0)
    assert json.loads(piped(long_table(UP=closes), "features", "-", "--json").stdout)["features"] == [features]


@pytest.mark.parametrize(
    ("text", "argument", "message"),
    [
        (bars([5, 6, 7]), "-", "standard input: has no symbol column; say whose bars it has with SYMBOL=-"),
        (bars([5, 5, 0]), "A=-", "standard input: A, line 4: open 0"),
        ("", "A=-", "standard input: is empty"),
    ],
)
def test_what_is_wrong_on_standard_input(text, argument, message):
    done = piped(text, "features", argument)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"ziggy-async: {message}")
    assert done.stderr.count("\n") == 1


def test_standard_input_that_is_closed():
    script = 'exec "$0" -m ziggy_async features A=- <&-'
    done = subprocess.run(["sh", "-c", script, sys.executable], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (2, "ziggy-async: standard input: is closed\n")
