"""What the tests share: the path of the references, real bars, a clean store, fresh interpreters."""

import gc
import os
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from reference.bars import Bars, data_folder, read_csv

if TYPE_CHECKING:
    from ziggy_async import BarStore


LISTENS = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
"""What makes a script hear of an interrupt also where tests run in the background, which shells start deaf to it."""


MAY_BE_MISSING = (
    "no file of real bars",
    "root may write everything",
)
"""The reasons of skips that are right in CI, which has all else that tests need; each hides something elsewhere."""


def refuse_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    """Makes a failure of a skip that CI does not expect."""
    if os.environ.get("CI") and report.skipped and isinstance(report.longrepr, tuple):
        reason = report.longrepr[2].removeprefix("Skipped: ")
        if not reason.startswith(MAY_BE_MISSING):
            report.outcome, report.longrepr = "failed", f"skipped in CI, where nothing should be missing: {reason}"


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    refuse_skip(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """What a test has logged may be no UTF-8; pytest-xdist sends it as that."""
    report = yield
    report.sections = [(name, text.encode(errors="backslashreplace").decode()) for name, text in report.sections]
    refuse_skip(report)
    return report


@cache
def _real(name: str) -> Bars:
    folder = data_folder()
    if folder is None or not (folder / f"{name}.csv").is_file():
        pytest.skip(f"no file of real bars {name}.csv")
    return read_csv(folder / f"{name}.csv")


@pytest.fixture(scope="session")
def real() -> Callable[[str], Bars]:
    """Real bars by the name of their file, without `.csv`; skips the test when they are not there."""
    return _real


@pytest.fixture
def store() -> Iterator["BarStore"]:
    """The market-brain functions' store, empty before and after, without a bar source; no regime is remembered."""
    import ziggy_async
    from ziggy_async.market_brain.regime import regime_detector

    def clean() -> None:
        ziggy_async.set_bar_source(None)
        ziggy_async.default_store().clear()
        regime_detector.detect_regime(force_refresh=True)

    clean()
    yield ziggy_async.default_store()
    clean()


@pytest.fixture
def advance(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Lets so many seconds pass at once by the clocks of the module `time`, and so of loops: no machine is too slow."""
    perf_counter, monotonic, ahead = time.perf_counter, time.monotonic, [0.0]
    monkeypatch.setattr(time, "perf_counter", lambda: perf_counter() + sum(ahead))
    monkeypatch.setattr(time, "monotonic", lambda: monotonic() + sum(ahead))
    return ahead.append


@pytest.fixture
def fresh_heap() -> Iterator[None]:
    """For timed tests: collections of garbage visit what the test makes, and not all that pytest holds."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


ISOLATED = Path(__file__).parent / "isolated"
EXECUTE = f"""{LISTENS}import sys; del sys.argv[0]
with open(sys.argv[0]) as script: script = compile(script.read(), sys.argv[0], "exec")
exec(script)"""
"""Runs a script as a program that other processes do not import."""


def isolated(name: str, *arguments: object) -> list[str]:
    """The command that runs the script of that name in `isolated/`."""
    return [sys.executable, "-c", EXECUTE, str(ISOLATED / f"{name}.py"), *map(str, arguments)]


@pytest.fixture
def run_isolated() -> Callable[..., "subprocess.CompletedProcess[str]"]:
    """Runs a script of `isolated/` in a fresh interpreter, in a folder from which the checkout cannot be imported."""

    def run(
        name: str, *arguments: object, timeout: float = 180.0, **environment: str
    ) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            isolated(name, *arguments),
            capture_output=True,
            text=True,
            timeout=timeout,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parent), **environment},
            stdin=subprocess.DEVNULL,
            cwd=Path(__file__).parent,
        )

    return run
