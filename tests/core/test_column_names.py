"""Which column of a table is what, by its name and by what else the table holds."""

import re

import numpy as np
import pytest

from ziggy_async.reading.columns import read_bars
from ziggy_async.reading.options import Rules


def table(**changes):
    columns = {"timestamp": np.array(["2020-01-01", "2020-01-02"], "M8[D]"), "volume": [10.0, 0.0]}
    columns |= {"open": [1.0, 2.0], "high": [3.0, 4.0], "low": [0.5, 1.5], "close": [2.0, 3.0]}
    return columns | changes


@pytest.mark.parametrize(
    ("role", "name"),
    [
        ("close", "Close (USD)"),
        ("close", "Close [€]"),
        ("close", "Close ($)"),
        ("close", "Close (in USD per share)"),
        ("close", "收盘价\uff08元\uff09"),
        ("volume", "Volume (shares)"),
        ("volume", "成交量(股)"),
        ("timestamp", "Date (UTC)"),
    ],
)
def test_a_remark_that_names_a_currency_or_a_unit(role, name) -> None:
    columns = table()
    columns[name] = columns.pop(role)
    assert getattr(read_bars(columns, "A"), role).tolist() == getattr(read_bars(table(), "A"), role).tolist()


@pytest.mark.parametrize(
    ("role", "name"),
    [
        *(("close", f"Close {remark}") for remark in ("(adj)", "[adjusted]", "(prev)", "(5d avg)", "(%)", "%")),
        *(("close", name) for name in ("Close Price (Adj.)", "Close (dividend adjusted)", "Close (USD, adj)")),
        ("high", "High (52W)"),
        *(("volume", f"Volume {remark}") for remark in ("(M)", "('000)", "(in millions)", "(x1000)", "[k]", "(lots)")),
        *(("volume", f"Volume {remark}") for remark in ("(USD)", "($)", "(quote)", "(shares, thousands)")),
        *(("volume", name) for name in ("Vol(Cr)", "成交量(手)")),
        ("timestamp", "Date (EST)"),
    ],
)
def test_a_remark_that_makes_another_figure_of_a_column(role, name) -> None:
    columns = table()
    columns[name] = columns.pop(role)
    with pytest.raises(
        ValueError, match=f"no column for {role}: .*; {re.escape(repr(name))}: the remark says"
    ) as error:
        read_bars(columns, "A")
    assert f"{role!r}: NAME" in str(error.value)
    assert len(read_bars(columns, "A", Rules(columns={role: name})).close) == 2


def test_a_column_without_a_remark_is_taken_before_one_with() -> None:
    bars = read_bars(table(**{"Close (prev)": [9.0, 9.0], "Close (adj)": [8.0, 8.0], "Volume (USD)": [7.0, 7.0]}), "A")
    assert bars.close.tolist() == [2.0, 3.0]
    assert bars.volume.tolist() == [10.0, 0.0]


def test_prices_of_several_currencies() -> None:
    columns = table()
    columns |= {"Open (EUR)": columns.pop("open"), "Close (USD)": columns.pop("close")}
    with pytest.raises(ValueError, match=r"prices of several currencies: 'Open \(EUR\)', 'Close \(USD\)'"):
        read_bars(columns, "A")
