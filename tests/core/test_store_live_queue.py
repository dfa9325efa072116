"""A store that tasks of the background queue write, and live features that follow it meanwhile: whatever was enqueued,
cancelled and requeued, the store is that of plain Python, the features are those of its bars, and no task is lost."""

import asyncio
import threading
from typing import Any

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule
from reference.bars import DAY_NS, FIELDS, FIRST_DAY_NS
from reference.store_model import Row, StoreModel

from ziggy_async import BarStore, FeatureSet
from ziggy_async.async_features import AsyncFeatureComputer, TaskPoolConfig

FEATURES = FeatureSet("close", "sma(close, 3)", "highest(high, 4)", "lag(volume, 2)")
STATES = ("succeeded", "failed", "cancelled", "dead", "queued", "running")
SYMBOLS = st.sampled_from(["A", "B", "C"])
ROW = st.builds(
    lambda day, close, beyond: (FIRST_DAY_NS + day * DAY_NS, close, close + beyond, 1.0, close, 5.0),
    st.integers(0, 12), st.integers(2, 99).map(float), st.sampled_from([1.0, 2.0, 3.0, -1.0]),
)  # fmt: skip
CHANGE = st.one_of(
    st.tuples(st.just("append"), SYMBOLS, ROW),
    st.tuples(st.just("append"), SYMBOLS, ROW),
    st.tuples(
        st.just("load"), SYMBOLS, st.lists(ROW, min_size=1, max_size=9, unique_by=lambda row: row[0]).map(sorted)
    ),
    st.tuples(st.just("drop"), SYMBOLS),
)


def arguments(change: str, symbol: str, *rows: Any) -> tuple[Any, ...]:
    """What the store takes where the model takes rows."""
    if change == "append":
        return (symbol, np.datetime64(rows[0][0], "ns"), *rows[0][1:])
    if change == "load":
        times = np.array([row[0] for row in rows[0]], "M8[ns]")
        figures = np.array([row[1:] for row in rows[0]])
        return symbol, {"timestamp": times, **dict(zip(FIELDS, figures.T.copy(), strict=True))}
    return (symbol,)


class StoreLiveQueueMachine(RuleBasedStateMachine):
    @initialize(capacity=st.integers(4, 9), workers=st.integers(1, 3), size=st.integers(2, 6))
    def begin(self, capacity: int, workers: int, size: int) -> None:
        self.store, self.model = BarStore(capacity), StoreModel(capacity)
        self.live = FEATURES.live(self.store)
        self.lock = threading.Lock()
        self.log: list[tuple[tuple[Any, ...], Any]] = []  # changes in the order in which they were made; by the lock
        self.handles: list[Any] = []
        self.loop = asyncio.new_event_loop()
        self.computer = AsyncFeatureComputer(TaskPoolConfig(max_workers=workers, queue_size=size))
        self.loop.run_until_complete(self.computer.start())

    def change(self, *change: Any) -> None:
        """Runs on the threads of the queue."""
        with self.lock:
            try:
                outcome = getattr(self.store, change[0])(*arguments(*change))
            except ValueError:
                self.log.append((change, ValueError))
                raise
            self.log.append((change, outcome))

    @rule(change=CHANGE, priority=st.integers(0, 2), on_full=st.sampled_from(["wait", "drop_oldest", "drop_new"]))
    def enqueue(self, change: tuple[Any, ...], priority: int, on_full: Any) -> None:
        view = self.computer.with_options(priority=priority, on_full=on_full, max_attempts=2, retry_on=KeyError)
        self.handles.append(self.loop.run_until_complete(view.enqueue_task("change", self.change, *change)))

    @precondition(lambda self: self.handles)
    @rule(choice=st.integers(0, 99))
    def cancel(self, choice: int) -> None:
        self.handles[choice % len(self.handles)].cancel()

    @rule()
    def follow(self) -> None:
        """While tasks run."""
        self.live.update()

    @rule()
    def requeue(self) -> None:
        again = self.loop.run_until_complete(self.computer.dead_letters.requeue_all())
        self.handles.extend(again.requeued.values())

    @rule()
    def settle(self) -> None:
        """Everything that is under way ends; then all three agree."""

        async def ends() -> None:
            await asyncio.gather(*self.handles, return_exceptions=True)

        self.loop.run_until_complete(ends())
        counts = self.computer.counts()
        assert counts["submitted"] == sum(counts[state] for state in STATES), counts
        assert all(handle.done() for handle in self.handles)
        with self.lock:
            made, self.log = self.log, []
        for change, outcome in made:
            self.replay(change, outcome)
        self.live.update()
        self.check()

    def replay(self, change: tuple[Any, ...], outcome: Any) -> None:
        try:
            expected: Any = getattr(self.model, change[0])(*change[1:])
        except ValueError:
            expected = ValueError
        assert outcome == expected, change

    def check(self) -> None:
        assert set(self.store.symbols()) == set(self.model.rows)
        for symbol, rows in self.model.rows.items():
            bars = self.store.bars(symbol)
            stamps = bars.pop("timestamp").astype(np.int64).tolist()
            found: list[Row] = list(zip(stamps, *(column.tolist() for column in bars.values()), strict=True))
            assert found == rows
        wanted = FEATURES.latest(self.live.symbols, self.store)
        np.testing.assert_allclose(self.live.values, wanted.to_numpy(), rtol=1e-12)
        np.testing.assert_array_equal(self.live.table().timestamps, wanted.timestamps)

    def teardown(self) -> None:
        if hasattr(self, "loop"):
            self.settle()
            self.loop.run_until_complete(self.computer.stop())
            self.loop.close()


TestAnySequence = StoreLiveQueueMachine.TestCase
TestAnySequence.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
