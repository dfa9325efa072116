"""The calls of a computer, and a view of it whose calls have options."""

import logging
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Coroutine, Hashable, Iterable, Mapping
from typing import Any, ParamSpec, TypeVar, Unpack, overload

from ziggy_async import _core
from ziggy_async.market_brain.features import Features, feature_computer
from ziggy_async.market_brain.settings import checked_numbers
from ziggy_async.market_brain.signals import (
    MEAN_REVERSION_RULE,
    MOMENTUM_RULE,
    Regime,
    Result,
    SignalParameters,
    checked_regime,
    signal_generator,
)
from ziggy_async.messages import described, kind_of, printable, shown
from ziggy_async.queueing.handle import TaskHandle
from ziggy_async.queueing.options import Options, TaskOptions, Work

logger = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

Compute = Callable[..., Awaitable[T]]

ABSENT: Any = ...
"""Stands for an argument that is not given by position."""

RULES = {"momentum": MOMENTUM_RULE, "mean_reversion": MEAN_REVERSION_RULE}

FAILED = "error: the signals could not be computed"
"""The reason of every ticker when they are not there; what went wrong is in the log."""


class Calls(ABC):
    """The calls of a computer. With options they wait in its queue; without, they go straight to the pool that does
    them, and `enqueue_task` alone uses the queue."""

    _options = Options()

    @abstractmethod
    async def _enqueue(self, work: Work) -> TaskHandle[Any]:
        """Puts the work into the queue. Returns the handle of its task. Cancelling this cancels the work."""

    @abstractmethod
    async def _compute(self, operation: str, compute: Compute[T], *args: Any) -> T | None:
        """Awaits `compute(*args)`, on the native pool. Returns its result, or None when it fails, which is logged and
        counted."""

    @abstractmethod
    def _execute(
        self, operation: str, func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Awaitable[Any]:
        """Calls `func` on the pool for its kind. Returns its result, or raises its exception."""

    def with_options(self, **options: Unpack[TaskOptions]) -> "Calls":
        """Returns a view of the computer whose calls use these options, so that every keyword of `enqueue_task` is its
        function's own. Raises `TypeError` or `ValueError` that names the option.

        - priority (0): higher goes first, equals in their order.
        - deadline (None): seconds from being enqueued, waiting and running together; then `TimeoutError`. A
          running thread is not stopped; a result that was ready in time counts, even if the loop receives it later.
        - max_attempts (1), retry_on (`Exception`): how often work is tried, and after which exceptions; others fail it
          at once. Work that has used up its attempts is a dead letter, and its caller has the error. The wait before a
          retry is at random between 0 and 0.1 s, doubled each time up to 30 s. A retry of work with side effects
          repeats them.
        - key (None): work under way with the same key is joined: its result, its priority, its deadline.
        - on_full ("wait"): with a full queue "wait" for a place, "raise" `QueueFull`, "drop_new", or "drop_oldest": the
          oldest task of the lowest priority, the new one if that is lower still. With `drop_oldest` the new task goes
          ahead of those that wait for a place.
        - use_process_pool (False): a process for functions that pickle; a killed one costs its own call alone
          (`WorkerLost`). For Python that computes for longer than some milliseconds; a script needs its
          `if __name__ == "__main__":`.
        """
        return View(self, self._options.changed(**options))

    async def compute_features_async(
        self, ticker: str, force_refresh: bool = False, use_process_pool: bool = False
    ) -> Features | None:
        """Returns the market-brain features of `ticker`, or None when they cannot be computed: that is logged and
        counted.

        `force_refresh` asks the bar source first. `use_process_pool` changes nothing: the native pool computes without
        the GIL, which is what a process would be for, and has the bars.
        """
        return await self._compute(f"compute_features:{ticker}", feature_computer.soon, ticker, force_refresh)

    async def compute_features_batch(
        self, tickers: Iterable[str], force_refresh: bool = False
    ) -> dict[str, Features | None]:
        """Returns ticker -> as from `compute_features_async`, in the order given; one that fails, or is not a str, is
        None and stops no other. Raises `TypeError` unless `tickers` is a list or another iterable, but not a str."""
        asked = listed(tickers)
        found = await self._compute(f"compute_features_batch:{len(asked)}", _batch, asked, force_refresh)
        return dict.fromkeys(asked) if found is None else found

    async def compute_signal_async(
        self,
        ticker: str,
        signal_type: str = "momentum",
        *,
        regime: Regime | None = None,
        **params: Unpack[SignalParameters],
    ) -> dict[str, Any] | None:
        """Returns `Signal.to_dict()` by the rule "momentum" or "mean_reversion" alone; None when it does not fire, or
        fails, which is logged and counted. Raises `ValueError` for another `signal_type`, `ValueError` or `TypeError`
        for an invalid `regime`.

        `params`: parameters of this call, see `SignalGenerator`; unknown keywords, and values that are not finite
        numbers, are logged and left out.
        """
        if signal_type not in RULES:
            raise ValueError(f"signal_type: {shown(signal_type)} is none of {', '.join(RULES)}")
        given = None if regime is None else checked_regime(regime)
        chosen = checked_numbers("parameter", signal_generator.params, None, params, strict=False)
        operation = f"compute_signal:{ticker}:{signal_type}"
        return await self._compute(operation, _signal, ticker, RULES[signal_type], given, chosen)

    async def compute_signals_batch(
        self,
        tickers: Iterable[str],
        regime: Regime | None = None,
        params: Mapping[str, float] | None = None,
    ) -> dict[str, Result]:
        """Returns ticker -> {"ticker", "signal": `Signal` or None, "reason"}, each once and in the order given; see
        `SignalGenerator.generate_signals_bulk`, also for `regime` and `params`.

        When all of it fails, which is logged and counted, every signal is None and its reason "error: ...". Raises
        `TypeError` that names the position of a ticker that is not a str; `ValueError` or `TypeError` for an invalid
        `regime` or invalid `params`.
        """
        names = _core.ticker_tuple(tickers)
        given = None if regime is None else checked_regime(regime)
        chosen = checked_numbers("parameter", signal_generator.params, params, strict=True)
        found = await self._compute(f"compute_signals_batch:{len(names)}", _signals, names, given, chosen)
        if found is None:
            return {name: {"ticker": name, "signal": None, "reason": FAILED} for name in names}
        return found

    @overload
    async def execute_blocking_operation(
        self, operation_name: str, func: Callable[P, Coroutine[Any, Any, T]], *args: P.args, **kwargs: P.kwargs
    ) -> T: ...
    @overload
    async def execute_blocking_operation(
        self, operation_name: str, func: Callable[P, T], *args: P.args, **kwargs: P.kwargs
    ) -> T: ...
    async def execute_blocking_operation(
        self, operation_name: str, func: Callable[..., Any], *args: Any, **kwargs: Any
    ) -> Any:
        """Calls `func(*args, **kwargs)` off the loop: on the thread pool with the caller's context variables (a
        coroutine function on the loop). Returns its result, or raises its exception; one that would end the loop comes
        as a `RuntimeError`.

        Cancelling it returns at once; a thread that is in the middle goes on alone, and is replaced meanwhile.
        """
        checked_name("operation_name", operation_name)
        checked_callable(func)
        return await self._execute(operation_name, func, args, kwargs)

    @overload
    async def enqueue_task(
        self, /, task_id: str, func: Callable[P, Coroutine[Any, Any, T]], *args: P.args, **kwargs: P.kwargs
    ) -> TaskHandle[T]: ...
    @overload
    async def enqueue_task(
        self, /, task_id: str, func: Callable[P, T], *args: P.args, **kwargs: P.kwargs
    ) -> TaskHandle[T]: ...
    async def enqueue_task(
        self, task_id: Any = ABSENT, func: Any = ABSENT, /, *args: Any, **kwargs: Any
    ) -> TaskHandle[Any]:
        """Puts `func(*args, **kwargs)` into the background queue and returns its handle, which can be awaited for the
        result. Every keyword belongs to `func`, but for a `task_id` and a `func` that are not given by position; how
        the task is treated is said by `with_options`.

        With a full queue it waits for a place (`on_full="wait"`), or as `on_full` says. `func`: a plain function runs
        on the thread pool, or in a process with `use_process_pool`; a coroutine function on the loop.
        """
        if func is ABSENT:
            func = _taken("func", kwargs)
        if task_id is ABSENT:
            task_id = _taken("task_id", kwargs)
        operation = f"worker_task:{checked_name('task_id', task_id)}"
        return await self._enqueue(Work(task_id, operation, checked_callable(func), args, kwargs, self._options))


def _taken(name: str, keywords: dict[str, Any]) -> Any:
    try:
        return keywords.pop(name)
    except KeyError:
        raise TypeError(f"enqueue_task() is called without {name!r}") from None


class View(Calls):
    """A computer with options: its calls go through the queue."""

    def __init__(self, computer: Calls, options: Options) -> None:
        self._computer: Calls = computer._computer if isinstance(computer, View) else computer
        self._options = options

    def __repr__(self) -> str:
        return f"<{self._computer!r} with {printable(str(self._options))}>"

    async def _enqueue(self, work: Work) -> TaskHandle[Any]:
        return await self._computer._enqueue(work)

    async def _compute(self, operation: str, compute: Compute[T], *args: Any) -> T | None:
        value: T | None = None
        try:
            value = await self._execute(operation, _awaited, (compute, *args), {})
        except Exception as error:
            logger.error("%s failed: %s", printable(operation), described(error))
        return value

    async def _execute(
        self, operation: str, func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        """Cancelling this cancels the work, unless others have joined it."""
        handle = await self._enqueue(Work(operation, operation, func, args, kwargs, self._options))
        try:
            return await handle
        finally:
            handle.release()
            del handle  # it holds the error whose traceback leads here


async def _awaited(compute: Compute[T], *args: Any) -> T:
    return await compute(*args)


async def _batch(tickers: list[Any], force_refresh: bool) -> dict[Any, Features | None]:
    """Returns what `compute_features_batch` does; values that are not tickers at all are None beside the others."""
    names = [ticker for ticker in tickers if isinstance(ticker, str)]
    found = await feature_computer.compute_batch_async(names, force_refresh)
    return {ticker: found.get(ticker) for ticker in tickers}


async def _signal(ticker: str, rules: int, regime: Regime | None, params: Mapping[str, float]) -> dict[str, Any] | None:
    answer = await signal_generator.generate_signal_async(ticker, regime, params, rules=rules)
    if answer["reason"].startswith("error: "):
        raise RuntimeError(answer["reason"].removeprefix("error: "))
    signal = answer["signal"]
    return None if signal is None else signal.to_dict()


async def _signals(tickers: tuple[str, ...], regime: Regime | None, params: Mapping[str, float]) -> dict[str, Result]:
    return await signal_generator.generate_signals_bulk_async(tickers, regime, params)


def listed(tickers: Iterable[Any]) -> list[Any]:
    if isinstance(tickers, str | bytes) or not isinstance(tickers, Iterable):
        raise TypeError(f"tickers: {shown(tickers)} is {kind_of(tickers)}, not a list of str")
    asked = list(tickers)
    for position, ticker in enumerate(asked):
        if not isinstance(ticker, Hashable):
            raise TypeError(f"tickers[{position}]: {shown(ticker)} is {kind_of(ticker)}, not a str")
    return asked


def checked_callable(func: object) -> Any:
    if not callable(func):
        raise TypeError(f"func: {shown(func)} is {kind_of(func)}, not a callable")
    return func


def checked_name(what: str, name: object) -> str:
    if not isinstance(name, str):
        raise TypeError(f"{what}: {shown(name)} is {kind_of(name)}, not a str")
    return name
