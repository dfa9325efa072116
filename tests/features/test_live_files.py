"""Files of live states: a restored set goes on where it was saved, or says why it cannot."""

import hashlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from live_stores import WHOLE, append, filled, revise
from reference.bars import DAY_NS

from ziggy_async import BarStore, FeatureSet
from ziggy_async.features import LiveFeatures
from ziggy_async.features.live_file import DIGEST, LENGTH, MAGIC
from ziggy_async.reading.spellings import PRICE_COLUMNS

FORMULAS = FeatureSet("close", "sma(close, 5)", strength="rsi(close, 7)", sum="cumsum(volume)")


def assert_current(live: LiveFeatures, store: BarStore) -> None:
    np.testing.assert_array_equal(live.values, FORMULAS.latest(live.symbols, store).to_numpy())


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    store = filled()
    append(store, "T04", 4, 40, 44)
    FORMULAS.live(store).save(tmp_path / "live")
    return tmp_path / "live"


def test_a_file_goes_on_where_it_was_saved(saved: Path) -> None:
    """Also where the store has dropped the bars before, which the states know of."""
    whole, short = filled(bars=60), BarStore(25)
    for symbol in whole.symbols():
        short.load(symbol, whole.bars(symbol))
    live = FORMULAS.restore(saved, short)
    assert_current(live, whole)
    assert live.stats() == live.stats() | {"bars": 20 * 20 - 4, "revised": 0, "restarted": 0, "tickers": 20}
    append(short, "N", 3, 0, 10)
    append(whole, "N", 3, 0, 10)
    live.update()
    assert_current(live, whole)


def test_a_last_bar_that_was_replaced_since_is_revised(saved: Path) -> None:
    store = filled()
    append(store, "T04", 4, 40, 44)
    revise(store, "T02")
    assert_current(FORMULAS.restore(saved, store), store)


def test_what_a_store_has_after_a_gap_begins_anew(saved: Path) -> None:
    store = filled(bars=43)
    store.load("T01", {name: column[42:] for name, column in WHOLE[1].table().items()})
    store.drop("T02")
    append(store, "T04", 4, 43, 44)
    live = FORMULAS.restore(saved, store)
    assert_current(live, store)
    assert live.stats()["restarted"] == 1
    assert live.table().missing == ("T02",)


def anew(store: BarStore, symbol: str) -> None:
    """Other figures at the same times, as after a split."""
    bars = store.bars(symbol)
    store.load(symbol, {"timestamp": bars["timestamp"], **{name: bars[name] / 2 for name in PRICE_COLUMNS}})


def test_a_ticker_that_was_loaded_anew_before_or_after_it_was_saved_begins_anew(tmp_path: Path) -> None:
    store = filled(4)
    live = FORMULAS.live(store)
    anew(store, "T01")
    live.save(tmp_path / "live")
    anew(store, "T02")
    for number in range(4):
        append(store, f"T{number:02}", number, 40, 42)
    restored = FORMULAS.restore(tmp_path / "live", store)
    sums = [store.bars(symbol)["volume"].sum() for symbol in store.symbols()]
    np.testing.assert_allclose(restored.table()["sum"], sums, rtol=1e-12)
    assert restored.stats() == restored.stats() | {"restarted": 1, "bars": 2 * (40 + 2) + 2 * 2}


def test_a_ticker_of_of_that_was_loaded_anew(tmp_path: Path) -> None:
    """Before it was saved, it and its readers begin anew; after that there is nothing to go on from."""
    formulas = FeatureSet(sum="cumsum(volume + of('T00', volume))")
    store = filled(3)
    live = formulas.live(store)
    anew(store, "T00")
    live.save(tmp_path / "live")
    restored = formulas.restore(tmp_path / "live", store)
    volumes = np.stack([store.bars(symbol)["volume"] for symbol in store.symbols()])
    np.testing.assert_allclose(restored.table()["sum"], (volumes + volumes[0]).sum(axis=1), rtol=1e-12)
    restored.save(tmp_path / "live")
    anew(store, "T00")
    with pytest.raises(ValueError, match=r"T00: the bar before that of 2020-.* is another one than the states have"):
        formulas.restore(tmp_path / "live", store)


def altered(at: int) -> Callable[[bytes], bytes]:
    return lambda content: content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]


def head_altered(old: bytes, new: bytes) -> Callable[[bytes], bytes]:
    """By someone who knows the checksum."""

    def change(content: bytes) -> bytes:
        begin = len(MAGIC) + LENGTH
        end = begin + int.from_bytes(content[len(MAGIC) : begin], "little")
        head = content[begin:end].replace(old, new, 1)
        altered = MAGIC + len(head).to_bytes(LENGTH, "little") + head + content[end:-DIGEST]
        return altered + hashlib.sha256(altered).digest()

    return change


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (head_altered(b'{"', b"{{"), "live' has no head of live states: Expecting property name"),
        (head_altered(b'"T00"', b'"\xff00"'), "live' has no head of live states: 'utf-8' codec can't decode"),
        (head_altered(b'"kind"', b'"sort"'), "live' has no head of live states"),
        (head_altered(b'"kind": {', b'"kind": null, "sort": {'), "live' has no head of live states"),
        (head_altered(b"{", b"[" * 100_000), "live' has no head of live states: "),
        (head_altered(b'"T00"', b"0"), "live' has no head of live states"),
        (head_altered(b'"tickers": ', b'"tickers": 0.'), "live' has no head of live states"),
        (head_altered(b'"joining": true', b'"joining": 1'), "live' has no head of live states"),
        (head_altered(b'"features": [', b'"features": [1, '), "another set of features: close, "),
        (lambda content: b"", "is not a file of live states"),
        (lambda content: b"PK" + content, "is not a file of live states"),
        (lambda content: content.replace(b" 2\n", b"\n", 1), "has another layout of states than this version reads"),
        (lambda content: content[:30], "is truncated or was altered"),
        (lambda content: content[:-1], "is truncated or was altered"),
        (lambda content: content[: len(content) // 2], "is truncated or was altered"),
        (altered(30), "is truncated or was altered"),
        (altered(-500), "is truncated or was altered"),
        (altered(-1), "is truncated or was altered"),
    ],
)
def test_a_file_that_is_not_as_it_was_written(saved: Path, change: Callable[[bytes], bytes], said: str) -> None:
    saved.write_bytes(change(saved.read_bytes()))
    with pytest.raises(ValueError, match=said):
        FORMULAS.restore(saved, filled(bars=44))


def test_a_file_of_something_else(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = filled(bars=44)
    with pytest.raises(ValueError, match="another set of features: close, "):
        FeatureSet("close", "sma(close, 5)", strength="rsi(close, 8)", sum="cumsum(volume)").restore(saved, store)
    with pytest.raises(ValueError, match=r"zone UTC, days from 00:00, and this one is in Asia/Tokyo"):
        FORMULAS.restore(saved, BarStore(zone="Asia/Tokyo"))
    monkeypatch.setattr("ziggy_async.features.live.__version__", "9.9")
    with pytest.raises(ValueError, match=r"of version .* of this package, and this is 9\.9"):
        FORMULAS.restore(saved, store)


def test_a_store_that_does_not_go_on_from_a_file(saved: Path) -> None:
    with pytest.raises(ValueError, match="the store has none of the 20 tickers of"):
        FORMULAS.restore(saved, BarStore())
    with pytest.raises(ValueError, match=r"T04: the store has no bar of 2020-.*, the last one"):
        FORMULAS.restore(saved, filled(bars=43))
    other = filled(bars=44)
    bars = other.bars("T07")
    other.load("T07", {**bars, "timestamp": bars["timestamp"] + np.timedelta64(DAY_NS // 2, "ns")})
    with pytest.raises(ValueError, match="T07: the store has no bar of"):
        FORMULAS.restore(saved, other)


def test_a_descriptor_is_no_path_and_stays_open() -> None:
    store = filled()
    with tempfile.TemporaryFile() as file:
        for use in (lambda path: FORMULAS.restore(path, store), FORMULAS.live(store).save):
            with pytest.raises(TypeError, match=r"not '?int"):
                use(file.fileno())
            os.fstat(file.fileno())


def test_a_failed_save_leaves_the_file_that_was_there(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = saved.read_bytes()
    live = FORMULAS.live(filled())
    monkeypatch.setattr("ziggy_async.features.live_file.os.fsync", _fail)
    with pytest.raises(OSError, match="disk"):
        live.save(saved)
    assert saved.read_bytes() == content
    assert list(saved.parent.iterdir()) == [saved]


def _fail(number: int) -> None:
    raise OSError(28, "no room on the disk")


def test_states_of_a_store_without_order_are_not_kept_in_files(saved: Path, tmp_path: Path) -> None:
    """It may have several bars of the time that the states have seen last."""
    store = BarStore(ordered=False)
    append(store, "T00", 0, 0, 10)
    with pytest.raises(ValueError, match="the store is not ordered"):
        FORMULAS.live(store).save(tmp_path / "other")
    with pytest.raises(ValueError, match="the store is not ordered"):
        FORMULAS.restore(saved, store)
