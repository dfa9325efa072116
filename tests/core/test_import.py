"""The import of the package where it does not come to its end."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import ziggy_async

Run = Callable[..., "subprocess.CompletedProcess[str]"]


def test_a_checkout_without_its_extension_says_what_to_type(tmp_path: Path) -> None:
    package = tmp_path / "ziggy_async"
    shutil.copytree(Path(ziggy_async.__file__).parent, package, ignore=shutil.ignore_patterns("*.so", "__pycache__"))
    # -S: what is installed is not there, also where a finder of its own would lead to it.
    done = subprocess.run(
        [sys.executable, "-S", "-c", "import ziggy_async"], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    message = done.stderr.splitlines()[-1]
    assert message.startswith("ImportError: the extension of ziggy_async is not built for this Python in ")
    assert str(tmp_path) in message
    assert "pip install -e ." in message


@pytest.mark.parametrize("module", ["datetime", "numpy", "numpy._core._multiarray_umath", "ziggy_async.store"])
def test_an_interrupt_arrives_as_what_it_is(module: str, run_isolated: Run) -> None:
    done = run_isolated("interrupted_import", module)
    assert (done.returncode, done.stdout, done.stderr) == (0, "KeyboardInterrupt\n", "")
