"""What the command's tables look like: in any width everything is there, in any encoding something that can be read."""

import contextlib
import fcntl
import itertools
import os
import pty
import re
import struct
import subprocess
import sys
import termios

import pytest

from ziggy_async.cli.layout import Table, cells, laid_out
from ziggy_async.cli.output import shown

WIDTHS = [60, 80, 100, 120, 200, None]
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")

REASON = "Momentum: close 23.81 is a 20-bar high above its averages of 20 (22.501) and 50 bars (21.1158) with slope."
COLUMNS = (
    *("ticker", "close", "RSI", "z-score", "regime", "direction"),
    *("confidence", "entry", "stop", "target", "reason"),
)


def signal_table(tickers=("AUTO07", "東京海上", "A" * 90)):
    table = Table(COLUMNS, frozenset({"ticker", "regime", "direction", "reason"}), sentences=True)
    for number, ticker in enumerate(tickers):
        figures = [f"{number}{place}.{place}625" for place in range(8)]
        table.add([ticker, *figures[:3], f"RiskOn{number}", f"LONG{number}", *figures[4:], f"{REASON}-{number}"])
    table.add(["EMPTY", "1.5", "", "", "RiskOn", "", "", "", "", "", "no_trade_edge"])
    table.notes.append("500 tickers in 5.4 ms; loop lag p50 1.32, p99 4.05, max 4.05 ms, which is longer than a line.")
    return table


def figure_table(tickers):
    table = Table(("feature", *tickers), frozenset({"feature"}), in_blocks=True)
    for row, name in enumerate(("as_of", "bollinger_upper")):
        table.add([name, *(f"2024-12-05T00:00:00+00:00/{row}/{column}" for column in range(len(tickers)))])
    return table


def squeezed(lines):
    """The text without the places at which it was broken."""
    return "".join("".join(lines).split())


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("table", [signal_table(), figure_table([f"T{n}" for n in range(6)]), figure_table(["B" * 99])])
def test_everything_is_there_in_any_width(table, width):
    lines = [line for line, _ in laid_out(table, width, "-")]
    if width is not None:
        assert max(map(cells, lines)) <= width
    whole = squeezed(lines)
    for cell in itertools.chain(table.columns, *table.rows, table.notes):
        if cells(cell) > 60:
            assert squeezed([cell]) in whole
        elif " " in cell:
            assert all(any(word in line for line in lines) for word in cell.split())
        else:
            assert any(cell in line for line in lines), cell


def test_sentences_fold_beside_their_rows_and_go_below_where_that_is_too_narrow():
    table = Table(("ticker", "close", "reason"), frozenset({"ticker", "reason"}), sentences=True)
    table.add(["A", "1.5", "one two three four five six seven eight nine"])
    assert [line for line, _ in laid_out(table, 57, "-")] == [
        "ticker  close  reason",
        "-" * 54,
        "A         1.5  one two three four five six seven eight",
        "               nine",
    ]
    assert [line for line, _ in laid_out(table, 40, "-")] == [
        "ticker  close",
        "  reason",
        "-" * 35,
        "A         1.5",
        "  one two three four five six seven",
        "  eight nine",
    ]


def test_rows_take_several_lines_with_common_columns():
    table = Table(("ticker", "a", "bb", "word", "d"), frozenset({"ticker", "word"}))
    table.add(["SPY", "100.25", "2", "x", "4.5"])
    assert [line for line, _ in laid_out(table, 20, "-")] == [
        "ticker       a   bb",
        "        word      d",
        "-" * 19,
        "SPY     100.25    2",
        "        x       4.5",
    ]


def test_columns_go_on_in_blocks():
    table = Table(("feature", "AAA", "BBB", "CCC"), frozenset({"feature"}), in_blocks=True)
    table.add(["rsi", "1", "2", "3"])
    assert [line for line, _ in laid_out(table, 17, "-")] == [
        "feature  AAA  BBB",
        "-" * 17,
        "rsi        1    2",
        "",
        "feature  CCC",
        "-" * 12,
        "rsi        3",
    ]


@pytest.mark.parametrize(
    ("text", "encoding", "expected"),
    [
        ("A\x1b[31m\n\x7f\u202e", "utf-8", r"A\x1b[31m\n\x7f\u202e"),
        ("\ud800 東", "utf-8", r"\ud800 東"),
        ("Å 東", "latin-1", r"Å \u6771"),
        ("Å 東", "ascii", r"\xc5 \u6771"),
    ],
)
def test_what_is_shown_of_names(text, encoding, expected):
    assert shown(text, encoding) == expected


def on_terminal(width, *arguments, **environment):
    """The command's output on a terminal of that width."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, width, 0, 0))
    removed = {"COLUMNS", "LINES", "NO_COLOR"}
    kept = {name: value for name, value in os.environ.items() if name not in removed}
    process = subprocess.Popen(
        [sys.executable, "-m", "ziggy_async", *arguments],
        stdin=theirs,
        stdout=theirs,
        stderr=subprocess.PIPE,
        env=kept | {"TERM": "xterm-256color", **environment},
    )
    os.close(theirs)
    output = b""
    with contextlib.suppress(OSError):  # Linux's way to say that the other side is closed
        while piece := os.read(ours, 65536):
            output += piece
    os.close(ours)
    errors = process.communicate(timeout=60)[1]
    assert (process.returncode, errors) == (0, b"")
    return output.decode()


@pytest.mark.parametrize("width", [60, 200])
def test_signals_and_features_on_a_terminal(width):
    drawn = on_terminal(width, "signals", "--tickers", "AUTO07,AUTO13,SPY")
    lines = [ESCAPES.sub("", line) for line in drawn.splitlines()]
    assert max(map(cells, lines)) <= width
    assert "\x1b[32mAUTO07" in drawn, "in colour"
    for word in (*COLUMNS, "AUTO07", "AUTO13", "SPY", "-2.1859", "Mean", "no_trade_edge", "─" * 40):
        assert any(word in line for line in lines), word
    drawn = on_terminal(width, "features", "--tickers", "SPY,AUTO01,AUTO02,AUTO03")
    assert max(len(ESCAPES.sub("", line)) for line in drawn.splitlines()) <= width
    for word in ("SPY", "AUTO01", "AUTO02", "AUTO03", "bollinger_upper", "2024-12-05T00:00:00+00:00"):
        assert word in drawn
    drawn = on_terminal(width, "features")
    assert max(len(ESCAPES.sub("", line)) for line in drawn.splitlines()) <= width
    assert "price_change_1d" in drawn


@pytest.mark.parametrize("encoding", ["cp1252", "utf-8"])
def test_output_in_other_encodings(encoding, tmp_path):
    path = tmp_path / "prices.csv"
    rows = [f"東\x1b[31m,2024-{day // 28 + 1:02}-{day % 28 + 1:02},10,11,9,10,5" for day in range(60)]
    path.write_text("\n".join(["symbol,date,open,high,low,close,volume", *rows]), encoding="utf-8")
    for command in ("signals", "features"):
        done = subprocess.run(
            [sys.executable, "-m", "ziggy_async", command, str(path)],
            capture_output=True,
            env=os.environ | {"PYTHONIOENCODING": encoding},
            timeout=60,
        )
        assert (done.returncode, done.stderr) == (0, b"")
        text = done.stdout.decode(encoding)
        assert (r"東\x1b[31m" if encoding == "utf-8" else r"\u6771\x1b[31m") in text
        assert ("─" if encoding == "utf-8" else "----") in text


def test_errors_show_no_control_characters(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "ziggy_async", "signals", "--tickers", "\x1b[2J東"],
        capture_output=True,
        env=os.environ | {"PYTHONIOENCODING": "ascii"},
        timeout=60,
    )
    assert done.returncode == 1
    assert done.stderr == b"ziggy-async: no bars of \\x1b[2J\\u6771\n"
    done = subprocess.run(
        [sys.executable, "-m", "ziggy_async", "sig\x1b[2J"], capture_output=True, text=True, timeout=60
    )
    assert "\x1b" not in done.stderr
    assert r"\x1b[2J" in done.stderr


def test_a_terminal_shows_the_best_twenty():
    def shown(*arguments):
        lines = [ESCAPES.sub("", line) for line in on_terminal(200, "signals", *arguments).splitlines()]
        return lines, sum("2024-12-05" in line for line in lines)

    lines, count = shown()
    assert count == 20
    [note] = [line for line in lines if line.startswith("Not shown: ")]
    assert "more signals" in note
    assert shown("--top", "7")[1] == 7
    assert shown("--all")[1] == 500
