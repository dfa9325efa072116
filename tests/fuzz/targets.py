"""What the fuzzers feed: each takes any bytes, and raises if the package does anything with them but what it promises.

Targets that read files work on one file in `folder`.
"""

import asyncio
import hashlib
import tempfile
import warnings
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path

from letters import add, opened

from ziggy_async import BarStore, FeatureSet
from ziggy_async.dead_letters.sqlite import LetterFile
from ziggy_async.features.errors import FormulaError
from ziggy_async.features.formula import read_formula
from ziggy_async.features.live_file import DIGEST
from ziggy_async.sample import sample_universe

Target = Callable[[bytes, Path], None]
MOST_WORK = 10_000
"""Values a bar and bars kept of a formula that is computed."""
KEPT = FeatureSet("close", "sma(close, 5)", "ema(close, 4)")


def formulas(data: bytes, folder: Path) -> None:
    """A text is refused by a `FormulaError`, or is a formula whose normal form is the same formula."""
    text = data.decode("utf-8", "surrogateescape")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Python's own, about odd literals
        try:
            normal = read_formula(text).normal_form
            features = FeatureSet(value=text)
        except FormulaError:
            return
    try:
        again = FeatureSet(value=normal)
    except FormulaError as error:  # the longer form of a formula that is just small enough
        if "levels" in error.message or "allowed" in error.message:
            return
        raise
    assert read_formula(normal).normal_form == normal
    if features.work.values + features.work.kept <= MOST_WORK:
        with suppress(ValueError):  # a column or labels that the store has not
            values, same = features.latest(store=market())["value"], again.latest(store=market())["value"]
            assert values.tobytes() == same.tobytes()


def states(data: bytes, folder: Path) -> None:
    """A file of live states is restored or refused by a `ValueError`, also where its checksum is right."""
    content = edited(saved_states(), data)
    path = folder / "states"
    body = content[:-DIGEST]
    path.write_bytes(body + hashlib.sha256(body).digest())
    with suppress(ValueError):
        KEPT.restore(path, market()).update()


def letters(data: bytes, folder: Path) -> None:
    """A damaged file of dead letters is read, set aside, or refused by an error of the system."""
    for left in folder.iterdir():
        left.unlink()
    path = folder / "letters.db"
    path.write_bytes(edited(saved_letters(), data))
    path.chmod(0o600)
    store = LetterFile(path, trusts_pickles=False)
    try:
        with suppress(OSError, ValueError):
            store.refresh()
            for letter_id in [*store.listed]:
                store.take(letter_id)
    finally:
        store.close()


def csv(data: bytes, folder: Path) -> None:
    """A file of any text is bars or a `ValueError`."""
    path = folder / "SPY.csv"
    path.write_bytes(data)
    with suppress(ValueError):
        BarStore.read(path)


TARGETS: dict[str, Target] = {"formulas": formulas, "states": states, "letters": letters, "csv": csv}
SEEDS: dict[str, list[bytes]] = {
    "formulas": [
        b'rank((x := rsi(close * 2, 14)) - of("SPY", ema(10)), by="sector") if macd()[2] > lag(close, 3) else nan',
        b"clip(fill(bbands(20, deviations=2).upper, -1.5), 0, 1e9) ** .5 % 3 <= 2 and not is_nan(low) or hour() == 9",
        b'every("1h", sma(close, 3), forming=1) + bars_since(crossed_above(close, 5))',
    ],
    "states": [b"", b"\x00\x30{", b"\x00\x50\x01\x02"],
    "letters": [b"", b"\x10\x05\x03", b"\x00\x10\x00"],
    "csv": [
        b"Date,Open,High,Low,Close,Volume\n2024-01-02,1,2,0.5,1.5,100\n2024-01-03,1,2,0.5,1.5,100\n",
        b"time;open;high;low;close;volume\n02.01.2024 10:00;1,5;2,5;0,5;1,5;1.000\n",
        b'symbol\tts\to\th\tl\tc\tv\n"A"\t1704153600000\t1\t2\t1\t2\t5\n# comment\n',
        b"\xff\xfeD\x00a\x00t\x00e\x00",
    ],
}


def edited(content: bytes, edits: bytes) -> bytes:
    """`content` with some of its bytes replaced: an edit is two bytes of place and one of what stands there; a last one
    that is not whole cuts the file off there."""
    changed = bytearray(content)
    for at in range(0, len(edits), 3):
        place = int.from_bytes(edits[at : at + 2], "big") * len(content) >> 16
        if at + 3 <= len(edits):
            changed[place] = edits[at + 2]
        else:
            del changed[place:]
    return bytes(changed)


@cache
def market() -> BarStore:
    """Some tickers of the made-up market."""
    store = BarStore()
    for symbol, columns in list(sample_universe())[:3]:
        store.load(symbol, {name: column[-60:] for name, column in columns.items()})
    store.load("SPY", store.bars(store.symbols()[0]))
    store.set_labels("sector", dict.fromkeys(store.symbols(), "all"))
    return store


@cache
def saved_states() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "states"
        KEPT.live(market()).save(path)
        return path.read_bytes()


@cache
def saved_letters() -> bytes:
    async def put(path: Path) -> None:
        async with opened(path) as (letters, _):
            for number in range(3):
                await add(letters, f"t{number}", len, "x" * 100)

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "letters.db"
        asyncio.run(put(path))
        return path.read_bytes()
