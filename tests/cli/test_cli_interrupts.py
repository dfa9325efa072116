"""Ctrl+C in the command: exit code 130 and not a word, whenever it comes."""

import os
import re
import signal
import subprocess
import time
from contextlib import suppress
from datetime import date, timedelta

import pytest
from conftest import isolated


def interrupted(*arguments, after):
    """Ends the command by an interrupt that many seconds after its beginning, unless it is done before. Returns exit
    code, stdout and stderr, and the seconds after which the interrupt came: on a busy machine it comes late."""
    process = subprocess.Popen(
        isolated("interrupted_command", *arguments),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        begun = float(process.stderr.readline())
        time.sleep(after)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to its children, too
        came = time.monotonic() - begun
        out, err = process.communicate(timeout=60)
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()
    return (process.returncode, out, err), came


@pytest.fixture(scope="module")
def large_file(tmp_path_factory):
    """One that takes about a second to load."""
    path = tmp_path_factory.mktemp("large") / "large.csv"
    rows = "".join(f"{date(1941, 1, 1) + timedelta(day)},10,11,9,10,1000\n" for day in range(30_000))
    with path.open("w") as file:
        file.write("symbol,date,open,high,low,close,volume\n")
        for symbol in range(60):
            file.write(re.sub("^", f"S{symbol},", rows, flags=re.MULTILINE).removesuffix(f"S{symbol},"))
    return path


@pytest.mark.parametrize("after", [0.0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.6, 1.0, 1.5])
def test_while_a_file_is_loaded(large_file, after):
    (code, out, err), came = interrupted("signals", str(large_file), after=after)
    if (code == 0 or out) and came >= 0.6:  # it was done before, or on its way out
        assert code in (0, 130, -signal.SIGINT)
        assert out.startswith("ticker")
        assert out.endswith(" ms.\n")
    else:
        assert (code, out, err) == (130, "", "")


@pytest.mark.parametrize("arguments", ["bench --operations 20000", "regress --save /dev/null", "serve --port 0"])
@pytest.mark.parametrize("after", [0.3, 1.0])
def test_of_commands_that_take_long(arguments, after):
    (code, out, err), _ = interrupted(*arguments.split(), after=after)
    if out.startswith("Serving"):
        assert (code, err) == (0, "")
    else:
        assert (code, out, err) == (130, "", "")


@pytest.mark.parametrize("after", [1.0, 4.0])
def test_of_a_job_of_minutes(after, tmp_path):
    shares = [f"0.{share}" for share in range(100, 170)]
    heavy = [" + ".join(f"ema(quantile({period}, {share}), 99)" for period in range(100, 190)) for share in shares]
    output = tmp_path / "out.parquet"
    assert interrupted("history", "--features", *heavy, "-o", str(output), after=after)[0] == (130, "", "")
    assert not output.exists()
