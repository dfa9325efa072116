"""The source of the default store's bars when they are missing or old: a function of the application.

Requests for one symbol at one time share one call, across tasks, loops and threads. Synchronous code asks through the
background loop, so that there is one way to wait. A source that fails or takes too long leaves the bars
that are there; who asked learns that they are stale.
"""

import asyncio
import contextlib
import inspect
import logging
import threading
import time
from collections.abc import Awaitable, Callable, Collection, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Unpack

from ziggy_async import lifecycle, off_loop
from ziggy_async.arguments import real
from ziggy_async.messages import described, kind_of, loggable, printable, shortened, shown
from ziggy_async.reading.options import ReadingOptions, rules_of
from ziggy_async.runtime import background_loop
from ziggy_async.runtime.call import Call
from ziggy_async.store import BarStore, default_store

logger = logging.getLogger(__name__)

Source = Callable[[str, int], Any] | Callable[[str, int], Awaitable[Any]]

AT_ONCE = 64
"""Symbols that one request asks for at the same time: enough to hide a network's latency, few for its servers."""

GRACE = 1.0
"""Seconds that a coroutine may take to end once it was cancelled."""

SLICE = 512
"""Symbols that are looked up in one iteration of the loop: some 0.2 ms."""

Stale = dict[str, str]
"""Symbol -> why the source gave no fresh bars of it."""

UNFINISHED = "the call of the bar source was cancelled"
LONGEST_FAULT = 300
"""Characters of an exception that answers show."""

COUNTERS = ("calls", "failures", "timeouts", "shared")


def set_bar_source(
    source: Source | None, ttl: float = 300.0, timeout: float = 5.0, **options: Unpack[ReadingOptions]
) -> None:
    """Lets `source(symbol, lookback)` supply the default store with bars; None removes the source.

    It is asked when a symbol has no bars, on `force_refresh=True`, and when `ttl` seconds have passed since it gave the
    symbol's bars (for bars that came another way: since it was set). `lookback` is the number of bars that the store
    keeps. It may return anything that `BarStore.load` takes, read with the same `options`, rows in any order; rows that
    `invalid="skip"` leaves out are logged. A plain function runs on the blocking pool; a coroutine function is awaited
    in the asking loop, and for synchronous callers in a background loop.

    Whatever it raises counts as a failure, also `SystemExit` and a `CancelledError` of its own; a `KeyboardInterrupt`
    in the main thread's loop goes on besides.

    `timeout`: seconds after which a call counts as failed, from its beginning. A coroutine is then cancelled; a plain
    function goes on, is not called a second time meanwhile, and its bars are loaded when they come.

    Raises `TypeError` unless `source` is callable or None, and `ttl` and `timeout` are numbers; `ValueError` unless
    `ttl` >= 0, `timeout` > 0 and the options are ones of `BarStore.load`.
    """
    global _source
    if source is not None and not callable(source):
        raise TypeError(f"source: {shown(source)} is neither callable nor None")
    age, limit = _seconds("ttl", ttl), _seconds("timeout", timeout)
    if not age >= 0:
        raise ValueError(f"ttl: {shown(ttl)} is not a number of seconds of at least 0")
    if not limit > 0:
        raise ValueError(f"timeout: {shown(timeout)} is not a number of seconds above 0")
    rules_of(options, default_store().columns)
    _source = BarSource(source, age, limit, options) if source is not None else None


def _seconds(name: str, value: object) -> float:
    seconds = real(value)
    if seconds is None:
        raise TypeError(f"{name}: {shown(value)} is {kind_of(value)}, not a number of seconds")
    return seconds


def bar_source_stats() -> dict[str, int]:
    """Returns counts of the source since it was set: `calls`, of them `failures` and `timeouts`; `shared`: requests
    that joined a call under way. All 0 without a source."""
    return _source.stats() if _source is not None else dict.fromkeys(COUNTERS, 0)


def source_of(store: object) -> "BarSource | None":
    """Returns the source that feeds `store`, if any: only the default store has one."""
    return _source if _source is not None and store is default_store() else None


@dataclass(eq=False)
class _Fetch:
    """One call of the source for a symbol's bars, shared by all that ask for them meanwhile.

    Its outcome, None for fresh bars and else why there are none, is set exactly once."""

    symbol: str
    loop: asyncio.AbstractEventLoop | None  # where its coroutine runs; None for a plain function
    asked: float
    outcome: "Future[str | None]" = field(default_factory=Future)
    began: float | None = None  # None while a plain function waits for a thread
    timed_out: bool = False
    task: "asyncio.Task[None] | None" = None  # loops hold their tasks weakly


class BarSource:
    """One function that supplies bars, with its fetches under way. Safe from any thread."""

    def __init__(self, function: Source, ttl: float, timeout: float, options: ReadingOptions) -> None:
        self._function = function
        self._options = options
        self._is_coroutine = inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(
            getattr(function, "__call__", None)  # noqa: B004 - an instance whose class makes it a coroutine function
        )
        self._ttl = ttl
        self._timeout = timeout
        self._store: BarStore = default_store()
        self._set_at = time.monotonic()
        self._lock = threading.Lock()
        self._fetches: dict[str, _Fetch] = {}  # by _lock
        self._counts = dict.fromkeys(COUNTERS, 0)  # by _lock
        self._refreshed: dict[str, float] = {}  # when bars came last; single operations only
        self._progress = self._set_at  # when a plain function began or ended last

    def stats(self) -> dict[str, int]:
        with self._lock:
            return dict(self._counts)

    def again(self) -> "BarSource":
        """Returns the same source without its fetches: for a forked child, where nobody finishes them."""
        copy = BarSource(self._function, self._ttl, self._timeout, self._options)
        copy._set_at = self._set_at
        copy._refreshed = dict(self._refreshed)
        return copy

    def refresh(self, symbols: Collection[str], force: bool = False) -> Stale:
        """Asks for those symbols that are missing or old, and waits. Returns the stale ones: asked for in vain."""
        due = self._due(symbols, force)
        if not due:
            return {}
        if background_loop.is_background():  # a source that asks for features itself: its loop cannot wait for itself
            return dict.fromkeys(due, "the bar source asks for them itself")
        if off_loop.blocking.is_here() and not self._is_coroutine:
            return {symbol: fault for symbol in due if (fault := self._fetch_here(symbol)) is not None}
        return background_loop.submit(self._refresh_due, due, _running_loop()).result()

    async def refresh_async(self, symbols: Collection[str], force: bool = False) -> Stale:
        """Does as `refresh`, in the running loop."""
        due: list[str] = []
        names = symbols if isinstance(symbols, Sequence) else tuple(symbols)
        for first in range(0, len(names), SLICE):
            if first:
                await asyncio.sleep(0)
            due += self._due(names[first : first + SLICE], force)
        return await self._refresh_due(due) if due else {}

    def _due(self, symbols: Collection[str], force: bool) -> list[str]:
        if force:
            return list(symbols)
        oldest = time.monotonic() - self._ttl
        return [
            symbol
            for symbol in symbols
            if self._refreshed.get(symbol, self._set_at) <= oldest or symbol not in self._store
        ]

    async def _refresh_due(self, due: Sequence[str], blocked: asyncio.AbstractEventLoop | None = None) -> Stale:
        """`blocked`: a loop that stands still until this is done."""
        stale: Stale = {}

        async def ask(symbol: str) -> None:
            fault = await self._fault_of(symbol, blocked)
            if fault is not None:
                stale[symbol] = fault

        if len(due) == 1:
            await ask(due[0])
        else:
            await _concurrently(ask, due, AT_ONCE)
        return stale

    async def _fault_of(self, symbol: str, blocked: asyncio.AbstractEventLoop | None) -> str | None:
        """Returns None when fresh bars of `symbol` came in time, else why not. Cancelling this leaves the fetch to who
        shares it."""
        loop = asyncio.get_running_loop()
        fetch, is_new = self._join(symbol, loop if self._is_coroutine else None, blocked)
        if is_new:
            self._begin(fetch)
        arrived = asyncio.Event()

        def wake(_: "Future[str | None]") -> None:
            with contextlib.suppress(RuntimeError):  # this loop was closed: nobody waits in it any more
                loop.call_soon_threadsafe(arrived.set)

        fetch.outcome.add_done_callback(wake)
        while not fetch.outcome.done() and (remaining := self._deadline(fetch) - time.monotonic()) > 0:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(remaining):
                    await arrived.wait()
        return self._outcome(fetch)

    def _fetch_here(self, symbol: str) -> str | None:
        """Fetches in this thread of the blocking pool: if it waited for another one, all of them could wait."""
        fetch, is_new = self._join(symbol, None, None)
        if is_new:
            self._run(fetch)
        with contextlib.suppress(TimeoutError):
            fetch.outcome.result(max(0.0, self._deadline(fetch) - time.monotonic()))
        return self._outcome(fetch)

    def _outcome(self, fetch: _Fetch) -> str | None:
        if fetch.outcome.done():
            return fetch.outcome.result()
        self._count_timeout(fetch)
        return self._timeout_text()

    def _deadline(self, fetch: _Fetch) -> float:
        """Returns the limit of the fetch: from its beginning or, while it waits, from the pool's last sign of life.
        A long queue that moves is not a failure, eight functions that hang are."""
        began = fetch.began
        return (max(fetch.asked, self._progress) if began is None else began) + self._timeout

    def _join(
        self, symbol: str, loop: asyncio.AbstractEventLoop | None, blocked: asyncio.AbstractEventLoop | None
    ) -> tuple[_Fetch, bool]:
        """Returns the fetch for `symbol` that is under way, or a new one that the caller has to begin."""
        with self._lock:
            fetch = self._fetches.get(symbol)
            if fetch is not None and not self._is_lost(fetch, blocked):
                self._counts["shared"] += 1
                return fetch, False
            fetch = self._fetches[symbol] = _Fetch(symbol, loop, time.monotonic())
            fetch.outcome.set_running_or_notify_cancel()  # from here on nobody can cancel it
            self._counts["calls"] += 1
            return fetch, True

    def _is_lost(self, fetch: _Fetch, blocked: asyncio.AbstractEventLoop | None) -> bool:
        """Returns whether the coroutine cannot go on: its loop is closed, or stands still below a synchronous
        caller, or has not even cancelled it at its time limit."""
        if fetch.loop is None:
            return False
        return fetch.loop.is_closed() or fetch.loop is blocked or time.monotonic() > self._deadline(fetch) + GRACE

    def _begin(self, fetch: _Fetch) -> None:
        if fetch.loop is not None:
            fetch.began = time.monotonic()
            task = fetch.loop.create_task(self._await(fetch))
            fetch.task = fetch.task or task
            return
        try:
            off_loop.blocking.pool().put(Call("a bar source", self._run, (fetch,)))
        except BaseException:
            self._finish(fetch, UNFINISHED)
            raise

    def _run(self, fetch: _Fetch) -> None:
        """Calls a plain function, in a thread."""
        fault: str | None = UNFINISHED
        fetch.began = self._progress = time.monotonic()
        try:
            data = self._function(fetch.symbol, self._store.capacity)
            if inspect.isawaitable(data):
                data = background_loop.submit(_awaited, data).result(self._timeout)
            fault = self._load(fetch.symbol, data)
        except BaseException as error:  # a thread of the pool ends for nothing that its calls raise
            fault = self._count_failure(fetch, error)
        finally:
            self._progress = time.monotonic()
            self._finish(fetch, fault)

    async def _await(self, fetch: _Fetch) -> None:
        """Awaits a coroutine function, in the loop of whoever asked first."""
        fault: str | None = UNFINISHED
        fetch.task = asyncio.current_task()
        limit = asyncio.timeout(self._timeout)
        try:
            async with limit:
                data = await self._function(fetch.symbol, self._store.capacity)
            fault = await self._load_off_loop(fetch.symbol, data)
        except BaseException as error:
            if limit.expired():
                self._count_timeout(fetch)
                fault = self._timeout_text()
            elif _is_ended(fetch.task, error):
                raise
            else:
                fault = self._count_failure(fetch, error)
            if isinstance(error, KeyboardInterrupt) and threading.current_thread() is threading.main_thread():
                raise  # it may be the user's
        finally:
            self._finish(fetch, fault)

    async def _load_off_loop(self, symbol: str, data: object) -> str | None:
        """Loads in the background loop's thread: the blocking pool's may all be waiting for these very bars."""
        if background_loop.is_background():
            return self._load(symbol, data)
        return await asyncio.wrap_future(background_loop.submit(self._load_off_loop, symbol, data))

    def _load(self, symbol: str, data: object) -> str | None:
        """Puts what the source gave into the store, unless another source has taken its place. Returns None, or
        why not."""
        if _source is not self:
            return "another bar source has taken its place"
        if data is None:
            raise ValueError("the bar source returned None")
        skipped = self._store.load_unsorted(symbol, data, **self._options)
        if skipped:
            logger.warning("bar source: %d rows of %s were left out: %s", skipped, printable(symbol), skipped.as_text())
        self._refreshed[symbol] = time.monotonic()
        return None

    def _finish(self, fetch: _Fetch, fault: str | None) -> None:
        with self._lock:
            if self._fetches.get(fetch.symbol) is fetch:
                del self._fetches[fetch.symbol]
        fetch.outcome.set_result(fault)

    def _timeout_text(self) -> str:
        return f"the bar source took more than {self._timeout:g} s"

    def _count_failure(self, fetch: _Fetch, error: BaseException) -> str:
        """Counts and logs it; returns what the answers say."""
        with self._lock:
            self._counts["failures"] += 1
        logger.warning("bar source failed for %s", printable(fetch.symbol), exc_info=loggable(error))
        return shortened(described(error), LONGEST_FAULT)

    def _count_timeout(self, fetch: _Fetch) -> None:
        with self._lock:
            if fetch.timed_out:
                return
            fetch.timed_out = True
            self._counts["timeouts"] += 1
        logger.warning("bar source took more than %g s for %s", self._timeout, printable(fetch.symbol))


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def _is_ended(task: "asyncio.Task[None] | None", error: BaseException) -> bool:
    """Returns whether the loop ends `task`, by cancelling or by dropping it, and not what the task awaits."""
    if isinstance(error, asyncio.CancelledError):
        return task is None or task.cancelling() > 0
    return isinstance(error, GeneratorExit) and (_running_loop() is None or asyncio.current_task() is not task)


async def _concurrently(work: Callable[[str], Awaitable[None]], items: Collection[str], at_once: int) -> None:
    """Awaits `work` of each of the items in at most `at_once` tasks, however many items there are."""
    shared = iter(items)

    async def share() -> None:
        for item in shared:
            await work(item)

    await asyncio.gather(*(share() for _ in range(min(at_once, len(items)))))


async def _awaited(awaitable: Awaitable[Any]) -> Any:
    return await awaitable


_source: BarSource | None = None


def _after_fork_in_child() -> None:
    global _source
    if _source is not None:
        _source = _source.again()


lifecycle.after_fork_in_child(lifecycle.Stage.SOURCES, _after_fork_in_child)
