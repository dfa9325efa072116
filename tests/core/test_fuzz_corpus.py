"""What the fuzzers start from and what they have found: `python -m tests.fuzz` searches for more."""

from pathlib import Path

import pytest
from fuzz.targets import SEEDS, TARGETS

CORPUS = Path(__file__).parents[1] / "fuzz" / "corpus"


@pytest.mark.parametrize("name", TARGETS)
def test_inputs_of_a_fuzzer(name: str, tmp_path: Path) -> None:
    found = [path.read_bytes() for path in sorted(CORPUS.glob(f"{name}-*"))]
    for data in [*SEEDS[name], *found]:
        TARGETS[name](data, tmp_path)
