"""Files of live states.

A file is a magic line, the length of its head (8 bytes, little-endian), the head as JSON, what the states hold of
tickers that formulas read by name, one record of states for each symbol, and a SHA-256 of all that.
"""

import hashlib
import json
import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, TypedDict, cast

KIND = b"ziggy_async live states"
MAGIC = KIND + b" 2\n"
"""With the number of the layout of the states."""
LENGTH, DIGEST = 8, hashlib.sha256().digest_size


class Kind(TypedDict):
    """The kind of the states: they go on only with the same."""

    version: str
    """The version of this package."""
    byteorder: str
    features: list[list[str]]
    """Names, and the normal forms of their formulas."""
    zone: str


class Head(TypedDict):
    """The head of a file, before the states."""

    symbols: list[str]
    joining: bool
    """True if symbols that join the store get rows."""
    tickers: int
    """Symbols that have states."""
    others: int
    """Bytes of what is held of tickers that formulas read by name."""
    kind: Kind


TYPES = {"symbols": list, "joining": bool, "tickers": int, "others": int, "kind": dict}
"""Types of the parts of a head, as JSON gives them."""

SENTENCES = {
    "version": "{path} is of version {found} of this package, and this is {wanted}",
    "byteorder": "{path} is of a machine of another byte order",
    "features": "{path} is of another set of features: {found}",
    "zone": "{path} is of a store in the zone {found}, and this one is in {wanted}",
}
"""Messages for a part of the kind that differs."""


def write_states(path: str | os.PathLike[str], head: Head, parts: Iterable[bytes]) -> None:
    """Writes a file that is there as a whole or not at all."""
    path = Path(path)
    digest = hashlib.sha256()
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
        try:
            for part in _framed(json.dumps(head).encode(), parts):
                digest.update(part)
                file.write(part)
            file.write(digest.digest())
            file.flush()
            os.fsync(file.fileno())
            os.replace(file.name, path)
        except BaseException:
            os.unlink(file.name)
            raise


def _framed(head: bytes, parts: Iterable[bytes]) -> Iterator[bytes]:
    yield MAGIC + len(head).to_bytes(LENGTH, "little") + head
    yield from parts


class StatesFile:
    """A file whose checksum is right."""

    def __init__(self, file: IO[bytes], path: str) -> None:
        """Raises `ValueError` for a file of something else, and for one that is truncated or altered."""
        self._file, self._path = file, path
        begin = file.read(len(MAGIC))
        if begin != MAGIC:
            fault = "has another layout of states than this version reads"
            raise ValueError(f"{path} {fault if begin.startswith(KIND) else 'is not a file of live states'}")
        self._end = os.fstat(file.fileno()).st_size - DIGEST
        if self._end < len(MAGIC) + LENGTH or _digest(file, self._end) != file.read(DIGEST):
            raise ValueError(f"{path} is truncated or was altered: its checksum is not that of its content")
        file.seek(len(MAGIC))
        length = int.from_bytes(file.read(LENGTH), "little")
        try:
            self.head = cast(Head, json.loads(file.read(min(length, self._end))))
        except (ValueError, RecursionError) as error:
            raise ValueError(f"{path} has no head of live states: {error}") from None
        self._others = len(MAGIC) + LENGTH + length
        if not _is_head(self.head) or not 0 <= self.head["others"] <= self._end - self._others:
            raise ValueError(f"{path} has no head of live states")
        self._begin = self._others + self.head["others"]

    def check_kind(self, wanted: Kind) -> None:
        """Raises `ValueError` that says what differs from the kind of this file's states."""
        found: dict[str, Any] = {**self.head["kind"]}
        for part, value in wanted.items():
            if found.get(part) != value:
                texts = {"found": _text(found.get(part)), "wanted": _text(value)}
                raise ValueError(SENTENCES[part].format(path=self._path, **texts))

    def others(self) -> bytes:
        """Returns the states of the tickers that formulas read by name."""
        self._file.seek(self._others)
        return self._file.read(self.head["others"])

    def records(self, size: int, at_once: int) -> Iterator[tuple[int, bytes]]:
        """Yields the records of `size` bytes, some at a time, with the number of the first of them."""
        count = len(self.head["symbols"])
        if self._end - self._begin != size * count:
            raise ValueError(f"{self._path} has {self._end - self._begin} bytes of states, not {count} times {size}")
        rows = max(1, at_once // size)
        self._file.seek(self._begin)
        for first in range(0, count, rows):
            yield first, self._file.read(size * min(rows, count - first))


@contextmanager
def reading_states(path: str | os.PathLike[str]) -> Iterator[StatesFile]:
    """Opens the file. Raises `ValueError` as `StatesFile` raises it, OSError as from any file, `TypeError` for a
    descriptor as for whatever is not a path."""
    with Path(path).open("rb") as file:
        yield StatesFile(file, repr(os.fspath(path)))


def _is_head(read: object) -> bool:
    """Returns whether it is made as heads are."""
    is_head = isinstance(read, dict) and all(type(read.get(name)) is wanted for name, wanted in TYPES.items())
    return is_head and all(isinstance(symbol, str) for symbol in cast(Head, read)["symbols"])


def _digest(file: IO[bytes], end: int) -> bytes:
    """Returns the digest of the first `end` bytes; the file's position is behind them then."""
    digest = hashlib.sha256()
    file.seek(0)
    while part := file.read(min(1 << 22, end - file.tell())):
        digest.update(part)
    return digest.digest()


def _text(value: object) -> str:
    """Returns a part of a kind, for a sentence."""
    if not isinstance(value, list):
        return str(value)
    return ", ".join(str(pair[0]) for pair in value if isinstance(pair, list) and pair)
