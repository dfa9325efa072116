"""Other packages of indicators, in a virtual environment of their own: one of them calls itself `talib` too."""

import json
import os
import subprocess
import sys
import tempfile
import venv
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.harness import Columns

PACKAGES = ("numpy", "ta-lib-takt==0.8.2", "vector-ta==0.2.8", "wickra==2.0.0")
ENVIRONMENT = Path(__file__).parent / "results" / "peers"
Times = dict[str, dict[str, list[float]]]
"""Peer -> function -> microseconds, one for each length."""


def times(columns: Columns, lengths: Sequence[int], names: Sequence[str]) -> Times:
    """Times of the functions `names` over the first bars of `columns`; none where the peers cannot be installed."""
    interpreter = installed()
    if interpreter is None:
        return {}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "columns.npz"
        np.savez(path, lengths=np.array(lengths), **columns)
        script = Path(__file__).with_name("peers_way.py")
        done = subprocess.run([interpreter, script, path, *names], capture_output=True, text=True, check=True)
    found: Times = json.loads(done.stdout)
    return found


def installed() -> Path | None:
    """The interpreter of the peers' environment, made at the first use. None: without access to a package index."""
    interpreter = ENVIRONMENT / ("Scripts" if os.name == "nt" else "bin") / "python"
    marker = ENVIRONMENT / "complete"
    if not marker.exists():
        print("Installing", ", ".join(PACKAGES[1:]), file=sys.stderr)
        venv.create(ENVIRONMENT, clear=True, with_pip=True)
        done = subprocess.run([interpreter, "-m", "pip", "install", "--quiet", "--no-deps", *PACKAGES], check=False)
        if done.returncode != 0:
            print("The peers are left out: they cannot be installed.", file=sys.stderr)
            return None
        marker.touch()
    return interpreter
