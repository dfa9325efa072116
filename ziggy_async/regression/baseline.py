"""A file of samples with the machine and the version that they are of."""

import json
import math
import os
import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ziggy_async import _core
from ziggy_async._version import __version__
from ziggy_async.messages import printable
from ziggy_async.regression.comparison import LEAST_SAMPLES, Samples

KIND = "ziggy_async samples"
FORMAT = 1


@dataclass(frozen=True)
class Baseline:
    """Samples with the machine and the version that they are of."""

    samples: dict[str, Samples]
    machine: dict[str, str]
    version: str

    @classmethod
    def of_here(cls, samples: Mapping[str, Samples]) -> "Baseline":
        return cls(dict(samples), machine(), __version__)

    def warnings(self) -> list[str]:
        """Returns why a comparison with samples of this machine and version is less certain, a sentence each."""
        here = machine()
        differences = [
            f"{name} {self.machine[name]}, here {value}"
            for name, value in here.items()
            if name in self.machine and self.machine[name] != value
        ]
        found = [f"the baseline is of another machine: {'; '.join(differences)}"] if differences else []
        if self.version != __version__:
            found.append(f"the baseline is of version {self.version}, this is {__version__}")
        return found


def machine() -> dict[str, str]:
    """Returns the facts beside the package that the figures depend on."""
    cpu = _core.cpu()
    return {
        "processor": processor(),
        "cpus": str(cpu["cpus"]),
        "instruction_set": str(cpu["isa"]),
        "python": platform.python_version(),
        "numpy": np.__version__,
    }


def processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def write(path: Path, baseline: Baseline) -> None:
    """Replaces `path` in one step. Raises `ValueError` that says why it cannot be written; what was there stays."""
    content = {
        "kind": KIND,
        "format": FORMAT,
        "version": baseline.version,
        "machine": baseline.machine,
        "samples": {name: asdict(samples) for name, samples in baseline.samples.items()},
    }
    refuse_unwritable(path)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        try:
            beside.write_text(json.dumps(content, indent=1, allow_nan=False) + "\n")
            beside.replace(path)
        finally:
            beside.unlink(missing_ok=True)
    except OSError as error:
        raise ValueError(f"cannot write {path}: {error.strerror or error}") from error


def refuse_unwritable(path: Path) -> None:
    """Raises `ValueError` where `write` would fail, before half a minute of measurement rather than after it."""
    try:
        is_folder = path.is_dir()
    except OSError as error:
        raise ValueError(f"cannot write {printable(str(path))}: {error.strerror or error}") from error
    if is_folder:
        raise ValueError(f"cannot write {path}: it is a directory")
    if not path.parent.is_dir():
        raise ValueError(f"cannot write {path}: there is no directory {path.parent}")
    if not os.access(path.parent, os.W_OK):
        raise ValueError(f"cannot write {path}: no permission to write in {path.parent}")


def read(path: Path) -> Baseline:
    """Returns the baseline in `path`. Raises `ValueError` that says what is wrong with it."""
    try:
        content = json.loads(path.read_bytes())
    except OSError as error:
        raise ValueError(f"cannot read the baseline {printable(str(path))}: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is not a baseline: it is not JSON") from error
    if not isinstance(content, dict) or content.get("kind") != KIND:
        raise ValueError(f"{path} is not a baseline: it is not what `ziggy-async regress --save` writes")
    if content.get("format") != FORMAT:
        raise ValueError(f"{path} is of format {content.get('format')!r}; this version reads {FORMAT}")
    named, facts = _mapping(path, content, "samples"), _mapping(path, content, "machine")
    return Baseline(
        samples={name: _samples(path, name, value) for name, value in named.items()},
        machine={name: str(value) for name, value in facts.items()},
        version=str(content.get("version")),
    )


def _mapping(path: Path, content: Mapping[str, Any], name: str) -> dict[str, Any]:
    value = content.get(name)
    if not isinstance(value, dict):
        raise ValueError(f"{path} is damaged: it has no {name}")
    return value


def _samples(path: Path, name: str, value: object) -> Samples:
    columns = [value.get(key) for key in ("seconds", "pace")] if isinstance(value, dict) else []
    if not columns or not all(isinstance(column, list) and all(map(_is_time, column)) for column in columns):
        raise ValueError(f"{path} is damaged: samples of {name!r} are not times")
    seconds, pace = (tuple(map(float, column or ())) for column in columns)
    if len(seconds) != len(pace) or len(seconds) < LEAST_SAMPLES:
        raise ValueError(f"{path} is damaged: {name!r} has too few samples")
    return Samples(seconds, pace)


def _is_time(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and value > 0
