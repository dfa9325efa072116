"""Feeds a paper FeatureComputer from reference bars."""

from datetime import UTC, datetime

from reference.bars import Bars

from ziggy_async.paper import FeatureComputer, PriceData


def feed(computer: FeatureComputer, symbol: str, bars: Bars) -> None:
    for row in range(len(bars)):
        moment = datetime.fromtimestamp(int(bars.timestamp[row]) / 1e9, UTC)
        computer.add_price_data(PriceData(moment, symbol, *(float(c[row]) for c in bars.columns().values())))
