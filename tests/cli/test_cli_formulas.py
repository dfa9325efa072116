"""`ziggy-async indicators` and `ziggy-async history`."""

import json
import subprocess
import sys

import duckdb
import numpy as np
import pytest

from ziggy_async import BarStore, FeatureSet


@pytest.fixture
def prices(tmp_path):
    """A file of 700 bars of UP and 10 of NEW."""
    path = tmp_path / "prices.csv"
    days = np.arange("2020-01-01", "2021-12-01", dtype="M8[D]")[:700]
    rows = [f"UP,{day},{100 + at},{101 + at},{99 + at},{100 + at},1000" for at, day in enumerate(days)]
    rows += [f"NEW,{day},50,51,49,50,1000" for day in days[:10]]
    path.write_text("symbol,date,open,high,low,close,volume\n" + "\n".join(rows) + "\n")
    return path


def test_the_catalog_is_listed(command):
    code, out, err = command("indicators")
    assert (code, err) == (0, "")
    assert "macd(close, fast=12, slow=26, signal=9)" in out
    assert "RSI" in out


@pytest.mark.parametrize("name", ["macd", "MACD"])
def test_one_indicator_is_told_of(command, name):
    _, out, _ = command("indicators", name)
    for word in ("slowperiod", "a whole number from 2 to 100000; 26 if left out", "macdsignal", "histogram"):
        assert word in out
    _, out, _ = command("indicators", name, "--json")
    described = json.loads(out)
    assert (described["name"], described["talib"]) == ("macd", "MACD")
    assert [output["name"] for output in described["outputs"]] == ["macd", "signal", "histogram"]


@pytest.mark.parametrize("name", ["ma", "macdext"])
def test_types_of_moving_averages_are_those_that_there_are(command, name):
    _, out, _ = command("indicators", name)
    assert "4 tema, 5 trima, 6 kama, 8 t3" in out
    assert "mama" not in out
    assert "from 0 to 8" not in out


def test_the_catalog_as_json(command):
    _, out, _ = command("indicators", "--json")
    assert {"rsi", "sma", "ma", "dema"} <= {row["name"] for row in json.loads(out)["indicators"]}


def test_an_indicator_that_is_none(command):
    code, out, err = command("indicators", "rsii")
    assert (code, out) == (2, "")
    assert err == "ziggy-async: no indicator 'rsii'; did you mean 'rsi'?\n"


def test_history_goes_into_a_file(command, prices, tmp_path):
    path = tmp_path / "out.parquet"
    code, out, err = command("history", prices, "--features", "rsi(14)", "up=close > sma(3)", "close == 50", "-o", path)
    assert (code, err) == (0, "")
    assert out == f"{path}: 710 rows of 2 tickers, 3 features\n"
    columns = duckdb.sql(f"SELECT * FROM '{path}'").fetchnumpy()
    assert list(columns) == ["symbol", "timestamp", "rsi(14)", "close == 50", "up"]
    store = BarStore(capacity=1000)
    store.load_frame(duckdb.read_csv(str(prices)))
    table = FeatureSet("rsi(14)", "close == 50", up="close > sma(3)").history(["UP", "NEW"], store)
    for name in table.names:
        np.testing.assert_array_equal(np.ma.filled(columns[name], np.nan), table[name])


def test_history_of_some_tickers_and_days_as_csv(command, prices, tmp_path):
    path = tmp_path / "out.csv"
    asked = ("--tickers", "new,ZZZ", "--start", "2020-01-02", "--end", "2020-01-03")
    code, out, err = command("history", prices, "--features", "close", *asked, "--output", path)
    assert code == 1
    assert out.endswith("2 rows of 1 ticker, 1 feature\n")
    assert err == "ziggy-async: no bars of ZZZ\n"
    assert path.read_text().splitlines() == [
        "symbol,timestamp,close",
        "NEW,2020-01-02 00:00:00,50.0",
        "NEW,2020-01-03 00:00:00,50.0",
    ]


@pytest.mark.parametrize(
    ("formulas", "message"),
    [
        (["clos(3)"], "no function 'clos'; did you mean 'cos'? (character 1 of 'clos(3)')"),
        (["close > clse"], "no column 'clse'; did you mean 'close'? (character 9 of 'close > clse')"),
        (["a=close", "a=open"], "two features are called 'a'"),
        (["close", "close"], "two features are called 'close'"),
    ],
)
def test_history_of_formulas_that_are_refused(command, prices, tmp_path, formulas, message):
    code, out, err = command("history", prices, "--features", *formulas, "-o", tmp_path / "out.parquet")
    assert (code, out) == (2, "")
    assert err == f"ziggy-async: {message}\n"
    assert not (tmp_path / "out.parquet").exists()


def test_history_into_a_file_that_cannot_be(command, prices, tmp_path):
    for path, message in (
        (tmp_path / "out.txt", "ends in .parquet or .csv"),
        (tmp_path / "no" / "o.csv", "cannot be written"),
    ):
        code, out, err = command("history", prices, "--features", "close", "-o", path)
        assert (code, out) == (2, "")
        assert message in err
        assert err.count("\n") == 1


@pytest.mark.parametrize("name", ["prices.csv", "linked.csv"])
def test_history_and_charts_do_not_overwrite_their_own_input(command, prices, tmp_path, name):
    (tmp_path / "linked.csv").hardlink_to(prices)
    before = prices.read_bytes()
    code, out, err = command("history", prices, "--features", "close", "-o", tmp_path / name)
    assert (code, out) == (2, "")
    assert err == f"ziggy-async: {tmp_path / name}: is one of the files of bars, and would be overwritten\n"
    assert prices.read_bytes() == before
    page = prices.rename(tmp_path / "prices.html")
    code, out, err = command("chart", page, "--ticker", "UP", "-o", page)
    assert (code, out) == (2, "")
    assert "prices.html: is one of the files of bars" in err
    assert page.read_bytes() == before


def test_history_does_not_overwrite_a_file_of_its_folder_or_standard_input(prices, tmp_path):
    before = prices.read_bytes()
    for files in ([tmp_path], ["-"]):
        with prices.open("rb") as stdin:
            arguments = [sys.executable, "-m", "ziggy_async", "history", *files, "--features", "close", "-o", prices]
            ended = subprocess.run(arguments, stdin=stdin, capture_output=True, text=True)
        assert (ended.returncode, ended.stdout) == (2, "")
        assert "prices.csv: is one of the files of bars" in ended.stderr
        assert prices.read_bytes() == before
