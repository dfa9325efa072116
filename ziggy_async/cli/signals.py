"""`ziggy-async signals`: the trading signals of a watchlist, the most confident ones first."""

import argparse
import asyncio
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from ziggy_async.cli.layout import Table
from ziggy_async.cli.market import Asked, cost, load_bars, timed
from ziggy_async.cli.output import as_of, complain, figure, print_csv, print_json, print_table
from ziggy_async.market_brain.features import async_get_multiple_ticker_features
from ziggy_async.market_brain.regime import MARKET, RegimeDetector, RegimeState
from ziggy_async.market_brain.signals import Result, Signal, signal_generator
from ziggy_async.store import default_store

MANY = 20
"""Rows that fit a screen. Where there are more, tickers without a signal, and on a terminal further signals, are
counted instead of shown."""
COLUMNS = (
    *("ticker", "as of", "close", "RSI", "z-score", "regime", "direction"),
    *("confidence", "entry", "stop", "target", "reason"),
)
CSV_COLUMNS = (
    *("ticker", "as_of", "close", "rsi_14", "z_score_20", "regime", "direction", "signal_type", "confidence"),
    *("entry", "stop_loss", "take_profit", "expected_return", "risk_reward_ratio", "time_horizon", "reason"),
)
STYLES = {"LONG": "green", "SHORT": "red"}


class Answer(NamedTuple):
    """The answer for one ticker: its signal or the reason why there is none, and its features."""

    ticker: str
    signal: Signal | None
    reason: str
    features: Mapping[str, Any]


Figure = Callable[[Answer], float | None]


def of_signal(name: str) -> Figure:
    return lambda answer: getattr(answer.signal, name, None)


def of_features(name: str) -> Figure:
    return lambda answer: answer.features.get(name)


FIGURES: dict[str, Figure] = {
    "confidence": of_signal("confidence"),
    "return": of_signal("expected_return"),
    "close": of_features("close"),
    "rsi": of_features("rsi_14"),
    "z-score": of_features("z_score_20"),
}
"""Keys to sort by beside `ticker` and `given`: the highest first, or with a minus the lowest."""
SORTS = ("ticker", "given", *FIGURES, *(f"-{name}" for name in FIGURES))


def signals(arguments: argparse.Namespace) -> int:
    """Prints the signals. Returns the exit code: 1 when a ticker is unknown, else 0."""
    asked = load_bars(arguments)
    detector = RegimeDetector(market=market_of(arguments))

    async def compute() -> tuple[RegimeState, str, dict[str, Result]]:
        if arguments.regime is None:
            detected = await detector.detect_regime_async()
            state, explanation = detected.regime, detected.explanation
        else:
            state, explanation = arguments.regime, f"{arguments.regime}: as --regime says."
        params = dict(arguments.param)
        return state, explanation, await signal_generator.generate_signals_bulk_async(asked.tickers, state, params)

    (state, explanation, found), seconds, lag = timed(compute)
    features = asyncio.run(async_get_multiple_ticker_features(asked.tickers))
    answers = [Answer(ticker, each["signal"], each["reason"], features[ticker]) for ticker, each in found.items()]
    by_default = "confidence" if arguments.tickers is None else "given"
    answers = in_order(answers, arguments.sort or by_default)
    shown = selected(answers, arguments)
    if arguments.json:
        listed = [as_json(answer) for answer in shown]
        print_json({"signals": listed, "regime": state, "seconds": seconds, "lag_ms": lag.to_dict()})
    elif arguments.csv:
        print_csv(CSV_COLUMNS, (csv_row(answer, state) for answer in shown))
    else:
        table = signal_table(shown, state)
        if arguments.regime is None and detector.market not in default_store():
            explanation += " --market TICKER reads the regime from another one."
        table.notes += [*rest_note(answers, shown), explanation, cost(len(answers), seconds, lag)]
        print_table(table)
    return complain(asked.complaint()) if asked.unknown else 0


def market_of(arguments: argparse.Namespace) -> str:
    """Returns the ticker that the regime is read from. Raises `ValueError` when one is named that has no bars."""
    if arguments.market is None:
        return MARKET
    tickers, unknown = asked = Asked.of([arguments.market])
    if unknown:
        raise ValueError(f"--market: {asked.complaint()}")
    return tickers[0]


def in_order(answers: Sequence[Answer], sort: str) -> list[Answer]:
    """Returns the answers in that order; one without the figure comes last, in the order given."""
    if sort == "given":
        return list(answers)
    if sort == "ticker":
        return sorted(answers, key=lambda answer: answer.ticker)
    figures = [FIGURES[sort.removeprefix("-")](answer) for answer in answers]
    known = [(figure, answer) for figure, answer in zip(figures, answers, strict=True) if figure is not None]
    known.sort(key=lambda pair: pair[0], reverse=not sort.startswith("-"))
    unknown = [answer for figure, answer in zip(figures, answers, strict=True) if figure is None]
    return [answer for _, answer in known] + unknown


def selected(answers: Sequence[Answer], arguments: argparse.Namespace) -> Sequence[Answer]:
    """Returns the answers to show: all of tickers that were named, of few, of `--all` and as JSON, else the signals; of
    these the first `--top`."""
    is_named = arguments.tickers is not None
    if not (is_named or arguments.all or arguments.json or len(answers) <= MANY):
        answers = [answer for answer in answers if answer.signal is not None]
    is_screen = sys.stdout.isatty() and not (arguments.json or arguments.csv)
    top = arguments.top
    if top is None and is_screen and not (is_named or arguments.all):
        top = MANY
    return answers[:top]


def signal_table(answers: Iterable[Answer], regime: str) -> Table:
    table = Table(COLUMNS, frozenset({"ticker", "as of", "regime", "direction", "reason"}), sentences=True)
    for answer in answers:
        figures = (figure(answer.features.get(name)) for name in ("close", "rsi_14", "z_score_20"))
        row = [answer.ticker, as_of(answer.features), *figures, regime]
        signal = answer.signal
        if signal is None:
            table.add([*row, "", "", "", "", "", answer.reason], "dim")
            continue
        prices = (signal.entry_price, signal.stop_loss, signal.take_profit)
        row += [signal.direction.value, f"{signal.confidence:.2f}", *map(figure, prices), signal.reason]
        table.add(row, STYLES.get(signal.direction))
    return table


def csv_row(answer: Answer, regime: str) -> list[object]:
    figures = (answer.features.get(name) for name in ("as_of", "close", "rsi_14", "z_score_20"))
    row = [answer.ticker, *figures, regime]
    signal = answer.signal
    if signal is None:
        return [*row, *[None] * (len(CSV_COLUMNS) - len(row) - 1), answer.reason]
    return [
        *(*row, signal.direction, signal.signal_type, signal.confidence),
        *(signal.entry_price, signal.stop_loss, signal.take_profit, signal.expected_return),
        *(signal.risk_reward_ratio, signal.time_horizon, signal.reason),
    ]


def as_json(answer: Answer) -> dict[str, Any]:
    signal = None if answer.signal is None else answer.signal.to_dict()
    return {"ticker": answer.ticker, "signal": signal, "reason": answer.reason}


def rest_note(answers: Sequence[Answer], shown: Sequence[Answer]) -> list[str]:
    """Returns one line on what is not shown: how many signals, and how many tickers without one for each reason."""
    seen = {answer.ticker for answer in shown}
    rest = [answer for answer in answers if answer.ticker not in seen]
    if not rest:
        return []
    reasons = [answer.reason for answer in rest if answer.signal is None]
    parts = []
    if len(rest) > len(reasons):
        parts.append(f"{len(rest) - len(reasons)} more signals")
    if reasons:
        counts = ", ".join(f"{reasons.count(reason)} {reason}" for reason in dict.fromkeys(reasons))
        parts.append(f"{len(reasons)} tickers without a signal ({counts})")
    return [f"Not shown: {'; '.join(parts)}. --all shows them."]
