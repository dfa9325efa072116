"""The command `ziggy-async`: what it prints, what it refuses, and how it ends."""

import math
import os
import subprocess
import sys

import pytest
from rest import strict_json

from ziggy_async._version import __version__
from ziggy_async.cli import output, signals

HEADER = "symbol,date,open,high,low,close,volume\n"


@pytest.fixture
def prices(tmp_path):
    """A file of 60 rising bars of UP, 10 of NEW and 60 of ^VIX."""
    path = tmp_path / "prices.csv"
    rows = [row("UP", day, 100 + day) for day in range(60)]
    rows += [row("NEW", day, 50) for day in range(10)]
    rows += [row("^VIX", day, 15) for day in range(60)]
    path.write_text(HEADER + "".join(rows))
    return path


def row(symbol, day, close, volume=1000):
    return f"{symbol},2024-{day // 28 + 1:02}-{day % 28 + 1:02},{close},{close + 1},{close - 1},{close},{volume}\n"


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        (
            ("signals", "--limit", "5"),
            "signals: no option --limit; did you mean '--top'? See ziggy-async signals --help",
        ),
        (("chart", "--limit=5"), "chart: no option --limit; did you mean '--bars'?"),
        (("screen", "close", "--features", "close"), "screen: no option --features; did you mean '--show'?"),
        (("chart", "--symbol", "SPY"), "chart: no option --symbol; did you mean '--ticker'?"),
        (("features", "--tikcers", "SPY"), "features: no option --tikcers; did you mean '--tickers'?"),
        (("screen", "close", "--sort", "-close"), "screen: argument --sort: expected one argument; one that begins"),
        (("bench", "--zzz"), "bench: no option --zzz; see ziggy-async bench --help"),
        (("doctor", "spy"), "doctor: unexpected argument spy; see ziggy-async doctor --help"),
    ],
)
def test_an_option_that_is_none(refused, arguments, fault):
    assert refused(*arguments).startswith(f"ziggy-async {fault}")


def test_signals_of_the_made_up_market(command):
    code, out, err = command("signals", "--json")
    assert (code, err) == (0, "")
    result = strict_json(out)
    assert set(result) == {"signals", "regime", "seconds", "lag_ms"}
    assert set(result["lag_ms"]) == {"p50", "p95", "p99", "max"}
    assert result["regime"] in {"RiskOn", "Chop"}
    assert result["seconds"] > 0
    assert len(result["signals"]) == 500
    signals = [each["signal"] for each in result["signals"] if each["signal"]]
    kinds = {(signal["signal_type"], signal["direction"]) for signal in signals}
    assert kinds >= {("MeanReversion", "LONG"), ("MeanReversion", "SHORT"), ("Momentum", "LONG")}


def test_signals_come_in_the_order_asked(command):
    _, out, _ = command("signals", "--json", "--tickers", "TELE01,spy, AUTO01,TELE01")
    assert [each["ticker"] for each in strict_json(out)["signals"]] == ["TELE01", "SPY", "AUTO01"]


def test_a_long_table_shows_the_signals_and_counts_the_rest(command):
    code, out, err = command("signals")
    assert (code, err) == (0, "")
    found = sum("LONG" in line or "SHORT" in line for line in out.splitlines())
    assert f"Not shown: {500 - found} tickers without a signal ({500 - found} no_trade_edge)." in out
    assert "loop lag" in out
    for name in signals.COLUMNS:
        assert name in out


def test_all_shows_all(command):
    _, out, _ = command("signals", "--all")
    assert out.count("no_trade_edge") > 200
    assert "Not shown" not in out


def test_files_and_tickers(command, prices):
    _, out, _ = command("signals", prices, "--json")
    signals = strict_json(out)["signals"]
    assert [each["ticker"] for each in signals] == ["UP", "NEW"]
    _, out, _ = command("signals", "--tickers", "^VIX,UP", prices, "--json")
    assert [each["ticker"] for each in strict_json(out)["signals"]] == ["^VIX", "UP"]


def test_an_index_that_is_asked_for_is_shown(command):
    code, out, err = command("signals", "--tickers", "^vix")
    assert (code, err) == (0, "")
    assert any(line.split()[:1] == ["^VIX"] for line in out.splitlines())


def test_a_file_of_indices_alone_shows_them(command, tmp_path):
    path = tmp_path / "^VIX_daily.csv"
    path.write_text((HEADER + row("x", 1, 15)).replace("symbol,", "").replace("x,", ""))
    _, out, _ = command("signals", path, "--json")
    assert [each["ticker"] for each in strict_json(out)["signals"]] == ["^VIX"]


def test_too_few_bars_are_a_reason_and_no_error(command, prices):
    code, out, err = command("signals", prices, "--tickers", "NEW")
    assert (code, err) == (0, "")
    assert "insufficient_features" in out


def test_features(command, prices):
    _, out, _ = command("features", prices, "--json")
    result = strict_json(out)
    assert [(each["ticker"], each["status"]) for each in result["features"]] == [
        ("UP", "ok"),
        ("NEW", "insufficient_data"),
    ]
    assert result["features"][0]["close"] == 159
    code, out, _ = command("features", prices)
    assert code == 0
    assert "159.00" in out
    assert "insufficient_data" in out


def test_features_of_many_tickers_are_rows(command):
    _, out, _ = command("features")
    assert sum(line.split()[-1:] == ["ok"] for line in out.splitlines()) == 500


@pytest.mark.parametrize("arguments", ["signals --all", "features --tickers SPY", "features", "doctor"])
def test_tables_without_rich(command, monkeypatch, arguments):
    for module in ("rich", "rich.console", "rich.progress"):
        monkeypatch.setitem(sys.modules, module, None)
    code, out, err = command(*arguments.split())
    assert (code, err) == (0, "")
    assert len(out.splitlines()) > 5


def test_files_without_duckdb(refused, prices, monkeypatch):
    monkeypatch.setitem(sys.modules, "duckdb", None)
    assert "pip install 'ziggy_async[data]'" in refused("signals", prices)


def test_doctor(command):
    code, out, err = command("doctor", "--json")
    assert (code, err) == (0, "")
    facts = strict_json(out)
    assert facts["version"] == __version__
    assert facts["wake"] == "threadsafe"
    assert facts["instruction_set"] in {"scalar", "avx2", "avx512"}
    assert 1 <= facts["threads"] <= facts["cpus"]
    assert {"numpy", "python", "platform"} < set(facts)
    code, out, _ = command("doctor")
    assert code == 0
    assert __version__ in out


@pytest.mark.parametrize(
    ("variable", "arguments"),
    [
        ("ASYNC_FEATURES_WAKE", "doctor"),
        ("ASYNC_FEATURES_WAKE", "signals"),
        ("ASYNC_FEATURES_WAKE", "features"),
        ("ZIGGY_ASYNC_ISA", "doctor"),
    ],
)
def test_a_bad_variable_is_named(variable, arguments):
    done = subprocess.run(
        [sys.executable, "-m", "ziggy_async", *arguments.split()],
        capture_output=True,
        text=True,
        env=os.environ | {variable: "pigeon"},
        timeout=60,
    )
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert f"{variable}: 'pigeon' is none of" in done.stderr


def test_version_and_help(command):
    assert command("--version")[1].strip() == f"ziggy-async {__version__}"
    for arguments in (("--help",), ("signals", "--help")):
        code, out, _ = command(*arguments)
        assert code == 0
        assert "usage:" in out


@pytest.mark.parametrize(
    "arguments", ["", "sing", "signals --no-such", "signals --tickers", "signals --tickers A,,B", "doctor x"]
)
def test_wrong_commands(refused, arguments):
    refused(*arguments.split())


@pytest.mark.parametrize("arguments", ["signals", "features"])
def test_unknown_tickers_are_named_with_the_nearest_and_the_others_are_shown(command, arguments):
    code, out, err = command(arguments, "--csv", "--tickers", "SPX,auto01,tele 1,nada,SPX")
    assert code == 1
    assert [line.split(",")[0] for line in out.splitlines()] == ["ticker", "AUTO01"]
    assert err == "ziggy-async: no bars of SPX (the nearest is SPY), tele 1 (the nearest is TELE41), nada\n"


@pytest.mark.parametrize("arguments", ["signals", "features", "signals --json", "features --csv"])
def test_no_known_ticker_at_all(command, arguments):
    code, out, err = command(*arguments.split(), "--tickers", "NOPE")
    assert (code, err) == (1, "ziggy-async: no bars of NOPE\n")
    assert "NOPE" not in out


def test_faulty_files(refused, tmp_path):
    zero = tmp_path / "zero.csv"
    zero.write_text(HEADER + row("A", 1, 10) + row("A", 2, 0))
    for path in (tmp_path, tmp_path / "absent.csv", zero):
        assert str(path) in refused("signals", path)
    assert "line 3" in refused("signals", zero)


def test_interrupted(command, monkeypatch):
    def interrupt(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(signals, "timed", interrupt)
    code, out, err = command("signals")
    assert (code, out, err) == (130, "", "")


def test_nobody_reads():
    unread, write = os.pipe()
    os.close(unread)
    done = subprocess.run(
        [sys.executable, "-m", "ziggy_async", "signals", "--json"], stdout=write, stderr=subprocess.PIPE, timeout=60
    )
    os.close(write)
    assert (done.returncode, done.stderr) == (141, b"")


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("arguments", ["signals", "doctor --json", "--version"])
def test_output_that_cannot_be_written(arguments, unbuffered):
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "ziggy_async", *arguments.split()],
            stdout=full,
            stderr=subprocess.PIPE,
            env=os.environ | {"PYTHONUNBUFFERED": unbuffered},
            timeout=60,
        )
    assert done.returncode == 1
    assert done.stderr == b"ziggy-async: cannot write the output: No space left on device\n"


def test_output_that_is_closed():
    done = subprocess.run(
        ["sh", "-c", 'exec "$0" -m ziggy_async doctor >&-', sys.executable], stderr=subprocess.PIPE, timeout=60
    )
    assert (done.returncode, done.stderr) == (1, b"ziggy-async: cannot write the output: it is closed\n")


def test_json_has_neither_nan_nor_infinity(capsys):
    output.print_json({"a": [math.nan, math.inf, 1.5], "b": (True, None, "x")})
    assert strict_json(capsys.readouterr().out) == {"a": [None, None, 1.5], "b": [True, None, "x"]}


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, ""), (True, "True"), (3, "3"), (212.8, "212.80"), (0.0, "0.0000"), (-1.5, "-1.5000"), (2e-6, "2e-06")],
)
def test_figures(value, text):
    assert output.figure(value) == text
