"""Live features: after any sequence of bars, revisions, loads, drops and joins they are the last row of a history over
the bars that they have taken in, bit for bit."""

from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule
from numpy.typing import NDArray
from reference.bars import DAY_NS, FIELDS, FIRST_DAY_NS
from reference.live_model import LiveModel, Other, Row

from ziggy_async import BarStore, FeatureSet
from ziggy_async._core import Universe
from ziggy_async.features import LiveFeatures

KINDS = FeatureSet(
    # columns, constants, operations with and without memory, lags, the calendar
    "close", "2 * 3", "open / close - 1", "cumsum(close - open)", "bars_since(close > open)",
    "value_when(close > open, high)", "highest_since(close < open, high)", "lowest_since(close > open, low)",
    "total_since(close > open, volume)", "lag(close, 1)", "lag(close - open, 5)", "skip(close, 3)",
    "hour() + minute()", "date()", "crossed_above(close, sma(close, 3))", "fill(lag(close, 4), 0)",
    "is_nan(lag(close, 2))", "(close if close > open else nan)",
    # windows and recursions, of each other, with and without holes, of values that begin late
    "sma(close, 4)", "stddev(close * volume, 5)", "median(close, 3)", "ts_rank(close, 4)", "argmax(high, 5)",
    "correl(close, open, 4)", "ema(close, 4)", "rsi(close, 3)", "macd(close, 3, 5, 2).histogram", "kama(close, 3)",
    "sar()", "obv()", "adx(high, low, close, 3)", "ema(sma(close, 3), 3)", "sma(ema(close, 3), 3)",
    "sma(log(close - open), 3)", "ema(log(close - open), 3)", "kama(log(close - open), 3)",
    "macd(log(close - open), 2, 4, 2).signal", "sma(value_when(close > open, close), 3)",
    "ema(value_when(close > open, close), 3)", "ema(skip(close, 4), 2)", "lag(ema(log(close - open), 2), 2)",
    "obv(close, log(volume - 50))", "highest(log(close - open), 1)", "stochrsi(close, 4, 3, 2, 0).fastd",
)  # fmt: skip
COMPARED = FeatureSet(
    "rank(close)", "demean(sma(close, 3)) - scale(volume)", "standardize(returns(close))", "winsorize(close, 0.2)",
    "is_nan(rank(sma(close, 4)))", "cumsum(volume) if rank(close) > 0.5 else nan", "rank(rank(close) * volume)",
    "rank(close) ** rank(sma(close, 3))", "ema(close, 3)", "2 * 3",
)  # fmt: skip
"""What is made across tickers at the newest time."""
PERIODS = FeatureSet(
    "every('1h', sma(close, 3))", "every('1h', sma(close, 3), forming=1)", "every('1d', ema(high - low, 2)) + close",
    "every('1d', rsi(close, 2), forming=1)", "every('1w', volume)", "every('1mo', open, forming=1)",
    "cumsum(every('15m', hour()))", "sma(close - every('1h', close, forming=1), 4)", "every('4h', lag(close, 2))",
    "every('1h', stddev(log(close - open), 2))", "every('2h', argmax(high, 4), forming=1)", "every('1d', date())",
    "rank(every('1h', close)) * close", "every('1h', ema(log(close - open), 2), forming=1)",
)  # fmt: skip
"""Bars gathered into periods, of which few last as long as a bar."""


def others(first: str, second: str, inside: str) -> FeatureSet:
    """What is read of two tickers, and of one of them what reads the other, and what begins anew with that."""
    raw = (f"of('{name}', {column})" for name in (first, second) for column in FIELDS)
    return FeatureSet(
        *raw, f"of('{first}', sma(close, 3))", f"sma(close - of('{second}', close), 3)",
        f"ema(returns(close) - of('{first}', ema(close, 2)), 3)", f"of('{inside}', every('1h', rsi(close, 2)))",
        f"cumsum(close * of('{second}', every('1d', close, forming=1)))",
        f"of('{inside}', ema(close - of('{second}', ema(log(close - open), 2)), 3))",
        f"rank(close - lag(of('{first}', close), 2))",
    )  # fmt: skip


OTHERS = others("T00", "T03", "T00")
SEEN_OTHERS = others("FIRST", "SECOND", "INSIDE")
"""The same of the bars that were seen of those tickers, which they may have seen otherwise for themselves."""
LATER = 2**62
"""Nanoseconds of a bar that is later than any."""
SYMBOLS = [f"T{number:02}" for number in range(21)]
"""More than two tiles of the widest lane set, and no multiple of one."""
FEW = st.lists(st.sampled_from(SYMBOLS), min_size=1, max_size=4, unique=True)
RANDOM = st.randoms(use_true_random=False)


def same(found: NDArray[np.float64], wanted: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Bit for bit; one NaN is as good as another."""
    return (found.view(np.int64) == wanted.view(np.int64)) | (np.isnan(found) & np.isnan(wanted))


def stamp(nanoseconds: int) -> np.datetime64:
    return np.datetime64(nanoseconds, "ns")


def table_of(rows: list[Row]) -> dict[str, Any]:
    columns = np.array(rows, dtype=np.float64).reshape(len(rows), 6)
    times = np.array([row[0] for row in rows], dtype=np.int64)
    return {"timestamp": times.view("M8[ns]"), **dict(zip(FIELDS, columns[:, 1:].T.copy(), strict=True))}


def made(random: Random) -> tuple[float, ...]:
    open_, close = float(random.randint(10, 90)), float(random.randint(10, 90))
    up, down = float(random.randint(0, 9)), float(random.randint(0, 9))
    return open_, max(open_, close) + up, min(open_, close) - down, close, float(random.randint(0, 99))


def check(live: LiveFeatures, model: LiveModel, formulas: FeatureSet) -> None:
    """The rows are those of a history over the bars that the model has seen."""
    whole = BarStore(10**6, zone="Asia/Kolkata")
    for symbol, seen in model.seen.items():
        whole.load(symbol, table_of(seen.rows))
    for name, other in zip(("SECOND", "FIRST", "INSIDE"), model.others, strict=False):
        rows = [(LATER, 1.0, 1.0, 1.0, 1.0, 1.0)] if other.seen is None else other.seen.rows
        whole.load(name, table_of(rows))
    wanted = formulas.latest(live.symbols, whole)
    equal = same(live.values, wanted.to_numpy())
    for row, feature in np.argwhere(~equal)[:1]:
        symbol, name = live.symbols[row], formulas.names[feature]
        raise AssertionError(f"{name} of {symbol}: {live.values[row, feature]} for {wanted.to_numpy()[row, feature]}")
    np.testing.assert_array_equal(live.table().timestamps, wanted.timestamps)
    assert live.table().missing == wanted.missing
    found = live.stats()
    assert found["tickers"] == len(model.seen)
    if model.others:  # of which bars may be replaced without another value, as in a warm-up
        assert found["bars"] <= model.bars
        assert found["restarted"] <= model.restarted
    else:
        assert (found["bars"], found["restarted"]) == (model.bars, model.restarted)
        assert found["revised"] >= model.revised


class LiveMachine(RuleBasedStateMachine):
    @initialize(capacity=st.sampled_from([1, 2, 3, 12, 400]), count=st.integers(0, len(SYMBOLS)), named=st.booleans())
    def begin(self, capacity: int, count: int, named: bool) -> None:
        self.store, self.model = BarStore(capacity, zone="Asia/Kolkata"), LiveModel(capacity)
        self.now = FIRST_DAY_NS
        self.has_sections = False
        self.made_universes: tuple[Universe, Universe] | None = None
        for symbol in SYMBOLS[:count]:
            self.put(symbol, (20.0, 30.0, 10.0, 25.0, 5.0))
        self.asked = SYMBOLS if named else None
        self.live = KINDS.live(self.store, self.asked)
        self.compared = COMPARED.live(self.store, self.asked)
        self.periods = PERIODS.live(self.store, self.asked)
        self.model.update()
        self.others: LiveFeatures | None = None

    def begin_others(self) -> None:
        """As soon as the tickers that are read by name are there."""
        second = Other("T03")
        self.of_others = LiveModel(self.model.capacity, [second, Other("T00"), Other("T00", second)], self.model.kept)
        self.others = OTHERS.live(self.store, self.asked)
        self.of_others.update()

    def put(self, symbol: str, figures: tuple[float, ...], again: bool = False) -> None:
        time = self.model.kept[symbol].rows[-1][0] if again else self.now
        self.store.append(symbol, stamp(time), *figures)
        self.model.append(symbol, (time, *figures))

    @rule(missing=FEW, few_are_missing=st.booleans(), random=RANDOM, count=st.sampled_from([1, 1, 1, 2, 5, 30]))
    def bars(self, missing: list[str], few_are_missing: bool, random: Random, count: int) -> None:
        """Bars of all symbols that are there but a few, or of those few."""
        for _ in range(count):
            self.now += random.randint(1, 4000) * 1_000_000_000
            for symbol in list(self.model.kept):
                if (symbol in missing) != few_are_missing:
                    self.put(symbol, made(random))

    @precondition(lambda self: self.store.capacity > 100)
    @rule(missing=FEW, random=RANDOM, count=st.sampled_from([1, 1, 2, 5, 20]), forming=st.sampled_from([0, 0, 1, 2]))
    def cross_sections(self, missing: list[str], random: Random, count: int, forming: int) -> None:
        """Of one universe or the other, some of them more than once. Live features see those that the store has kept as
        they came, also where its capacity has dropped their bars."""
        self.has_sections = True
        for _ in range(count):
            self.now += random.randint(1, 4000) * 1_000_000_000
            for _ in range(1 + forming):
                universe = random.choice(self.universes())
                figures = np.full((len(universe), 5), np.nan)
                for place, symbol in enumerate(universe.symbols):
                    if symbol not in missing or random.random() < 0.5:
                        figures[place] = made(random)
                        self.model.append(symbol, (self.now, *figures[place].tolist()))
                self.store.append_cross_section(stamp(self.now), universe, figures)

    def universes(self) -> tuple[Universe, Universe]:
        """Of the first symbols, and of others in another order; made anew after a symbol was dropped."""
        if self.made_universes is None:
            self.made_universes = self.store.universe(SYMBOLS[:12]), self.store.universe(SYMBOLS[:5:-2])
        return self.made_universes

    @rule(symbol=st.sampled_from(SYMBOLS), random=RANDOM)
    def one_bar(self, symbol: str, random: Random) -> None:
        """Of a symbol that may join."""
        self.now += DAY_NS
        self.put(symbol, made(random))

    @rule(share=st.floats(0.0, 1.0), random=RANDOM)
    def replace(self, share: float, random: Random) -> None:
        for symbol in list(self.model.kept):
            if random.random() < share:
                self.put(symbol, made(random), again=True)

    @rule(symbols=FEW, count=st.integers(1, 5))
    def load(self, symbols: list[str], count: int) -> None:
        for symbol in symbols:
            rows = [(self.now - at * DAY_NS, 20.0 + at, 30.0 + at, 10.0 + at, 25.0 + at, 5.0) for at in range(count)]
            rows.reverse()
            self.store.load(symbol, table_of(rows))
            self.model.load(symbol, rows)

    @rule(symbols=FEW)
    def drop(self, symbols: list[str]) -> None:
        for symbol in symbols:
            self.store.drop(symbol)
            self.model.drop(symbol)
        self.made_universes = None

    @rule()
    def update(self) -> None:
        """A bar that a cross-section revises more than once before an update may count as often."""
        before = self.live.stats()
        taken, wanted = self.live.update(), self.model.update()
        after = self.live.stats()
        assert taken == after["bars"] - before["bars"] + after["revised"] - before["revised"]
        assert taken == wanted or self.has_sections
        check(self.live, self.model, KINDS)
        assert self.compared.update() == taken
        check(self.compared, self.model, COMPARED)
        assert self.periods.update() == taken
        check(self.periods, self.model, PERIODS)
        if self.others is None and {"T00", "T03"} <= set(self.model.kept):
            self.begin_others()
        if self.others is not None:
            self.others.update()
            self.of_others.update()
            check(self.others, self.of_others, SEEN_OTHERS)

    def teardown(self) -> None:
        if hasattr(self, "live"):
            self.update()


TestAnySequence = LiveMachine.TestCase
TestAnySequence.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)


@pytest.mark.parametrize(("missing", "together", "most"), [(0.3, 1, 2.7), (0.03, 1, 1.2), (0.03, 3, 1.2)])
def test_many_tickers_that_miss_bars_share_tiles_again(missing: float, together: int, most: float) -> None:
    """Enough of them for states that lie many to a page, of tickers in step and of those that have left for a while."""
    features = FeatureSet("sma(close, 200)", "ema(close, 3)", "obv()")
    store, count, random = BarStore(64), 6_000, np.random.default_rng(1)
    universe = store.universe([f"T{number:04}" for number in range(count)])
    live, taken, in_step = features.live(store), 0, 0
    for bar in range(15):
        figures = np.repeat(random.uniform(10, 20, (count, 1)), 5, axis=1)
        figures[random.random(count) < (missing if bar > 2 else 0.0)] = np.nan
        store.append_cross_section(stamp(FIRST_DAY_NS + bar * DAY_NS), universe, figures)
        taken = 0 if bar % together == 0 else taken
        taken += np.isfinite(figures[:, 0]).sum()
        if (bar + 1) % together == 0:
            assert live.update() == taken
            assert same(live.values, features.latest(live.symbols, store).to_numpy()).all()
        in_step = live.stats()["tiles"] if bar == 2 else in_step
    assert in_step <= live.stats()["tiles"] < most * in_step


def test_sections_of_two_universes_reach_many_tickers_that_miss_bars() -> None:
    """Some at a time, new and revised: a ticker that has seen them all but had no bar shares the tile of those that had
    one."""
    features = FeatureSet("sma(close, 7)", "ema(close, 3)", "stddev(close, 5)", "obv()")
    store, count, random = BarStore(64), 4_500, np.random.default_rng(5)
    names = [f"T{number:04}" for number in range(count)]
    whole, part = store.universe(names), store.universe([names[at] for at in random.permutation(count)[: count // 2]])
    live, bar = features.live(store), 0
    for step in range(30):
        for _ in range(1 + step % 3):
            kind = random.random()
            universe, size = (part, count // 2) if kind < 0.2 else (whole, count)
            figures = np.repeat(random.uniform(10, 20, (size, 1)), 5, axis=1)
            figures[random.random(size) < (random.choice([0.01, 0.1, 0.4, 0.7]) if step > 2 else 0.0)] = np.nan
            bar += kind < 0.8
            store.append_cross_section(stamp(FIRST_DAY_NS + bar * DAY_NS), universe, figures)
        live.update()
        assert same(live.values, features.latest(live.symbols, store).to_numpy()).all()


def test_a_section_revises_the_bar_of_a_ticker_whose_tile_is_not_as_late() -> None:
    """The first ticker is ahead of the others, and has come into the tile of those that have missed as many bars."""
    features = FeatureSet("sma(close, 3)", "cumsum(close)")
    store, names, random = BarStore(64), [f"T{number:02}" for number in range(15)], np.random.default_rng(6)
    universes = {count: store.universe(names[:count] if count > 0 else names[1:]) for count in (15, 1, 0)}
    live = features.live(store)
    for which, day, missing in ((15, 0, 0), (15, 1, 0), (1, 10, 0), (0, 5, 7), (0, 6, 0), (15, 10, 0), (15, 11, 0)):
        figures = np.repeat(random.uniform(10, 20, (which or 14, 1)), 5, axis=1)
        figures[len(figures) - missing :] = np.nan
        store.append_cross_section(stamp(FIRST_DAY_NS + day * DAY_NS), universes[which], figures)
        live.update()
        assert same(live.values, features.latest(live.symbols, store).to_numpy()).all()


def test_many_tickers_that_join_and_have_bars_one_by_one() -> None:
    """More than the tail of the store tells of, so that each one is looked at."""
    features = FeatureSet("sma(close, 3)", "ema(close, 3)")
    store, random = BarStore(64), np.random.default_rng(2)
    live = features.live(store)
    for bar in range(6):
        for number in np.flatnonzero(random.random(1_500 + 300 * bar) < 0.7):
            price = random.uniform(10, 20)
            store.append(f"T{number:04}", stamp(FIRST_DAY_NS + bar * DAY_NS), price, price, price, price, 1.0)
        live.update()
        assert same(live.values, features.latest(live.symbols, store).to_numpy()).all()


def test_tickers_that_leave_out_other_bars_share_a_tile() -> None:
    """The first ticker leaves out its last bars, the others their first ones: as many bars have entered each average,
    and its window is full, of the others since their last bar."""
    features, symbols = FeatureSet("kama(signal, 3)", "kama(signal, 5)"), [f"T{number}" for number in range(8)]
    for period in (3, 5):
        store, random = BarStore(64, columns=("signal",)), np.random.default_rng(period)
        first = 2 * period + 3
        prices, signals = np.full(5, 10.0), random.uniform(10, 20, (8, first + 10))
        signals[0, first - 2 : first] = signals[1:, :2] = np.nan
        live = features.live(store, symbols)
        for bar in range(first + 10):
            for symbol, signal in zip(symbols, signals[:, bar], strict=True):
                store.append(symbol, stamp(FIRST_DAY_NS + bar * DAY_NS), *prices, signal=signal)
            if bar >= first - 1:
                live.update()
                assert same(live.values, features.latest(symbols, store).to_numpy()).all()
