"""Searches for inputs that make the package do what it must not: `python -m tests.fuzz NAME --minutes 10`.

The targets in C (`tests/native/fuzz_*.c`) run under libFuzzer with AddressSanitizer, which needs clang and cmake; those
in Python (`tests/fuzz/targets.py`) under atheris, which needs `pip install atheris`. Each starts from its seeds and
what was found before. An input that fails is kept in `tests/fuzz/corpus`; the tests replay what is there. The exit code
is 0 if nothing was found.
"""

import argparse
import logging
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
SOURCES, BUILD, FOUND = HERE.parent / "native", HERE.parents[1] / "build" / "fuzz", HERE / "corpus"
NATIVE = sorted(path.stem.removeprefix("fuzz_") for path in SOURCES.glob("fuzz_*.c"))


def fuzz_native(name: str, options: list[str], inputs: Path) -> int:
    settings = ["-DCMAKE_C_COMPILER=clang", "-DZA_SANITIZE=address", "-DZA_FUZZ=ON"]
    subprocess.run(["cmake", "-S", SOURCES, "-B", BUILD, *settings], check=True, stdout=subprocess.DEVNULL)
    targets = [f"fuzz_{name}", f"seeds_{name}"]
    subprocess.run(["cmake", "--build", BUILD, "--target", *targets], check=True, stdout=subprocess.DEVNULL)
    subprocess.run([BUILD / f"seeds_{name}", inputs], check=True)
    return subprocess.run([BUILD / f"fuzz_{name}", "-max_len=1000", *options, inputs], check=False).returncode


def fuzz_python(name: str, options: list[str], inputs: Path) -> None:
    """Does not return: atheris ends the process."""
    import atheris

    sys.path.insert(0, str(HERE.parent))
    with atheris.instrument_imports(include=["ziggy_async"]):
        from fuzz.targets import SEEDS, TARGETS
    if name not in TARGETS:
        sys.exit(f"no target {name}; there are {', '.join([*NATIVE, *TARGETS])}")
    logging.disable()
    for number, seed in enumerate(SEEDS[name]):
        (inputs / f"seed-{number}").write_bytes(seed)
    with tempfile.TemporaryDirectory() as folder:
        atheris.Setup([sys.argv[0], *options, str(inputs)], lambda data: TARGETS[name](data, Path(folder)))
        atheris.Fuzz()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("name", help=f"{', '.join(NATIVE)}, or one of the targets in Python")
    parser.add_argument("--minutes", type=float, default=10.0)
    asked = parser.parse_args()
    FOUND.mkdir(exist_ok=True)
    options = [
        *(f"-max_total_time={round(60 * asked.minutes)}", f"-artifact_prefix={FOUND}/{asked.name}-", "-timeout=60"),
        *("-print_final_stats=1", "-verbosity=0"),
    ]
    with tempfile.TemporaryDirectory() as folder:
        inputs = Path(folder)
        for found in FOUND.glob(f"{asked.name}-*"):
            shutil.copy(found, inputs)
        if asked.name in NATIVE:
            sys.exit(fuzz_native(asked.name, options, inputs))
        fuzz_python(asked.name, options, inputs)


main()
